"""Activities taken at the doorstep: what came whole to an inbox goes to the intake at once, and not through all rooms.

Most of what a node hears are notes of people whom somebody follows, each a request of its own. The application's layers
cost such a request as much as its proof does, and none of them has anything to say to it. So what is due for each is
done here by the same code: it is counted and logged, has an id of its own, and its answer has the fields of every other.

Only for a body that came in one piece with its head: who sends slowly, or much, or something else, or anything that
could be read in two ways, is the application's guest.
"""

import logging
import re
import time
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

import structlog
from starlette.types import Scope

from federation.receiving import IncomingRequest, Reply
from models.database import Node
from server import request_id
from server.activitypub.inbox import Intake, actor_inbox, shared_inbox
from server.clients import Network, behind
from server.logs import REQUESTS, prepared
from server.metrics import Metrics
from server.security import AnswerFields, names_us

INBOX = re.compile(rb"/(?:actor/|(?:u|org|c)/[A-Za-z0-9_.-]{1,64}/)?inbox")
"""The addresses of all inboxes that say the same decoded or not, and are short: what is made of them is kept. A test
holds them against the routes."""

SHARED = frozenset({"/inbox", "/actor/inbox"})
ELSEWHERE = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
"""With one of these there is more to it than a body of a known length."""

PATHS = 1000
"""Inboxes of which the line for the log is kept, all but written."""

REPLIES = 100


class Letterbox:
    """The inboxes of one process, as they are reached from the doorstep."""

    def __init__(
        self, intake: Intake, metrics: Metrics, fields: AnswerFields, node: Node, proxies: Sequence[Network]
    ) -> None:
        self._intake, self._fields, self._node, self._proxies = intake, fields, node, proxies
        self._counter = lru_cache(REPLIES)(metrics.counter)
        self._line = lru_cache(PATHS)(prepared)
        self._head = lru_cache(REPLIES)(self._written)

    def takes(self, scope: Scope) -> bool:
        """Whether a request is one for here, judged by its head."""
        if scope["method"] != "POST" or scope["query_string"] or INBOX.fullmatch(scope["raw_path"]) is None:
            return False
        hosts, lengths = [], 0
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value.decode("latin-1"))
            elif name == b"content-length":
                lengths += 1
            elif name in ELSEWHERE:
                return False
        return lengths == 1 and names_us(hosts, self._node)

    async def answer(self, scope: Scope, body: bytes) -> tuple[bytes, bytes]:
        """The answer to a whole request: status line and fields, without the empty line behind them; and its text."""
        began = time.monotonic()
        path, headers = scope["path"], scope["headers"]
        named = request_id.chosen(headers)
        client = self._client(scope)

        async def read() -> bytes:
            return body

        # For the rest of this task, which is this request's own.
        structlog.contextvars.bind_contextvars(request_id=named)
        reply = await self._intake.take(_head_of(scope), client, read)
        page = shared_inbox if path in SHARED else actor_inbox
        seconds = time.monotonic() - began
        self._counter("POST", page.__name__, reply.status)(seconds)
        if REQUESTS.isEnabledFor(logging.INFO):
            self._line("POST", path, reply.status)(client, seconds, named)
        return b"%bx-request-id: %b\r\n" % (self._head(reply, path), named.encode()), reply.text.encode()

    def _client(self, scope: Scope) -> str:
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return behind(scope["client"][0] if scope["client"] else "", forwarded, self._proxies)

    def _written(self, reply: Reply, path: str) -> bytes:
        fields = [
            *((name.lower().encode(), value.encode()) for name, value in reply.headers.items()),
            (b"content-length", str(len(reply.text.encode())).encode()),
            (b"content-type", b"text/plain; charset=utf-8"),
            *self._fields.of(path),
        ]
        line = b"HTTP/1.1 %d %b\r\n" % (reply.status, HTTPStatus(reply.status).phrase.encode())
        return line + b"".join(b"%b: %b\r\n" % field for field in fields)


def _head_of(scope: Scope) -> IncomingRequest:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return IncomingRequest(scope["method"], scope["raw_path"].decode("latin-1"), tuple(headers), b"")
