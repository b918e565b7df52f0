"""Logs: one line per event, with the request it belongs to, and never a secret.

Every line of one request carries the same `request_id`, which is also in the answer's `X-Request-Id`, so a visitor who
reports an error can name it. Whoever learns more about the request adds it: `bind(actor="anna", host="b.example")`.
Paths are logged without their query, where tokens stand; values under telling names, PEM blocks and bearer tokens are
blanked whoever logs them.
"""

import logging
import re
import secrets
import sys
import time
from collections.abc import Callable, MutableMapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
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
HARMLESS = frozenset({"method", "status", "ms", "client", "request_id"})
"""What holds no secret in the line of a request: made here, or checked."""

_SPECIAL = re.compile(r"[ =\"']")
"""With these a word of a line is quoted, as with all that cannot be seen: nobody writes a line or a value of his own."""

QUIET = ("uvicorn.error", "httpx", "httpcore", "asyncio", "alembic", "sqlalchemy", "multipart", "markdown_it")
"""Libraries whose chatter is not ours: warnings and worse only."""

REQUESTS = logging.getLogger("torv.request")
"""Where the line about each request goes."""

bind = bind_contextvars
"""Add values to every further line of this request or job."""


def blank_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: take out what nobody may read in a log."""
    for name, value in event.items():
        if _tells_secrets(name):
            event[name] = BLANK
        elif isinstance(value, str):
            if MAY_BE_SECRET.search(value):
                event[name] = SECRET_VALUES.sub(BLANK, value)
        elif isinstance(value, dict | list | tuple | bytes):
            event[name] = SECRET_VALUES.sub(BLANK, str(value))
    return event


@lru_cache(maxsize=1000)
def _tells_secrets(name: str) -> bool:
    return SECRET_NAMES.search(name) is not None


class RequestLine(dict[str, Any]):
    """What is said of a request that was answered: most lines by far, so they take a shorter way to the same form."""


class _Ready(str):
    """Such a line, written out."""


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """structlog's way to write lines, and the shorter one."""

    def __init__(self, render: Any, *, short: Any, **how: Any) -> None:
        super().__init__(processors=[self.remove_processors_meta, blank_secrets, render], **how)
        self._short = short

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, _Ready):
            return str(record.msg)
        if not isinstance(record.msg, RequestLine):
            return super().format(record)
        return self.line(record.msg, record.levelno, _stamp(record.created))

    def line(self, said: RequestLine, level: int, at: str) -> str:
        """What is written of a request."""
        unsure = {name: value for name, value in said.items() if name not in HARMLESS}
        blanked = blank_secrets(None, "", unsure)
        frame = {"timestamp": at, "level": logging.getLevelName(level).lower(), "event": "answered"}
        return str(self._short(None, "", {**said, **blanked, **frame, "logger": REQUESTS.name}))


def _stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC).isoformat(timespec='microseconds')[:-6]}Z"


def _as_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


def _as_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """As `_console` without colours writes a line that has no traceback."""
    at, level, said, logger = (event.pop(name) for name in ("timestamp", "level", "event", "logger"))
    pairs = " ".join(f"{name}={_word(event[name])}" for name in sorted(event))
    return f"{at} [{level:<9}] {said:<30} [{logger}] {pairs}"


def _word(value: Any) -> str:
    plain = isinstance(value, str) and value.isprintable() and not _SPECIAL.search(value)
    return value if plain else repr(value)


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
    render: Any
    short: Any
    if settings.log_format == "json":
        render, short = structlog.processors.JSONRenderer(ensure_ascii=False), _as_json
    elif (stream or sys.stderr).isatty():
        render = short = _console(colors=True)
    else:
        render, short = _console(colors=False), _as_text
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
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # asked for, and written nowhere
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(render, short=short, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class RequestLog:
    """ASGI middleware, inside `RequestId`: one line for each request when it is answered."""

    def __init__(self, app: ASGIApp, proxies: Sequence[Network] = ()) -> None:
        self.app = app
        self.proxies = proxies

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
            if REQUESTS.isEnabledFor(level):  # else nothing is worked out for a line that nobody gets to read
                log_answer(level, scope, status, time.monotonic() - started, self.proxies)


def log_answer(level: int, scope: Scope, status: int, seconds: float, proxies: Sequence[Network]) -> None:
    """The line of one request that was answered."""
    line = RequestLine(
        structlog.contextvars.get_contextvars(),
        method=scope["method"],
        path=scope["path"],
        status=status,
        ms=round(seconds * 1000, 1),
        client=address(HTTPConnection(scope), proxies),
    )
    _say(level, line)


def prepared(method: str, path: str, status: int) -> Callable[[str, float, str], None]:
    """`log_answer` for requests that differ by nothing but who asks, how long it took, and their number."""
    same = {"method": method, "path": path, "status": status}
    handlers = logging.getLogger().handlers
    formatter = next((found for one in handlers if isinstance(found := one.formatter, _Formatter)), None)
    if formatter is None:
        return lambda client, seconds, request_id: _say(
            logging.INFO, RequestLine(same, client=client, ms=round(seconds * 1000, 1), request_id=request_id)
        )
    marks = {name: f"x{secrets.token_hex(16)}" for name in ("timestamp", "client", "ms", "request_id")}
    line = RequestLine(same, client=marks["client"], ms=marks["ms"], request_id=marks["request_id"])
    form = formatter.line(line, logging.INFO, marks["timestamp"]).replace("%", "%%")
    form = form.replace(f'"{marks["ms"]}"', marks["ms"])  # a number, also in JSON
    for name, mark in marks.items():
        form = form.replace(mark, f"%({name})s")

    def say(client: str, seconds: float, request_id: str) -> None:
        ms, at = round(seconds * 1000, 1), _stamp(time.time())
        _say(logging.INFO, _Ready(form % {"timestamp": at, "client": client, "ms": ms, "request_id": request_id}))

    return say


def _say(level: int, line: RequestLine | _Ready) -> None:
    REQUESTS.handle(logging.LogRecord(REQUESTS.name, level, "", 0, line, None, None))


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
