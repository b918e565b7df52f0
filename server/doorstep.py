"""Whole answers given at the doorstep: a question that was answered just now gets the same bytes, before the application
is asked at all.

An endpoint whose answer hangs on nothing but the question, the database and the clock says so (`kept.repeatable`). What is
then sent is kept beside the other answers in memory (`Kept`), so it ends with the next commit, by whatever process.
The same question comes with the same address and the same fields, but for those that no such endpoint looks at
(`UNREAD`); of a signature only whose it claims to be counts. A field nobody has heard of makes it another question,
which is then worked out: so what is not foreseen costs time, and never gives somebody what is another's.

What is due for each request is done for each: it is counted, limited and logged, and has an id of its own.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from federation import signatures
from federation.receiving import IncomingRequest
from models.base import clock
from models.stamps import Stamp
from server import request_id
from server.api.calls import rate_headers
from server.clients import Network, behind
from server.kept import WHOLE_SECONDS, Kept, Repeated
from server.letterbox import Letterbox
from server.limits import Limits, TooMany
from server.logs import REQUESTS, prepared
from server.metrics import Metrics, page_of

if TYPE_CHECKING:
    from uvicorn.config import Config

Fields = Sequence[tuple[bytes, bytes]]
Question = tuple[bytes, tuple[tuple[bytes, bytes], ...]]
"""The address, and all fields that may matter."""

UNREAD = frozenset(
    {b"date", b"digest", b"content-digest", b"user-agent", b"accept-encoding", b"connection", b"x-request-id"}
    | {b"forwarded", b"via", b"x-real-ip", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"}
)
"""Fields that no repeatable answer hangs on."""

SIGNED = frozenset({b"signature", b"signature-input"})
TIMES = re.compile(rb"(?:created|expires)=[0-9]+")
ELSEWHERE = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
"""With one of these it is more than a question."""

EACH = frozenset({b"x-request-id", b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset"})
"""Fields of an answer that are another's next time."""

OVERHEAD = 2500
"""What an answer takes beside its bytes: its line for the log, its counters, its place."""

MOST = 4000
"""Most bytes of a question that is kept."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer as it is sent: status line and fields, those of `EACH` left out, and the body."""

    head: bytes
    body: bytes
    count: Callable[[float], None]
    say: Callable[[str, float, str], None]
    repeated: Repeated


def question(url: bytes, headers: Fields) -> Question | None:
    """What a GET asks; None for what is never kept."""
    fields = []
    for field in headers:
        name = field[0]
        if name in UNREAD:
            continue
        if name in ELSEWHERE:
            return None
        fields.append((name, _claim(field[1])) if name in SIGNED else field)
    return url, tuple(fields)


def _claim(value: bytes) -> bytes:
    """A field of a signature without what is another each time: the signature itself, and when it was made.

    >>> _claim(b'keyId="https://b.example/u/a#key",headers="host date",signature="x+/="')
    b'keyId="https://b.example/u/a#key",headers="host date",signature='
    """
    for opening, closing in ((b'signature="', b'"'), (b"=:", b":")):  # draft-cavage, RFC 9421
        before, found, rest = value.partition(opening)
        if found:
            value = before + opening[:-1] + rest.partition(closing)[2]
    return TIMES.sub(b"", value) if b"created=" in value or b"expires=" in value else value


def _readable(url: bytes, headers: Fields) -> bool:
    """Whether a request is unsigned, or says by whom it claims to be."""
    if not any(name in SIGNED for name, _ in headers):
        return True
    fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
    try:
        return bool(IncomingRequest("GET", url.decode("latin-1"), fields, b"").signature.key_id)
    except signatures.SignatureError:
        return False


class Doorstep:
    """The whole answers of one process."""

    def __init__(self, kept: Kept, limits: Limits, metrics: Metrics, proxies: Sequence[Network], calls: int) -> None:
        self._kept, self._limits, self._metrics = kept, limits, metrics
        self._proxies, self._calls = proxies, calls

    def stamp(self) -> Stamp | None:
        """The stamp that an answer which is begun now will have to be kept under."""
        return self._kept.stamp()

    def keep(self, scope: Scope, status: int, headers: Fields, body: bytes, stamp: Stamp) -> None:
        """Keep an answer that was sent, if it may be given again and nothing was committed since `stamp`."""
        repeated: Repeated | None = scope.get("state", {}).get("repeated")
        if repeated is None or status not in {200, 304}:
            return
        url = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        asked = question(url, scope["headers"])
        size = len(url) + sum(len(name) + len(value) for name, value in scope["headers"])
        if asked is None or size > MOST or not _readable(url, scope["headers"]):
            return
        line = b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
        head = line + b"".join(b"%b: %b\r\n" % field for field in headers if field[0] not in EACH)
        count, say = self._metrics.counter("GET", page_of(scope), status), prepared("GET", scope["path"], status)
        whole = Whole(head, body, count, say, repeated)
        self._kept.keep(
            ("whole", asked), whole, size + len(head) + len(body) + OVERHEAD, stamp, clock.time() + WHOLE_SECONDS
        )

    def answer(self, url: bytes, headers: Fields, more: Fields, client: tuple[str, int] | None) -> bytes | None:
        """The answer to a GET that was answered just now, as bytes of HTTP/1.1, with `more` fields; None if it is to be
        worked out, or refused, by the application."""
        began = time.monotonic()
        asked = question(url, headers)
        if asked is None:
            return None
        whole: Whole | None = self._kept.at_hand(("whole", asked))
        if whole is None:
            return None
        own: list[tuple[bytes, bytes]] = [*more]
        if (rule := whole.repeated.rule) is not None:
            try:
                left = self._limits.spend_here(rule, whole.repeated.caller)
            except TooMany:
                return None
            for name, value in rate_headers((rule.times, *left), self._calls).items():
                own.append((name.lower().encode(), value.encode()))
        named = request_id.chosen(headers)
        own.append((b"x-request-id", named.encode()))
        seconds = time.monotonic() - began
        whole.count(seconds)
        if REQUESTS.isEnabledFor(logging.INFO):
            forwarded = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
            whole.say(behind(client[0] if client else "", forwarded, self._proxies), seconds, named)
        return b"%b%b\r\n%b" % (whole.head, b"".join([b"%b: %b\r\n" % field for field in own]), whole.body)


