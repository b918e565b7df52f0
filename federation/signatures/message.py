"""The HTTP message that a signature speaks about, as it came over the wire.

Everything is text of ISO 8859-1, as ASGI servers hand it over; the body stays bytes. Pseudo-fields such as
`(request-target)` come from the request line only: Epicyon also sends a header literally named so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .errors import malformed


@dataclass(frozen=True, slots=True)
class Message:
    """Method, target (path and query exactly as received) and header fields, lower-cased names to lists of values."""

    method: str
    target: str
    fields: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, method: str, target: str, headers: Iterable[tuple[str, str]]) -> "Message":
        """Collect the fields; repeated ones keep their order."""
        fields: dict[str, tuple[str, ...]] = {}
        for name, value in headers:
            key = name.lower()
            fields[key] = (*fields.get(key, ()), value.strip(" \t"))
        return cls(method.upper(), target, MappingProxyType(fields))

    def field(self, name: str) -> str | None:
        """The combined value of a field, None if it is absent."""
        values = self.fields.get(name)
        return None if values is None else ", ".join(values)

    def only(self, name: str) -> str | None:
        """The value of a field; None if it is absent, or came twice and so says nothing."""
        values = self.fields.get(name, ())
        return values[0] if len(values) == 1 else None

    @property
    def has_body_rules(self) -> bool:
        """True for methods whose body must be covered by a digest."""
        return self.method not in ("GET", "HEAD")


def wire(text: str) -> bytes:
    """Text of header fields back as the bytes it came in; raises SignatureError for what no header can hold."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise malformed("header-text", "a header holds more than bytes") from None
