"""An actor as its own server describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from federation import signatures, urls
from federation.reading.decoding import Unreadable
from federation.reading.values import (
    first_type,
    https_id,
    ids,
    line,
    moment,
    one_id,
    own_address,
    page_address,
    picture,
    several,
    string,
    term,
    translated,
)
from federation.vocabulary import TORV
from models import text
from models.actors import ActorType, RemoteActor

ACTOR_TYPES = frozenset(str(kind) for kind in ActorType)
MAX_KEYS = 10
MAX_FIELDS = 50
MAX_ALIASES = 20


@dataclass(frozen=True, slots=True)
class ActorIn:
    """An actor of another server; texts are clean, and every address that acts for it lies on its own host."""

    remote: RemoteActor
    """What is kept. The handle's domain is the id's host until WebFinger says otherwise."""
    webfinger: str = ""
    """The handle it claims (FEP-2c59), believed only once WebFinger agrees."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


def is_actor(doc: Mapping[str, Any]) -> bool:
    """Whether a document describes somebody who can act."""
    return first_type(doc.get("type"), ACTOR_TYPES) in ACTOR_TYPES


def actor(doc: Mapping[str, Any]) -> ActorIn:
    """Read an actor; raises Unreadable if it is none, has no inbox, or no name.

    Keys whose owner is another, or whose id lies on another host, are left out, as are keys nobody should trust.
    """
    kind = first_type(doc.get("type"), ACTOR_TYPES)
    if kind not in ACTOR_TYPES:
        raise Unreadable(f"Not a type of actor: {line(kind, 60) or 'none'}.")
    name = https_id(doc.get("id"))
    host = urls.host_of(name)
    if host is None:
        raise Unreadable("The actor has no id.")
    inbox = own_address(doc.get("inbox"), name)
    if not inbox:
        raise Unreadable("The actor has no inbox on its own host.")
    username = line(doc.get("preferredUsername"), 255)
    if not username and kind == ActorType.APPLICATION:
        username = host  # PieFed's site actor has no name of its own
    if not username or any(ch in "@/:?#" or ch.isspace() for ch in username):
        raise Unreadable("The actor has no preferredUsername that could stand in a handle.")
    endpoints = doc.get("endpoints")
    summary, _ = translated(doc, "summary")
    remote = RemoteActor(
        uri=name,
        type=kind,
        username=username,
        domain=host,
        inbox=inbox,
        name=line(doc.get("name"), 255),
        summary=text.clean_profile(summary),
        url=page_address(doc.get("url")) or name,
        shared_inbox=own_address(endpoints.get("sharedInbox"), name) if isinstance(endpoints, Mapping) else "",
        outbox=own_address(doc.get("outbox"), name),
        followers_uri=own_address(doc.get("followers"), name),
        following_uri=own_address(doc.get("following"), name),
        featured_uri=own_address(doc.get("featured"), name),
        moderators_uri=_moderators(doc, name) if kind == ActorType.GROUP else "",
        icon_url=picture(doc.get("icon")),
        image_url=picture(doc.get("image")),
        fields=_fields(doc.get("attachment")),
        also_known_as=[alias for alias in ids(doc.get("alsoKnownAs"), MAX_ALIASES) if urls.host_of(alias)],
        moved_to=https_id(doc.get("movedTo")),
        locked=doc.get("manuallyApprovesFollowers") is True,
        discoverable=_flag(doc, "discoverable"),
        indexable=_flag(doc, "indexable"),
        extra=_extra(doc),
        published=moment(doc.get("published")),
        keys=_keys(doc, name),
    )
    return ActorIn(remote, webfinger=_handle(doc.get("webfinger")), raw=doc)


def _moderators(doc: Mapping[str, Any], owner: str) -> str:
    """FEP-1b12 has it in `attributedTo`, Lemmy 0.17 and PieFed in `moderators` too."""
    return own_address(doc.get("attributedTo"), owner) or own_address(doc.get("moderators"), owner)


