"""Content types: what counts as ActivityPub when it comes to us, and when a visitor wants it from us.

Only two types are ActivityPub: `application/activity+json`, and `application/ld+json` whose `profile` names
ActivityStreams. Anything looser lets an uploaded file pose as an actor (CVE-2024-25623, CVE-2024-25636).
Headers are hostile text: everything here is linear in their length, and overlong ones are taken for nothing.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

ACTIVITY_JSON = "application/activity+json"
LD_JSON = "application/ld+json"
AS_PROFILE = "https://www.w3.org/ns/activitystreams"
LD_JSON_AS = f'{LD_JSON}; profile="{AS_PROFILE}"'
ACCEPT_ACTIVITY = f"{ACTIVITY_JSON}, {LD_JSON_AS}"

MAX_HEADER = 4096
_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type and its parameters; names in lower case, values as written, without their quotes."""

    name: str
    parameters: dict[str, str]


def _split(text: str, separator: str) -> list[str]:
    """Split at `separator`, but not inside quotes."""
    if '"' not in text:
        return text.split(separator)
    parts, start, quoted, skip = [], 0, False, False
    for at, ch in enumerate(text):
        if skip:
            skip = False
        elif ch == "\\" and quoted:
            skip = True
        elif ch == '"':
            quoted = not quoted
        elif ch == separator and not quoted:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return parts


def parse(text: str) -> MediaType:
    """Read one media type. Never raises: nonsense gives a name that is nobody's."""
    if len(text) > MAX_HEADER:
        return MediaType("", {})
    name, *rest = _split(text, ";")
    parameters: dict[str, str] = {}
    for item in rest:
        key, equals, value = item.partition("=")
        if equals:
            parameters.setdefault(key.strip().lower(), value.strip().strip('"'))
    return MediaType(name.strip().lower(), parameters)


def _is_activity(media: MediaType) -> bool:
    if media.name == ACTIVITY_JSON:
        return True
    return media.name == LD_JSON and AS_PROFILE in media.parameters.get("profile", "").split()


@lru_cache(maxsize=256)
def is_activity_type(content_type: str | None) -> bool:
    """True if a body with this Content-Type may be read as ActivityStreams (any charset but UTF-8 is refused)."""
    media = parse(content_type or "")
    return _is_activity(media) and media.parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")


def _preferences(accept: str) -> list[tuple[MediaType, float]]:
    if len(accept) > MAX_HEADER:
        return []
    found = []
    for item in _split(accept, ","):
        media = parse(item)
        quality = media.parameters.get("q", "1")
        if _QUALITY.fullmatch(quality):
            found.append((media, float(quality)))
    return found


@lru_cache(maxsize=256)  # a few dozen kinds of servers ask, each always in the same words
def preferred_activity_type(accept: str | None) -> str | None:
    """The ActivityPub content type to answer with, or None if the visitor wants a page.

    Either type asked for by name wins over HTML unless HTML has the higher quality; `*/*`, `application/json` and
    `application/ld+json` without the profile are what browsers and search engines send, and get the page.
    """
    best, chosen, html = 0.0, None, 0.0
    for media, quality in _preferences(accept or ""):
        if media.name in _HTML:
            html = max(html, quality)
        elif quality > best and _is_activity(media):
            best, chosen = quality, ACTIVITY_JSON if media.name == ACTIVITY_JSON else LD_JSON_AS
    return chosen if best >= html else None


def prefers_activity(accept: str | None) -> bool:
    """True if the visitor asked for ActivityPub rather than for a page."""
    return preferred_activity_type(accept) is not None
