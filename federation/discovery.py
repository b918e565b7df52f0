"""Asking other servers who somebody is (WebFinger, RFC 7033) and what they run (NodeInfo).

A JRD is a claim by the host it comes from about the handles of that host, and about nothing else. A handle belongs to
an actor only when both say so: the handle's host links to the actor, and the actor's own document names that handle,
or its host is asked back and agrees.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from federation import media_types, reading, urls
from federation.budget import Budget
from federation.context import Federation
from federation.crossing import writing
from federation.documents import PASSING_STATUS, Gone, Passing, Unusable
from federation.fetch_errors import FetchError
from models import peers

JRD_TYPES = ("application/jrd+json", "application/json")
MAX_JRD = 64_000
MAX_NODEINFO = 256_000
MAX_LINKS = 100
SUBSCRIBE = "http://ostatus.org/schema/1.0/subscribe"
INTENT = "https://w3id.org/fep/3b86/"
NODEINFO_RELS = (
    "http://nodeinfo.diaspora.software/ns/schema/2.1",
    "http://nodeinfo.diaspora.software/ns/schema/2.0",
)


@dataclass(frozen=True, slots=True)
class Handle:
    """`name@domain`; the domain in canonical form, the name as written (NodeBB's may be any letters)."""

    name: str
    domain: str

    def __str__(self) -> str:
        return f"{self.name}@{self.domain}"

    def same(self, other: "Handle") -> bool:
        """The same handle, letter case of the name ignored."""
        return self.domain == other.domain and self.name.casefold() == other.name.casefold()


@dataclass(frozen=True, slots=True)
class Jrd:
    """What a host says of a handle."""

    subject: Handle
    actor: str
    """The one actor it links to."""
    templates: dict[str, str]
    """Links with `{uri}` or `{object}`, by rel in small letters: where somebody from there can be sent (FEP-3b86)."""

    def intent(self, activity: str) -> str:
        """Where somebody is sent to do this (`Create`, `Announce`, `Object`); empty where his server has no such door."""
        return self.templates.get(INTENT.lower() + activity.lower(), "")


def handle(text: str) -> Handle:
    """Read `@name@domain`, `name@domain` or `acct:name@domain`; raises Unusable."""
    name, at, domain = text.strip().removeprefix("acct:").lstrip("@").rpartition("@")
    if (
        not at
        or not name
        or len(name) > 255
        or any(ch in "@/?#:" or ch.isspace() for ch in name)
        or set(domain) & set("/?#")
    ):
        raise Unusable("This is no handle of the form name@domain.")
    try:
        address = urls.parse(f"https://{domain}/")
    except urls.BadUrl as error:
        raise Unusable("This is no handle of the form name@domain.") from error
    return Handle(name, address.netloc)


async def webfinger(fed: Federation, wanted: Handle, budget: Budget) -> Jrd:
    """What the handle's host says of it, as asked or after one change of domain. Raises Gone, Unusable, Passing.

    A host that names another subject (its handles are on another domain than its actors) is believed only when that
    subject's host says the same of the same actor.
    """
    first = await _ask(fed, wanted, budget)
    if first.subject.same(wanted):
        return first
    second = await _ask(fed, first.subject, budget)
    if not second.subject.same(first.subject) or second.actor != first.actor:
        raise Unusable("The two hosts do not agree whose handle it is.")
    return second


async def _ask(fed: Federation, wanted: Handle, budget: Budget) -> Jrd:
    resource = quote(f"acct:{wanted}", safe=":@")
    doc = await _json(
        fed, f"https://{wanted.domain}/.well-known/webfinger?resource={resource}", budget, JRD_TYPES, MAX_JRD
    )
    try:
        subject = handle(reading.one_id(doc.get("subject")))
    except Unusable:
        subject = wanted  # some servers put the actor's address there; then only the handle asked for is answered
    links = [link for link in _list(doc.get("links"))[:MAX_LINKS] if isinstance(link, Mapping)]
    actors = {
        str(link.get("href"))
        for link in links
        if link.get("rel") == "self"
        and isinstance(link.get("href"), str)
        and (link.get("type") is None or media_types.is_activity_type(str(link.get("type"))))
    }
    actors = {address for address in actors if urls.host_of(address) is not None}
    if len(actors) != 1:
        raise Unusable("WebFinger names no actor, or several.")
    templates: dict[str, str] = {}
    for link in links:
        # Examples in FEP-3b86 have `href`, and some servers write the activity in small letters.
        rel, template = link.get("rel"), link.get("template") or link.get("href")
        if isinstance(rel, str) and isinstance(template, str) and "{" in template:
            templates.setdefault(rel.lower(), template[:2048])
    return Jrd(subject, actors.pop(), templates)


async def nodeinfo(fed: Federation, host: str, budget: Budget) -> tuple[str, str]:
    """(software, version) that a host says it runs; empty texts if it does not say. Raises Passing."""
    try:
        found = await _json(fed, f"https://{host}/.well-known/nodeinfo", budget, _any_json, MAX_NODEINFO)
        links = {
            str(link.get("rel")): str(link.get("href"))
            for link in _list(found.get("links"))[:MAX_LINKS]
            if isinstance(link, Mapping)
        }
        address = next((links[rel] for rel in NODEINFO_RELS if rel in links), "")
        if not urls.same_origin(address, f"https://{host}/"):
            return "", ""
        doc = await _json(fed, address, budget, _any_json, MAX_NODEINFO)
    except (Gone, Unusable):
        return "", ""
    return software_of(doc)


def software_of(doc: Mapping[str, Any]) -> tuple[str, str]:
    """(name, version) in a NodeInfo document of any version; empty texts if it says neither."""
    software = doc.get("software")
    if not isinstance(software, Mapping):
        return "", ""
    return str(software.get("name", ""))[:100].lower(), str(software.get("version", ""))[:100]


async def note_software(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `nodeinfo`: ask a host what it runs and remember it, so that we know whether it reads what communities wrap."""
    host = str(payload["host"])
    software, version = await nodeinfo(fed, host, Budget(fetches=2))
    await writing(fed.database, lambda db: peers.note_software(db, host, software, version))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _any_json(content_type: str) -> bool:
    name = media_types.parse(content_type).name
    return name == "application/json" or name.endswith("+json")


async def _json(fed: Federation, url: str, budget: Budget, content_types: Any, limit: int) -> dict[str, Any]:
    budget.take(url)
    try:
        answer = await fed.client.get(
            url,
            accept="application/jrd+json, application/json",
            max_bytes=limit,
            deadline=fed.limits.fetch_deadline,
            content_types=content_types,
        )
    except FetchError as error:
        if error.permanent:
            raise Unusable(f"{error.code}: {error}") from error
        raise Passing(f"{error.code}: {error}") from error
    if answer.status in (404, 410):
        raise Gone(f"{url} answers {answer.status}.")
    if answer.status in PASSING_STATUS or answer.status >= 500:
        raise Passing(f"{url} answers {answer.status}.")
    if not answer.ok:
        raise Unusable(f"{url} answers {answer.status}.")
    try:
        return reading.decode(answer.body)
    except reading.Unreadable as error:
        raise Unusable(error.text) from error