def _flag(doc: Mapping[str, Any], name: str) -> bool:
    """Absent is no. Takahē writes the prefix."""
    return doc.get(name, doc.get(f"toot:{name}")) is True


def _handle(value: Any) -> str:
    """`name@domain` without a leading `acct:` or `@`."""
    handle = line(value, 400).removeprefix("acct:").lstrip("@")
    return handle if handle.count("@") == 1 else ""


def _fields(value: Any) -> list[dict[str, str]]:
    """Profile fields: `PropertyValue`, or a Note or Link in their place (FEP-fb2a)."""
    found: list[dict[str, str]] = []
    for item in several(value)[: MAX_FIELDS * 2]:
        if not isinstance(item, Mapping) or not (name := line(item.get("name"), 255)):
            continue
        kind = first_type(item.get("type"))
        if kind == "Link":
            address = page_address(item.get("href"))
            shown = f'<a href="{text.escape(address)}">{text.escape(address)}</a>' if address else ""
        else:
            shown = string(item.get("value") if kind == "PropertyValue" else item.get("content"), 2048)
        if kind in ("PropertyValue", "Note", "Link") and shown and len(found) < MAX_FIELDS:
            found.append({"name": name, "value": text.clean_profile(shown)})
    return found


def _extra(doc: Mapping[str, Any]) -> dict[str, Any]:
    """`torv:` terms, kept as text; affiliations as pairs, to be confirmed by the organisation before they are shown."""
    found: dict[str, Any] = {}
    for key, value in list(doc.items())[:500]:
        name = key.removeprefix("torv:").removeprefix(TORV)
        if name != key and name != "affiliation" and len(found) < 20 and (shown := line(one_id(value), 500)):
            found[line(name, 60)] = shown
    claims = [item for item in several(term(doc, "affiliation"))[:10] if isinstance(item, Mapping)]
    if claims:
        found["affiliation"] = [
            {"organization": https_id(term(item, "organization")), "class": line(term(item, "affiliationClass"), 40)}
            for item in claims
        ]
    if doc.get("postingRestrictedToMods") is True:
        found["postingRestrictedToMods"] = True
    if doc.get("questionAnswer") is True:
        found["questionAnswer"] = True
    return found


def _keys(doc: Mapping[str, Any], owner: str) -> list[tuple[str, str]]:
    """(key id, PEM) of the keys that are the owner's own: linked both ways, on his host, of a kind and size to trust."""
    found: dict[str, str] = {}
    for item in several(doc.get("publicKey"))[:MAX_KEYS]:
        if isinstance(item, Mapping) and one_id(item.get("owner")) == owner:
            _add(found, own_address(item.get("id"), owner), item.get("publicKeyPem"))
    for item in several(doc.get("assertionMethod"))[:MAX_KEYS]:
        if isinstance(item, Mapping) and one_id(item.get("controller")) == owner:
            _add(found, own_address(item.get("id"), owner), _multikey(item.get("publicKeyMultibase")))
    return list(found.items())


def _add(found: dict[str, str], name: str, pem: Any) -> None:
    if name and name not in found and isinstance(pem, str):
        try:
            signatures.public_key(pem)
        except signatures.BadKey:
            return
        found[name] = pem


def _multikey(value: Any) -> str | None:
    try:
        return signatures.public_pem(signatures.multikey(string(value, 100)))
    except signatures.BadKey:
        return None


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """A key that is a document of its own: it names its owner, who must name it back."""

    id: str
    owner: str


def key_document(doc: Mapping[str, Any]) -> KeyDocument:
    """Read a standalone key, or the stub of an actor that GoToSocial serves under its key ids.

    Raises Unreadable if it names no owner.
    """
    name = https_id(doc.get("id"))
    inner = doc.get("publicKey")
    if isinstance(inner, Mapping):
        owner = https_id(inner.get("owner"))
        name = https_id(inner.get("id"))
    else:
        owner = https_id(doc.get("owner")) or https_id(doc.get("controller"))
    if not name or not owner:
        raise Unreadable("The document is neither an actor nor a key.")
    return KeyDocument(name, owner)
