"""Logs: one line per event, with the request it belongs to, and never a secret.

Every line of one request carries the same `request_id`, which is also in the answer's `X-Request-Id`, so a visitor who
reports an error can name it. Whoever learns more about the request adds it: `bind(actor="anna", host="b.example")`.
Paths are logged without their query, where tokens stand; values under telling names, PEM blocks and bearer tokens are
blanked whoever logs them.
"""

import logging
import re
import sys
import time
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, merge_contextvars

from server.clients import Network, address
from server.settings import Settings

SECRET_NAMES = re.compile(r"password|passwd|secret|token|authorization|cookie|private|signature$|database_\w*url", re.I)
SECRET_VALUES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=[Bb]earer )[\w.~+/=-]+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?<=[?&]token=)[^&\s]+|(?<=[?&]access_token=)[^&\s]+|(?<=[?&]code=)[^&\s]+|(?<=[?&]state=)[^&\s]+",
    re.S,
)
MAY_BE_SECRET = re.compile("[ =@]")
"""One of these is in all of them, and in few others: looking for it costs a tenth."""

BLANK = "•••"

QUIET = ("uvicorn.error", "httpx", "httpcore", "asyncio", "alembic", "sqlalchemy", "multipart", "markdown_it")
"""Libraries whose chatter is not ours: warnings and worse only."""

bind = bind_contextvars
"""Add values to every further line of this request or job."""


def blank_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: take out what nobody may read in a log."""
    for name, value in event.items():
        if SECRET_NAMES.search(name):
            event[name] = BLANK
        elif isinstance(value, str):
            if MAY_BE_SECRET.search(value):
                event[name] = SECRET_VALUES.sub(BLANK, value)
        elif isinstance(value, dict | list | tuple | bytes):
            event[name] = SECRET_VALUES.sub(BLANK, str(value))
    return event


def _console(*, colors: bool) -> structlog.dev.ConsoleRenderer:
    """Lines for people. Tracebacks are plain: the values of variables, which structlog would print where Rich happens
    to be installed, hold secrets, and take seconds to print."""
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def set_up(settings: Settings, stream: Any = None) -> None:
    """Send structlog and standard logging alike to `stream` (standard error), in the form the settings ask for."""
    shared: list[Any] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
    ]
    render: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else _console(colors=(stream or sys.stderr).isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = Lines(stream or sys.stderr, render)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, blank_secrets, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class Lines(logging.StreamHandler[Any]):
    """Where all lines go."""

    def __init__(self, stream: Any, render: Any) -> None:
        super().__init__(stream)
        self._steps = (merge_contextvars, structlog.processors.TimeStamper(fmt="iso", utc=True), blank_secrets, render)

    def say(self, level: int, name: str, event: str, **values: Any) -> None:
        """A line as a logger of this name would write it, for half of what it costs: what comes with each request."""
        line: Any = {**values, "event": event, "level": logging.getLevelName(level).lower(), "logger": name}
        for step in self._steps:
            line = step(None, name, line)
        with suppress(OSError, ValueError):  # a full disk, a closed pipe: nobody's request fails because of it
            self.acquire()
            try:
                self.stream.write(f"{line}\n")
                self.flush()
            finally:
                self.release()


class RequestLog:
    """ASGI middleware, inside `RequestId`: one line for each request when it is answered."""

    def __init__(self, app: ASGIApp, proxies: Sequence[Network] = ()) -> None:
        self.app = app
        self.proxies = proxies
        self.heard = logging.getLogger("torv.request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.monotonic()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            quiet = scope["path"] in {"/health", "/healthz", "/readyz"} or scope["path"].startswith("/static/")
            level = logging.DEBUG if quiet else logging.INFO
            if self.heard.isEnabledFor(level):  # else nothing is worked out for a line that nobody gets to read
                said = {
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "ms": round((time.monotonic() - started) * 1000, 1),
                    "client": address(HTTPConnection(scope), self.proxies),
                }
                for handler in self.heard.root.handlers:
                    if isinstance(handler, Lines):
                        handler.say(level, self.heard.name, "answered", **said)


structlog.configure(
    processors=[
        merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        blank_secrets,
        _console(colors=False),
    ]
)
# until somebody sets it up, and for programs that never do: structlog's own default shows the values of variables
