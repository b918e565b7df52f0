"""Bytes from a stranger to one JSON object, or a refusal: never a surprise later on.

Python's parser alone is too friendly here: it recurses a thousand levels deep, takes `NaN`, lets the last of two equal
keys win (so that two programs can read the same signed bytes differently), and hands on lone surrogates and NULs that
the database chokes on.
"""

import json
import math
import re
from typing import Any

MAX_BODY = 1_000_000
MAX_DEPTH = 64
MAX_CONTAINERS = 50_000
"""Objects and lists in one document; no real activity has a tenth of it."""
MAX_KEYS = 100_000
MAX_DIGITS = 32

_STRING = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?', re.DOTALL)
"""One that nobody ends goes on to the end: were it no match, each quote in it would be tried, each up to the end."""

_BRACKET = re.compile(rb"[\[\]{}]")
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class Unreadable(ValueError):
    """It is not what it should be. The text is safe to send back and names the rule."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`.

    Raises Unreadable for anything else: over 1 MB, deeper than 64, NaN or infinity, a key twice in one object, numbers
    of over 32 digits, NUL or half a surrogate pair in a string, text that is not UTF-8.
    """
    if len(body) > MAX_BODY:
        raise Unreadable("The document is larger than 1 MB.")
    _check_shape(body)
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unreadable("The document is not UTF-8.") from None
    except (json.JSONDecodeError, RecursionError):
        raise Unreadable("The document is not JSON.") from None
    if not isinstance(value, dict):
        raise Unreadable("The document is not a JSON object.")
    if _SUSPECT.search(body) is not None:
        _check_strings(value)
    return value


def _check_shape(body: bytes) -> None:
    """Depth and number of things, in time linear in the length and before anything recurses."""
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH and body.count(b":") <= MAX_KEYS:
        return  # it has too few of them, whatever stands in strings; so do nearly all
    bare = _STRING.sub(b"", body)
    if bare.count(b":") > MAX_KEYS:
        raise Unreadable("The document has too many keys.")
    if bare.count(b"{") + bare.count(b"[") > MAX_CONTAINERS:
        raise Unreadable("The document has too many parts.")
    depth = 0
    for match in _BRACKET.finditer(bare):
        depth += 1 if match[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            raise Unreadable("The document is nested too deeply.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("The document has a key twice.")
    return found


def _no_constant(name: str) -> Any:
    raise Unreadable(f"The document holds {name}, which is not JSON.")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise Unreadable("The document holds a number of too many digits.")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise Unreadable("The document holds a number that is too large.")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer, parse_float=_number
)


def _check_strings(value: Any) -> None:
    """Depth is bounded by now, so recursion is too."""
    if isinstance(value, str):
        if "\x00" in value:
            raise Unreadable("The document holds a NUL character.")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Unreadable("The document holds half a surrogate pair.") from None
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_strings(key)
            _check_strings(item)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
