"""What the fake peers say: actors, notes and activities in Mastodon's shape, and signed requests ready to be sent."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from federation import signatures
from federation.vocabulary import PUBLIC
from tests import keys
from tests.bench import wire

CONTEXT = "https://www.w3.org/ns/activitystreams"
SECURITY = "https://w3id.org/security/v1"


@cache
def _drawer() -> Sequence[tuple[str, str]]:
    drawn = [keys.draw() for _ in range(keys.HOW_MANY)]
    return drawn


def key_of(actor: str) -> tuple[str, str]:
    """An actor's key as (private PEM, public PEM): always the same one, of a drawer of few."""
    return _drawer()[sum(actor.encode()) % len(_drawer())]


def actor(uri: str) -> dict[str, Any]:
    """An actor's document."""
    host, name = uri.split("/")[2], uri.rsplit("/", 1)[1]
    return {
        "@context": [CONTEXT, SECURITY],
        "id": uri,
        "type": "Person",
        "preferredUsername": name,
        "name": name.title(),
        "summary": "<p>Lives in a test.</p>",
        "url": f"https://{host}/@{name}",
        "inbox": f"{uri}/inbox",
        "outbox": f"{uri}/outbox",
        "followers": f"{uri}/followers",
        "following": f"{uri}/following",
        "endpoints": {"sharedInbox": f"https://{host}/inbox"},
        "manuallyApprovesFollowers": False,
        "discoverable": True,
        "published": "2024-01-01T00:00:00Z",
        "publicKey": {"id": f"{uri}#main-key", "owner": uri, "publicKeyPem": key_of(uri)[1]},
    }


def note(
    author: str, name: str, text: str, at: datetime, *, mentioned: tuple[str, str] | None = None
) -> dict[str, Any]:
    """A public note. `mentioned` is (id, handle) of somebody at the measured server."""
    uri, cc, tags, content = f"{author}/statuses/{name}", [f"{author}/followers"], [], f"<p>{text}</p>"
    if mentioned is not None:
        target, handle = mentioned
        cc.append(target)
        tags = [{"type": "Mention", "href": target, "name": handle}]
        content = f'<p><span class="h-card"><a href="{target}" class="u-url mention">{handle}</a></span> {text}</p>'
    return {
        "id": uri,
        "type": "Note",
        "summary": None,
        "inReplyTo": None,
        "published": stamp(at),
        "url": uri,
        "attributedTo": author,
        "to": [PUBLIC],
        "cc": cc,
        "sensitive": False,
        "content": content,
        "contentMap": {"da": content},
        "attachment": [],
        "tag": tags,
    }


def create(made: dict[str, Any]) -> dict[str, Any]:
    """The Create of a note."""
    return {
        "@context": [CONTEXT, {"sensitive": "as:sensitive"}],
        "id": f"{made['id']}/activity",
        "type": "Create",
        "actor": made["attributedTo"],
        "published": made["published"],
        "to": made["to"],
        "cc": made["cc"],
        "object": made,
    }


def follow(follower: str, target: str, name: str) -> dict[str, Any]:
    """A Follow."""
    return {
        "@context": CONTEXT,
        "id": f"{follower}#follows/{name}",
        "type": "Follow",
        "actor": follower,
        "object": target,
    }


def accept(follow: dict[str, Any], name: str) -> dict[str, Any]:
    """The answer to a Follow."""
    me = follow["object"]
    return {"@context": CONTEXT, "id": f"{me}#accepts/{name}", "type": "Accept", "actor": me, "object": follow}


def post(inbox: str, activity: dict[str, Any]) -> bytes:
    """A POST of an activity, signed by its actor just now."""
    return _signed("POST", inbox, activity["actor"], msgspec.json.encode(activity))


def get(url: str, reader: str) -> bytes:
    """A GET as ActivityPub JSON, signed by `reader`."""
    return _signed("GET", url, reader)


def signed_fields(method: str, url: str, signer: str, body: bytes = b"") -> dict[str, str]:
    """The headers of a request that `signer` signs (draft-cavage-12, which every server takes)."""
    key = signatures.private_key(key_of(signer)[0])
    return signatures.sign_cavage(key, f"{signer}#main-key", method, url, body, datetime.now(UTC))


def _signed(method: str, url: str, signer: str, body: bytes = b"") -> bytes:
    return wire.request(method, url, signed_fields(method, url, signer, body), body)


def stamp(at: datetime) -> str:
    """A time as Mastodon writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