class Remembering:
    """ASGI middleware, outermost of what writes fields: leaves what may be given again on the doorstep."""

    def __init__(self, app: ASGIApp, doorstep: Doorstep) -> None:
        self.app = app
        self.doorstep = doorstep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stamp = self.doorstep.stamp() if scope["type"] == "http" and scope["method"] == "GET" else None
        if stamp is None:
            await self.app(scope, receive, send)
            return
        sent: list[Message] = []

        async def send_noted(message: Message) -> None:
            await send(message)
            if len(sent) < 3:  # who sends more is no answer in one piece
                sent.append(message)

        await self.app(scope, receive, send_noted)
        if len(sent) == 2 and not sent[1].get("more_body", False):
            status, headers = sent[0]["status"], sent[0]["headers"]
            if status == 304 or any(name == b"content-length" for name, _ in headers):
                self.doorstep.keep(scope, status, headers, sent[1].get("body", b""), stamp)


class DoorstepProtocol(HttpToolsProtocol):
    """uvicorn's way to speak HTTP/1.1, which looks at the doorstep and into the letterbox before it asks the application.

    At the doorstep only a plain GET is answered, on a connection that stays open, and while nobody waits before it or
    has to be waited for; in the letterbox lands what came whole. Everything else is uvicorn's.
    """

    def __init__(self, doorstep: Doorstep, letterbox: Letterbox, config: "Config", **how: Any) -> None:
        super().__init__(config, **how)
        self._doorstep = doorstep
        self._letterbox = letterbox
        self._answered = False
        self._receiving = False
        self._letter: RequestResponseCycle | None = None
        """A request for the letterbox of which the end has not been seen yet."""

    def data_received(self, data: bytes) -> None:
        """More of what the other side says."""
        self._receiving = True
        super().data_received(data)
        self._receiving = False
        # Its body is still on its way: the application knows how to wait for it.
        if (cycle := self._letter) is not None:
            self._letter = None
            super()._start_asgi_task(cycle, self.app)

    def on_headers_complete(self) -> None:
        """The request is there, but for a body."""
        if self.parser.get_method() == b"GET" and self._free():
            found = self._doorstep.answer(self.url, self.headers, self.server_state.default_headers, self.client)
            if found is not None:
                self._answered = True
                self.transport.write(found)
                self.on_response_complete()
                return
        super().on_headers_complete()

    def _free(self) -> bool:
        waiting = self.cycle is not None and not self.cycle.response_complete
        stays = self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()
        return stays and not waiting and not self.flow.write_paused and not self.transport.is_closing()

    def on_message_complete(self) -> None:
        """The request has ended."""
        if self._answered:
            self._answered = False
            return
        super().on_message_complete()
        if (cycle := self._letter) is not None:
            self._letter = None
            self._start_asgi_task(cycle, self.app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        waits = cycle.more_body and not self._receiving  # its turn came, its body did not
        if app is self.app and not waits and self._letterbox.takes(cast(Scope, cycle.scope)):
            if cycle.more_body:
                self._letter = cycle
                return
            app = self._take_letter(cycle)
        super()._start_asgi_task(cycle, app)

    def _take_letter(self, cycle: RequestResponseCycle) -> ASGIApp:
        """Answers out of the letterbox; the application says what is to be said of a fault of ours."""

        async def take(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                head, text = await self._letterbox.answer(scope, bytes(cycle.body))
            except Exception:
                await self.app(scope, receive, send)
                return
            if self.flow.write_paused:
                await self.flow.drain()
            if cycle.disconnected:
                return
            own = b"".join([b"%b: %b\r\n" % field for field in self.server_state.default_headers])
            end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
            self.transport.write(b"".join((head, own, end, text)))
            cycle.response_started = cycle.response_complete = True
            cycle.message_event.set()
            if not cycle.keep_alive:
                self.transport.close()
            cycle.on_response()

        return take
