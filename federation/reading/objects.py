"""A post as it came: `Note`, `Page`, `Article`, `Event`, `Link` or a poll, from whatever server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from federation.reading import meetings
from federation.reading.decoding import Unreadable
from federation.reading.values import (
    first_type,
    https_id,
    ids,
    line,
    moment,
    one_id,
    page_address,
    past,
    picture,
    several,
    string,
    term,
    translated,
    web_address,
    whole_number,
)
from federation.vocabulary import PUBLIC, TORV
from models import text
from models.base import now
from models.dogmas import IN_ROWS, LAST_VERSION, MAX_CHANGED, Status
from models.experience_people import MAX_PEOPLE
from models.experiences import MAX_PART
from models.links import MOST, Tie
from models.polls import RemotePoll
from models.posts import Kind

POST_TYPES = frozenset({"Note", "Page", "Article", "Link", "Event", "Question"})
"""What is kept as a post. `Question` is a poll, and only with options."""

WITH_ABSTRACT = frozenset({"Article", "Event", "Page", "Link"})
"""Here `summary` is an abstract; on a Note it is a content warning."""

MAX_NAME = 2048
MAX_TAGS = 200
MAX_MENTIONS = 50
MAX_HASHTAGS = 30
MAX_ATTACHMENTS = 16
MAX_OPTIONS = 50
MAX_OPTION = 500
MAX_SOURCE = 100_000
_FILES = frozenset({"Image", "Document", "Video", "Audio", "Link"})


@dataclass(frozen=True, slots=True)
class ObjectIn:
    """One post of another server; texts are clean, addresses are as written."""

    id: str
    type: str
    author: str
    url: str = ""
    in_reply_to: str = ""
    name: str = ""
    content: str = ""
    """Clean HTML."""
    source: str = ""
    summary: str = ""
    """Plain text."""
    sensitive: bool = False
    language: str = ""
    kind: str = ""
    """`torv:kind`, if the sender wrote one."""
    context: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    """Ids that a Mention names **and** that are addressed: only these are told."""
    hashtags: tuple[str, ...] = ()
    """As written, without the `#`."""
    attachments: tuple[dict[str, Any], ...] = ()
    accepted: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    poll: RemotePoll | None = None
    replies: Any = None
    """Id or embedded collection of its replies, as written."""

    @property
    def addressed(self) -> tuple[str, ...]:
        """Everybody it is addressed to."""
        return (*self.to, *self.cc, *self.audience)

    @property
    def is_vote(self) -> bool:
        """Has the form of a poll vote: a reply with a name and no text (snac2 sends `<br>` as text)."""
        return self.type == "Note" and bool(self.in_reply_to and self.name) and not text.plain(self.content)

    def visibility(self, followers: str) -> str:
        """Who may read it, judged by its addressing alone; `followers` is the author's followers collection."""
        if PUBLIC in self.to:
            return "public"
        if PUBLIC in self.cc:
            return "unlisted"
        return "followers" if followers and followers in (*self.to, *self.cc) else "direct"


def is_tombstone(doc: Mapping[str, Any]) -> bool:
    """A deleted object; NodeBB and PieFed serve it with status 200."""
    return first_type(doc.get("type")) == "Tombstone"


def note(doc: Mapping[str, Any]) -> ObjectIn:
    """Read a post; raises Unreadable if it is none, or does not say who wrote it.

    Whether id, author and the address it was fetched from belong together is not judged here.
    """
    kind = first_type(doc.get("type"), POST_TYPES)
    if kind not in POST_TYPES:
        raise Unreadable(f"Not a type of post that is kept here: {line(kind, 60) or 'none'}.")
    name = https_id(doc.get("id"))
    author = https_id(doc.get("attributedTo"))
    if not name:
        raise Unreadable("The object has no id.")
    if not author:
        raise Unreadable("The object needs exactly one author in attributedTo.")
    poll = _poll(doc) if kind == "Question" else None
    if kind == "Question" and poll is None:
        raise Unreadable("A Question without options is neither a poll nor a post.")
    to, cc, audience = ids(doc.get("to")), ids(doc.get("cc")), ids(doc.get("audience"))
    content, language = translated(doc, "content")
    summary, _ = translated(doc, "summary")
    mentions, hashtags = _tags(doc.get("tag"), {*to, *cc, *audience})
    title, accepted = line(doc.get("name"), MAX_NAME), one_id(doc.get("acceptedAnswer"))
    html = text.without_title(text.clean(content), title)
    html = text.without_accepted_line(html) if accepted else html
    html = text.without_endorse_line(html) if string(term(doc, "kind"), 40) == Kind.DOGMA else html
    return ObjectIn(
        id=name,
        type=kind,
        author=author,
        url=page_address(doc.get("url")),
        in_reply_to=one_id(doc.get("inReplyTo")),
        name=title,
        content=text.without_duplicate_line(html) if https_id(term(doc, "duplicateOf")) else html,
        source=_source(doc.get("source")),
        summary=text.plain(text.clean(summary))[:MAX_NAME] if summary else "",
        sensitive=doc.get("sensitive") is True,
        language=_language(doc, language),
        kind=string(term(doc, "kind"), 40),
        context=string(doc.get("context")) or string(doc.get("conversation")),
        to=to,
        cc=cc,
        audience=audience,
        mentions=mentions,
        hashtags=hashtags,
        attachments=_attachments(doc),
        accepted=accepted,
        published=past(doc.get("published")),
        updated=moment(doc.get("updated")),
        extra=_extra(doc, kind),
        poll=poll,
        replies=doc.get("replies"),
    )


