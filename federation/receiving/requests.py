"""What comes in and what goes back, without any web framework."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from federation import signatures, urls
from federation.signatures import Message, ParsedSignature


@dataclass(frozen=True)
class IncomingRequest:
    """A POST to an inbox, with the very bytes and spellings that were sent: signatures are over those."""

    method: str
    target: str
    """Path and query from the request line, still percent-encoded."""
    headers: tuple[tuple[str, str], ...]
    """All fields in order, repeated ones repeated."""
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """The value of a field; `""` if it is absent or came twice."""
        return (self.message.only(name) or "").strip()

    @cached_property
    def message(self) -> Message:
        """The request as signatures see it, its fields collected by name."""
        return Message.of(self.method, self.target, self.headers)

    @cached_property
    def signature(self) -> ParsedSignature:
        """Its signature, read once; nothing of it is proven. Raises SignatureError."""
        return signatures.parse_request_signature(self.message)

    def with_body(self, body: bytes) -> "IncomingRequest":
        """The same, once its body came."""
        whole = object.__new__(IncomingRequest)
        vars(whole).update(vars(self), body=body)  # what was read of its head is not read again
        return whole


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sender hears. The text is safe to send."""

    status: int
    text: str = ""
    retry_after: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Header fields besides the content type."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class Refusal(Exception):
    """The request is answered with a status other than 202 and changes nothing."""

    def __init__(self, status: int, text: str, *, code: str, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.reply = Reply(status, text, retry_after)
        self.code = code
        """Stable, for logs and metrics."""


class Allowance(Protocol):
    """How many requests one sender may still make that cost us a fetch or turn out to be forged."""

    def spend(self) -> bool:
        """Take one; False if there is none left."""

    def left(self) -> bool:
        """Whether there is one left."""


class NoLimit:
    """An allowance without end, for requests that nobody counts."""

    def spend(self) -> bool:
        """Always."""
        return True

    def left(self) -> bool:
        """Always."""
        return True


def claimed_host(request: IncomingRequest) -> str:
    """The host that a request says it comes from, `""` if it does not say; nothing of it is proven.

    Cheap, so that floods can be counted by it before the body is even read.
    """
    try:
        return urls.host_of(request.signature.key_id) or ""
    except signatures.SignatureError:
        return ""
