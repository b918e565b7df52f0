"""One client that is connected: what it listens to, and what waits to be sent to it."""

import asyncio
from dataclasses import dataclass, field

import msgspec

from models import scopes
from models.errors import Forbidden
from server.streaming.channels import NOTICES_AT_HOME, Channel

WAITING = 200
"""Most messages that wait for one client. Who does not take them is dropped, and loads the lists anew."""

CHANNELS = 30
"""Most channels that one connection listens to."""


@dataclass(frozen=True)
class Message:
    """Something to tell. `payload` is JSON, or a bare id, as text; None where the event says it all."""

    channel: Channel
    event: str
    payload: str | None

    def as_json(self) -> str:
        """As it goes over a WebSocket."""
        said = {"stream": self.channel.label, "event": self.event}
        if self.payload is not None:
            said["payload"] = self.payload
        return msgspec.json.encode(said).decode()

    def as_event(self) -> bytes:
        """As a server-sent event."""
        # JSON as we write it has no line breaks, so one `data` line holds it
        return f"event: {self.event}\ndata: {'undefined' if self.payload is None else self.payload}\n\n".encode()


@dataclass(eq=False)
class Connection:
    """A client with a good token. It is closed by `end`, from whichever side."""

    account_id: int
    token_id: int
    scopes: str
    channels: set[Channel] = field(default_factory=set)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""
    _waiting: "asyncio.Queue[Message]" = field(default_factory=lambda: asyncio.Queue(WAITING))

    def subscribe(self, channel: Channel) -> None:
        """Listen to a channel too. Raises Forbidden if the token does not cover it."""
        if not scopes.covers(self.scopes, channel.scope):
            raise Forbidden("Access token does not have the required scopes", code="scope_missing")
        if channel not in self.channels and len(self.channels) >= CHANNELS:
            raise Forbidden(f"At most {CHANNELS} streams on one connection", code="too_many_streams")
        self.channels.add(channel)
        if channel.name == "user" and scopes.covers(self.scopes, "read:notifications"):
            self.channels.add(NOTICES_AT_HOME)

    def unsubscribe(self, channel: Channel) -> None:
        """Listen to it no longer."""
        self.channels.discard(channel)
        if channel.name == "user":
            self.channels.discard(NOTICES_AT_HOME)

    def offer(self, message: Message) -> None:
        """Let a message wait for its turn; a client that is too slow for that is dropped."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.end("slow")

    async def next(self, seconds: float) -> Message | None:
        """The next message; None if there was none for so long, or the connection ended."""
        if not self._waiting.empty():
            return self._waiting.get_nowait()
        getting, ending = asyncio.ensure_future(self._waiting.get()), asyncio.ensure_future(self.ended.wait())
        try:
            done, _ = await asyncio.wait({getting, ending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return getting.result() if getting in done else None
        finally:
            getting.cancel()
            ending.cancel()

    def end(self, reason: str) -> None:
        """Close it; the first reason counts."""
        self.reason = self.reason or reason
        self.ended.set()