def _source(value: Any) -> str:
    """Markdown as written (Lemmy, PieFed, Torv); anything else cannot be edited as such."""
    if not isinstance(value, Mapping) or string(value.get("mediaType"), 100) not in (
        "text/markdown",
        "text/x-markdown",
    ):
        return ""
    return string(value.get("content"), MAX_SOURCE)


def _language(doc: Mapping[str, Any], said: str) -> str:
    declared = doc.get("language")
    code = said or (string(declared.get("identifier"), 35) if isinstance(declared, Mapping) else "")
    code = code or string(doc.get("inLanguage"), 35)
    return code.lower() if code.replace("-", "").isalnum() and code.isascii() else ""


def _tags(value: Any, addressed: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    mentions: dict[str, None] = {}
    hashtags: dict[str, str] = {}
    for tag in several(value)[:MAX_TAGS]:
        if not isinstance(tag, Mapping):
            continue
        kind, href, name = string(tag.get("type"), 200), string(tag.get("href")), line(tag.get("name"), 200)
        if kind == "Mention" and href in addressed and len(mentions) < MAX_MENTIONS:
            mentions[href] = None
        elif kind == "Hashtag" and text.is_tag(name) and len(hashtags) < MAX_HASHTAGS:
            shown = name.lstrip("#")[:100]
            hashtags.setdefault(text.tag_key(shown), shown)
    return tuple(mentions), tuple(hashtags.values())


def _attachments(doc: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    found: dict[str, dict[str, Any]] = {}
    for item in [*several(doc.get("attachment"))[: MAX_ATTACHMENTS * 2], *several(doc.get("image"))[:1]]:
        if not isinstance(item, Mapping):
            continue
        kind = first_type(item.get("type"), _FILES)
        address = web_address(item.get("href")) or page_address(item.get("url"))
        if kind not in _FILES or not address or len(found) >= MAX_ATTACHMENTS:
            continue
        values = {
            "type": kind,
            "url": address,
            "media_type": string(item.get("mediaType"), 100),
            "name": line(item.get("name") or item.get("summary"), 1500),
            "width": whole_number(item.get("width"), 100_000),
            "height": whole_number(item.get("height"), 100_000),
            "blurhash": string(item.get("blurhash"), 200),
            "focus": _focus(item.get("focalPoint")),
            "icon_url": "" if _is_image(item, kind) else picture(item.get("icon")),
        }
        found.setdefault(address, {key: value for key, value in values.items() if value not in ("", None)})
    return tuple(found.values())


def _is_image(item: Mapping[str, Any], kind: str) -> bool:
    return kind == "Image" or string(item.get("mediaType"), 100).startswith("image/")


def _focus(value: Any) -> list[float] | None:
    """What a crop of an image must keep, from -1 (left, bottom) to 1; None where nothing is said, or the middle."""
    found = several(value)
    if len(found) != 2 or any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in found):
        return None
    x, y = float(found[0]), float(found[1])
    return [x, y] if -1 <= x <= 1 and -1 <= y <= 1 and (x, y) != (0.0, 0.0) else None


def _poll(doc: Mapping[str, Any]) -> RemotePoll | None:
    """The options with their votes, or None if there are none. Of two with the same name only the first can be voted
    for, so it alone is kept."""
    listed = several(doc.get("oneOf"))
    multiple = not listed
    options: dict[str, int] = {}
    for item in (listed or several(doc.get("anyOf")))[:MAX_OPTIONS]:
        if isinstance(item, Mapping) and (name := line(item.get("name"), MAX_OPTION)):
            replies = item.get("replies")
            votes = whole_number(replies.get("totalItems")) if isinstance(replies, Mapping) else None
            options.setdefault(name, votes or 0)
    if not options:
        return None
    return RemotePoll(tuple(options.items()), multiple, _ends(doc), whole_number(doc.get("votersCount")))


def _ends(doc: Mapping[str, Any]) -> datetime | None:
    """`closed` is when a poll ended, or only that it did; `endTime` when it will."""
    closed, ends = doc.get("closed"), moment(doc.get("endTime"))
    if closed is None or closed is False:
        return ends
    said = past(closed) if isinstance(closed, str) else now()
    return min(said, ends) if ends is not None else said


_TEXT_TERMS = ("phase", "outcome", "municipality", "kle", "disclosure", "as")
_DOGMA_TERMS = ("version", "status", "number", "changed", "endorsements")
_ID_TERMS = ("duplicateOf", "invites")
_PEOPLE_TERMS = ("coAuthor", "contact")
_OWN_TERMS = frozenset(
    (
        *_TEXT_TERMS,
        *_ID_TERMS,
        *_DOGMA_TERMS,
        *_PEOPLE_TERMS,
        *Tie,
        "kind",
        "barrier",
        "section",
        "linkedFrom",
        "wouldCome",
    )
)
OWN = ("torv:", TORV)
"""What the names of our own terms begin with."""

MAX_SECTIONS = 20
MAX_NUMBER = 999_999
"""The highest number of a dogma."""


def _extra(doc: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What belongs to one kind of post, and every other `torv:` term as text: kept and shown, not acted on."""
    found: dict[str, Any] = {}
    if any(key.startswith(OWN) for key in doc):
        _take_own(doc, found)
    if kind == "Event":
        found["event"] = meetings.event(doc)
    return found


def _take_own(doc: Mapping[str, Any], found: dict[str, Any]) -> None:
    """What our own terms say."""
    barriers = [line(item, 60) for item in several(term(doc, "barrier"))[:20] if isinstance(item, str)]
    if barriers:
        found["barriers"] = [barrier for barrier in barriers if barrier]
    for name in _TEXT_TERMS:
        if value := line(term(doc, name), 500):
            found[name] = value
    for name in _ID_TERMS:
        if value := https_id(term(doc, name)):
            found[name] = value
    ties = {str(tie): _ids(doc, tie, MOST) for tie in Tie}
    if any(ties.values()):
        found["links"] = {tie: ids for tie, ids in ties.items() if ids}
    if isinstance(coming := term(doc, "wouldCome"), Mapping):
        found["wouldCome"] = whole_number(coming.get("totalItems")) or 0
    for name in _PEOPLE_TERMS:
        if people := _ids(doc, name, MAX_PEOPLE):
            found[name] = people
    if sections := _sections(doc):
        found["sections"] = sections
    if string(term(doc, "kind"), 40) == Kind.DOGMA:
        found[IN_ROWS] = _dogma(doc)
    others: dict[str, str] = {}
    for key, value in list(doc.items())[:500]:
        name = key.removeprefix("torv:").removeprefix(TORV)
        if name != key and name not in _OWN_TERMS and len(others) < 20:
            shown = value if isinstance(value, str) else one_id(value) or ", ".join(ids(value, 20))
            if shown := line(shown, 500):
                others[line(name, 60)] = shown
    if others:
        found["torv"] = others


def _dogma(doc: Mapping[str, Any]) -> dict[str, Any]:
    """What a dogma says of itself: its version, how it stands, its number, what has changed, how many endorse it."""
    # They count the same; a server that names the one by its id alone may say the figure with the other.
    counts = [
        one.get("totalItems") for one in (term(doc, "endorsements"), doc.get("likes")) if isinstance(one, Mapping)
    ]
    status = string(term(doc, "status"), 40)
    said = {
        "version": whole_number(term(doc, "version"), LAST_VERSION) or 1,
        "number": whole_number(term(doc, "number"), MAX_NUMBER),
        "status": status if status in set(Status) else "",
        "changed": line(term(doc, "changed"), MAX_CHANGED),
        "endorsements": next((count for one in counts if (count := whole_number(one)) is not None), None),
    }
    return {name: value for name, value in said.items() if value not in ("", None)}


def _ids(doc: Mapping[str, Any], name: str, most: int) -> list[str]:
    """The https ids that one of our own terms names."""
    return [one for one in ids(term(doc, name), most) if https_id(one)]


def _sections(doc: Mapping[str, Any]) -> list[dict[str, str]]:
    """The parts of a report: plain Markdown, which is cleaned where it is shown."""
    found = []
    for one in several(term(doc, "section"))[:MAX_SECTIONS]:
        if not isinstance(one, Mapping):
            continue
        section = {
            "part": line(term(one, "part"), 40),
            "barrier": line(term(one, "barrier"), 40),
            "text": string(term(one, "text"), MAX_PART).replace("\x00", ""),
            "href": web_address(term(one, "href")),
        }
        if section["part"] and (section["text"] or section["href"] or section["barrier"]):
            found.append({name: value for name, value in section.items() if value})
    return found
