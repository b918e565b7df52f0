"""The recorded exchanges under `payloads/`: reading them, and a fediverse in memory that answers as those servers did."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from federation.reading import POST_TYPES

PAYLOADS = Path(__file__).parent / "payloads"
FOLDERS = tuple(sorted(path.name for path in PAYLOADS.iterdir() if path.is_dir()))
Json = dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """One file: a request that a server sent us, or a document that we fetched from it."""

    folder: str
    name: str
    content: Json = field(repr=False)

    @property
    def number(self) -> str:
        return self.name[:3]

    @property
    def request(self) -> Json | None:
        found: Json | None = self.content.get("request")
        return found

    @property
    def is_post(self) -> bool:
        return self.request is not None and self.request["method"] == "POST"

    @property
    def body(self) -> Json:
        """The activity of a POST."""
        assert self.request is not None
        found: Json = json.loads(self.request["body"])
        return found

    def header(self, name: str) -> str:
        """A header of the request, `""` if it has none."""
        assert self.request is not None
        return next((value for key, value in self.request["headers"] if key.lower() == name), "")

    @property
    def time(self) -> float | None:
        """The Date that the request was signed at, in seconds since 1970."""
        date = self.header("date")
        return parsedate_to_datetime(date).timestamp() if date else None


@cache
def recordings(folder: str) -> tuple[Recording, ...]:
    """The files of one server in the order of arrival."""
    paths = sorted((PAYLOADS / folder).glob("[0-9]*.json"))
    return tuple(Recording(folder, path.stem, json.loads(path.read_text())) for path in paths)


def every() -> Iterator[Recording]:
    """All files of all servers."""
    for folder in FOLDERS:
        yield from recordings(folder)


class Origins:
    """The other servers, as far as the recordings tell: documents that were fetched, keys, and what was sent last.

    An object that nobody fetched is served as its author last sent it: a Create or Update puts it there, a Delete
    takes it away, and an Undo of that puts it back.
    """

    def __init__(self, *folders: str) -> None:
        self.documents: dict[str, tuple[int, str, str]] = {}
        self.sent: dict[str, Json | None] = {}
        self.deleted: dict[str, Json | None] = {}
        self.asked: list[str] = []
        for folder in folders:
            self._documents_of(folder)

    def _documents_of(self, folder: str) -> None:
        for recording in recordings(folder):
            if "fetch" not in recording.content:
                continue
            answer = recording.content["response"]
            kind = next((value for name, value in answer["headers"] if name.lower() == "content-type"), "")
            url = recording.content["fetch"]["url"]
            late = "deleted" in recording.name or answer["status"] != 200
            if not late and not self._is_post(answer["body"]):
                self.documents.setdefault(_canonical(url), (answer["status"], kind, answer["body"] or ""))
        for key_id, key in json.loads((PAYLOADS / folder / "keys.json").read_text()).items():
            self._stub(key_id, key)

    @staticmethod
    def _is_post(body: str | None) -> bool:
        """Posts change in the course of a recording, so they come from what was sent."""
        try:
            doc = json.loads(body or "")
        except ValueError:
            return False
        return isinstance(doc, dict) and doc.get("type") in POST_TYPES

    def _stub(self, key_id: str, key: Json) -> None:
        """GoToSocial's keys stand at addresses of their own, with a stub of their actor."""
        address = _canonical(key_id.partition("#")[0])
        if address != _canonical(key["actor"]) and address not in self.documents:
            public = {"id": key_id, "owner": key["actor"], "publicKeyPem": key["publicKeyPem"]}
            stub = {"id": key["actor"], "type": "Person", "publicKey": public}
            self.documents[address] = (200, "application/activity+json", json.dumps(stub))

    def actor(self, doc: Json) -> None:
        """Add an actor that nobody fetched."""
        self.documents[_canonical(doc["id"])] = (200, "application/activity+json", json.dumps(doc))

    def happened(self, activity: Mapping[str, Any]) -> None:
        """Something was done at its origin."""
        item = activity.get("object")
        if activity.get("type") == "Announce":
            for one in item if isinstance(item, list) else [item]:
                if isinstance(one, dict) and "actor" in one:
                    self.happened(one)
            return
        name = item.get("id") if isinstance(item, dict) else item
        if not isinstance(name, str):
            return
        match activity.get("type"):
            case "Create" | "Update" if isinstance(item, dict) and "attributedTo" in item and "inbox" not in item:
                self.sent[name] = {"@context": "https://www.w3.org/ns/activitystreams", **item}
            case "Delete" if str(name).startswith(_site(str(activity.get("actor")))) and "summary" not in activity:
                self.deleted[name] = before = self.sent.get(name)
                self.sent[name] = None
                if "piefed.test/comment/" in name and before:  # it keeps a Note with other words, see its 080
                    words = {"content": "<p>Deleted by author</p>", "updated": "2026-11-23T12:00:00Z"}
                    self.sent[name] = {**before, **words, "source": None}
            case "Undo" if isinstance(item, dict) and item.get("type") == "Delete":
                again = item.get("object")
                if isinstance(again, str) and self.deleted.get(again):
                    self.sent[again] = self.deleted[again]

    def transport(self, host: str) -> httpx.AsyncBaseTransport:
        """For the client's `transport_factory`."""

        def answer(request: httpx.Request) -> httpx.Response:
            url = str(request.url)
            self.asked.append(url)
            if request.method == "POST":
                return httpx.Response(202)
            if url in self.documents:
                status, kind, body = self.documents[url]
                return httpx.Response(status, headers={"Content-Type": kind}, content=body.encode())
            found = next((doc for name, doc in self.sent.items() if _canonical(name) == url), None)
            gone = any(doc is None and _canonical(name) == url for name, doc in self.sent.items())
            if found is None:
                return httpx.Response(410 if gone else 404)
            return httpx.Response(200, headers={"Content-Type": "application/activity+json"}, json=found)

        return httpx.MockTransport(answer)


def _canonical(url: str) -> str:
    """As it is asked for: a host without a path is asked for `/`."""
    found = httpx.URL(url.partition("#")[0])
    return str(found.copy_with(path="/")) if found.raw_path == b"/" else str(found)


def _site(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])
