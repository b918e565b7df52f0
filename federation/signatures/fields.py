"""Structured fields (RFC 9651), as much of them as signatures need: dictionaries of items and inner lists.

    sig1=("@method" "@target-uri" "content-digest");created=1795425823;keyid="https://fedify.test/users/peer#main-key"
    sig1=:dGVzdA==:

Strict: what the grammar does not allow raises FieldError. Written by hand because the text is hostile and the part of
the grammar is small; linear in the length of the text.
"""

import re
from dataclasses import dataclass, field

from .base64s import encode_base64, strict_base64

MAX_LENGTH = 8192
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BYTES = re.compile(r":([A-Za-z0-9+/=]*):")
_TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")
_BOOLEAN = re.compile(r"\?([01])")


class FieldError(ValueError):
    """The text breaks the grammar of structured fields."""


@dataclass(frozen=True, slots=True)
class Token:
    """An unquoted word."""

    text: str


BareItem = str | int | bool | bytes | Token


@dataclass(frozen=True, slots=True)
class Item:
    """A bare value with its parameters."""

    value: BareItem
    parameters: dict[str, BareItem] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InnerList:
    """A list in parentheses with its parameters."""

    items: tuple[Item, ...]
    parameters: dict[str, BareItem]


def parse_dictionary(text: str) -> dict[str, Item | InnerList]:
    """Read a dictionary. A key that comes twice is an error: two readers could take two different values."""
    reader = _Reader(text)
    members: dict[str, Item | InnerList] = {}
    reader.skip(" ")
    while not reader.done:
        key = reader.match(_KEY)[0]
        if key in members:
            raise FieldError("a key comes twice")
        members[key] = reader.member() if reader.take("=") else Item(True, reader.parameters())
        reader.skip(" \t")
        if reader.done:
            break
        reader.expect(",")
        reader.skip(" \t")
        if reader.done:
            raise FieldError("a trailing comma")
    return members


class _Reader:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise FieldError("too long")
        self.text = text
        self.at = 0

    @property
    def done(self) -> bool:
        return self.at >= len(self.text)

    def take(self, ch: str) -> bool:
        if self.text.startswith(ch, self.at):
            self.at += len(ch)
            return True
        return False

    def expect(self, ch: str) -> None:
        if not self.take(ch):
            raise FieldError(f"expected {ch!r} at {self.at}")

    def skip(self, chars: str) -> None:
        while not self.done and self.text[self.at] in chars:
            self.at += 1

    def match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise FieldError(f"unexpected text at {self.at}")
        self.at = found.end()
        return found

    def member(self) -> Item | InnerList:
        if not self.take("("):
            return self.item()
        items: list[Item] = []
        while True:
            before = self.at
            self.skip(" ")
            if self.take(")"):
                return InnerList(tuple(items), self.parameters())
            if items and self.at == before:
                raise FieldError("items stand without a space between them")
            items.append(self.item())

    def item(self) -> Item:
        return Item(self.bare(), self.parameters())

    def parameters(self) -> dict[str, BareItem]:
        found: dict[str, BareItem] = {}
        while self.take(";"):
            self.skip(" ")
            key = self.match(_KEY)[0]
            if key in found:
                raise FieldError("a parameter comes twice")
            found[key] = self.bare() if self.take("=") else True
        return found

    def bare(self) -> BareItem:
        start = self.text[self.at : self.at + 1]
        if start == '"':
            return re.sub(r'\\(["\\])', r"\1", self.match(_STRING)[1])
        if start == ":":
            try:
                return strict_base64(self.match(_BYTES)[1])
            except ValueError as error:
                raise FieldError(str(error)) from None
        if start == "?":
            return self.match(_BOOLEAN)[1] == "1"
        if start == "-" or start.isdigit():
            return int(self.match(_INTEGER)[0])
        return Token(self.match(_TOKEN)[0])


def write_bare(value: BareItem) -> str:
    """One bare item as text."""
    if isinstance(value, bool):
        return "?1" if value else "?0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f":{encode_base64(value)}:"
    if isinstance(value, Token):
        return value.text
    if not value.isascii() or not value.isprintable():
        raise FieldError("a string holds printable ASCII only")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write_parameters(parameters: dict[str, BareItem]) -> str:
    """`;name=value` for each; a true one is only its name."""
    return "".join(f";{key}" if value is True else f";{key}={write_bare(value)}" for key, value in parameters.items())


def write_inner_list(value: InnerList) -> str:
    """An inner list in the one form that RFC 9421 signs."""
    inner = " ".join(write_bare(item.value) + write_parameters(item.parameters) for item in value.items)
    return f"({inner}){write_parameters(value.parameters)}"
