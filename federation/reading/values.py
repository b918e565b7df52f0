"""Single values out of loose JSON: an id, a list of ids, a time, a text.

Other servers write one value where the vocabulary allows a list, an object where it allows an id, `null` or `""` where
they mean nothing. All of that is read here; what is neither is nothing, and never public by accident.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from federation import urls
from federation.vocabulary import PUBLIC, PUBLIC_NAMES, TORV
from models import base, text

MAX_RECIPIENTS = 1000
LANGUAGES = ("da", "en")
"""Which language to take first where a text comes in several."""


def term(doc: Mapping[str, Any], name: str) -> Any:
    """The value of one of our own terms, by its prefix or its whole IRI; None if it is not there.

    >>> term({"torv:kind": "answer"}, "kind")
    'answer'
    """
    value = doc.get(f"torv:{name}")
    return doc.get(TORV + name) if value is None else value


def string(value: Any, limit: int = urls.MAX_LENGTH) -> str:
    """A text of at most `limit` characters; `""` for everything else. Longer ones are no text but an attack."""
    return value if isinstance(value, str) and len(value) <= limit else ""


def line(value: Any, limit: int) -> str:
    """A text on one line, cut to `limit` characters."""
    return text.one_line(value, limit) if isinstance(value, str) else ""


def several(value: Any) -> list[Any]:
    """A list, whether one was written or a single value; `null` is none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def one_id(value: Any) -> str:
    """The id that a value names: a text, an object with an `id`, or a list of exactly one of these. `""` if none.

    A list of two is not read as its first: whose post would it be?
    """
    if isinstance(value, list):
        if len(value) != 1:
            return ""
        value = value[0]
    if isinstance(value, dict):  # as a decoded document has them; to ask for any Mapping takes ten times as long
        value = value.get("id")
    return string(value)


def ids(value: Any, limit: int = MAX_RECIPIENTS) -> tuple[str, ...]:
    """All ids that a value names, each once, at most `limit`; lists in lists are not read.

    The three spellings of the public collection become the one IRI.
    """
    found: dict[str, None] = {}
    for item in several(value)[: limit * 2]:
        if isinstance(item, list):
            continue
        name = one_id(item)
        if name:
            found[PUBLIC if name in PUBLIC_NAMES else name] = None
        if len(found) >= limit:
            break
    return tuple(found)


def https_id(value: Any) -> str:
    """An id that is an https URL, exactly as written; `""` for everything else."""
    name = one_id(value)
    return name if urls.host_of(name) is not None else ""


def own_address(value: Any, owner: str) -> str:
    """An address that has to lie on the same host as its owner (an inbox, a key, a collection), else `""`."""
    name = https_id(value)
    return name if name and urls.same_origin(name, owner) else ""


def page_address(value: Any) -> str:
    """The address of a page to show to people: a text, a Link, or the HTML one among several. Never an identity."""
    if isinstance(value, str):
        return web_address(value)
    candidates = []
    for item in several(value)[:16]:
        if isinstance(item, Mapping):
            kind = string(item.get("mediaType"))
            candidates.append((0 if kind in ("", "text/html") else 1, string(item.get("href"))))
        else:
            candidates.append((0, string(item)))
    for _, address in sorted(candidates, key=lambda pair: pair[0]):
        if web_address(address):
            return address
    return ""


def web_address(value: Any) -> str:
    """A web address that may stand in a page (http or https), else `""`: no `javascript:`, no `data:`."""
    address = string(value)
    if urls.host_of(address) is not None:
        return address
    try:
        urls.parse(address, ("https", "http"))
    except urls.BadUrl:
        return ""
    return address


def picture(value: Any) -> str:
    """The address of a picture: a text, an Image, or the first of several that has one."""
    for item in several(value)[:4]:
        address = page_address(item.get("url")) if isinstance(item, Mapping) else page_address(item)
        if address:
            return address
    return ""


def first_type(value: Any, known: Iterable[str] = ()) -> str:
    """The type: the first of several that is among the `known` ones, else the first."""
    names = [string(item, 200) for item in several(value)[:16]]
    for name in names:
        if name in known:
            return name
    return next((name for name in names if name), "")


def moment(value: Any) -> datetime | None:
    """A time in UTC; None for what is none (WordPress writes `-0001-11-30T00:00:00Z` where it has no date)."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    try:
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        return None
    return found if found.year >= 1970 else None


def past(value: Any) -> datetime:
    """A time that is not in the future; the present where there is none. Nobody posts ahead of everybody else."""
    present = base.now()
    found = moment(value)
    return present if found is None or found > present else found


def translated(doc: Mapping[str, Any], name: str) -> tuple[str, str]:
    """A text and its language: `content` itself, else out of `contentMap`; (text, `""`) where nobody says."""
    plain = doc.get(name)
    by_language = doc.get(f"{name}Map")
    versions = (
        {key: item for key, item in by_language.items() if isinstance(item, str) and len(key) <= 35}
        if isinstance(by_language, Mapping)
        else {}
    )
    if isinstance(plain, str):
        language = next((key for key, item in versions.items() if item == plain), "")
        return plain, language or (next(iter(versions)) if len(versions) == 1 else "")
    for language in (*LANGUAGES, *versions):
        if language in versions:
            return versions[language], language
    return "", ""


def whole_number(value: Any, most: int = 1_000_000_000) -> int | None:
    """A whole number from 0 to `most`, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        return None
    return int(value)


def small(value: Any, budget: int = 4000) -> Any:
    """A JSON value small enough to keep as it is, else None."""
    return value if value is not None and len(repr(value)) <= budget else None
