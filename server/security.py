"""The guard at the door: which host was asked for, how much may be sent and how slowly, and what browsers may do.

Plain ASGI, so that it costs nothing where it has nothing to say.
"""

import asyncio
import re
import time
from collections.abc import Sequence

from starlette.datastructures import URL, Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.database import Node
from models.errors import DomainError, Forbidden, Invalid, NotFound

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
CSP_OPEN_FORMS = CSP.replace("form-action 'self'; ", "")
"""Chromium holds `form-action` against the redirect that follows a form, which would stop everybody who came to sign in
or follow from another site."""

OPEN_FORMS = ("/intents/", "/oauth/authorize", "/authorize_interaction")
POPUPS = (*OPEN_FORMS, "/sign-in", "/sign-up")
"""Pages that clients open in a window of their own and wait for: cut off from its opener, such a window looks closed to
it, and nobody could sign in to them."""

ANY_HOST = ("/health", "/healthz", "/readyz")
"""Asked by load balancers, by address."""

MAX_PATH = 8000
"""Longest way back that is kept: what apps ask for at `/oauth/authorize` can be long."""

FORM_BYTES = 500_000
"""Most bytes of one form: text of 100 000 characters has room, percent-encoded letters included."""


MEDIA_CSP = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""For what people uploaded, here or elsewhere: whatever is in it, nothing runs."""

UPLOADS = re.compile(
    r"/api/v[12]/media/?|/api/v1/media/\d+/?|/api/v1/accounts/update_credentials/?"
    r"|/ask|/post|/posts/\d+/(?:reply|edit)|/settings|/admin/identity"
)
"""Where a form may bring files, and so be larger and take longer. Each asks who it is before it reads them."""


class BodyTooLarge(DomainError):
    """The request's body is longer than we read (HTTP 413)."""

    status = 413
    code = "too_large"


class TooSlow(DomainError):
    """The request did not arrive in time (HTTP 408)."""

    status = 408
    code = "too_slow"


class Misdirected(DomainError):
    """The request names a host that we are not (HTTP 421)."""

    status = 421
    code = "misdirected"


class AnswerFields:
    """The header fields of every answer, as they are sent: made once, for setting them one by one costs more than some
    answers. HTML gets the full content policy; nothing gets less than it."""

    def __init__(self, node: Node, media_origin: str = "") -> None:
        self._media_origin = media_origin
        """Where else pictures and films may come from."""
        self._always = [(name.lower().encode(), value.encode()) for name, value in _always(node).items()]
        self._ours = {name for name, _ in self.of("/")}

    def of(self, path: str) -> list[tuple[bytes, bytes]]:
        """Those of an answer at `path`."""
        return [
            *self._always,
            (b"content-security-policy", _policy(path, self._media_origin).encode()),
            (b"cross-origin-opener-policy", b"unsafe-none" if path.startswith(POPUPS) else b"same-origin"),
        ]

    def put(self, message: Message, path: str) -> None:
        """Give them to the start of an answer, in the place of any that it brings."""
        message["headers"] = [*(field for field in message["headers"] if field[0] not in self._ours), *self.of(path)]


class Headed:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, fields: AnswerFields) -> None:
        self.app = app
        self.fields = fields

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.fields.put(message, scope["path"])
            await send(message)

        await self.app(scope, receive, send_headed)


def _always(node: Node) -> dict[str, str]:
    """The headers that are the same for every answer."""
    always = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # `no-referrer` would make browsers send `Origin: null` with our own forms
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    }
    return always | ({"Strict-Transport-Security": "max-age=31536000"} if node.federates else {})


def _policy(path: str, media_origin: str) -> str:
    if path.startswith("/media/"):
        return MEDIA_CSP
    policy = CSP_OPEN_FORMS if path.startswith(OPEN_FORMS) else CSP
    return re.sub(r"(img|media)-src 'self'", rf"\g<0> {media_origin}", policy) if media_origin else policy


def names_us(hosts: Sequence[str], node: Node) -> bool:
    """Whether the `Host` fields of a request are one, and that one is ours."""
    return len(hosts) == 1 and _plain_host(hosts[0]) in {node.host, node.domain}


class KnownHost:
    """Refuses requests for a host that is not ours, so that no link, log or signature is built on a made-up name."""

    def __init__(self, app: ASGIApp, node: Node) -> None:
        self.app = app
        self.node = node

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] in {"http", "websocket"} and scope["path"] not in ANY_HOST
        if asked and not names_us(Headers(scope=scope).getlist("host"), self.node):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            raise Misdirected("This server has another name than the one you asked for.")
        await self.app(scope, receive, send)


class Legible:
    """Stops addresses with a NUL in them: PostgreSQL takes none in a text, and nothing of ours is named so."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and ("\x00" in scope["path"] or b"%00" in scope["query_string"]):
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http":
            if "\x00" in scope["path"]:
                raise NotFound("There is no such page.")
            if b"%00" in scope["query_string"]:
                raise Invalid("The text holds characters that cannot be stored.")
        await self.app(scope, receive, send)


class Bounded:
    """Stops bodies that are too long or too slow while they come in; memory stays flat whatever is sent.

    Forms with files have bounds of their own; large parts of them lie on the disk while the form is read.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        seconds: float,
        upload_bytes: int | None = None,
        upload_seconds: float | None = None,
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.seconds = seconds
        self.upload_bytes = max_bytes if upload_bytes is None else upload_bytes
        self.upload_seconds = seconds if upload_seconds is None else upload_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        form = is_form(headers)
        most, seconds = min(FORM_BYTES, self.max_bytes) if form else self.max_bytes, self.seconds
        if form and UPLOADS.fullmatch(scope["path"]) and brings_files(headers):
            most, seconds = self.upload_bytes, self.upload_seconds
        deadline = time.monotonic() + seconds
        came, whole = 0, False

        async def receive_bounded() -> Message:
            nonlocal came, whole
            if whole:
                return await receive()  # waits for the disconnect: no deadline
            if form and (length := headers.get("content-length", "")).isdigit() and int(length) > most:
                raise BodyTooLarge("That was more than this server takes at once.")
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                raise TooSlow("The request took too long to arrive. Nothing was changed.") from None
            if message["type"] == "http.request":
                came += len(message.get("body", b""))
                whole = not message.get("more_body", False)
                if came > most:
                    raise BodyTooLarge("That was more than this server takes at once.")
            return message

        await self.app(scope, receive_bounded, send)


def is_form(headers: Headers) -> bool:
    """True for what browsers send when a form is submitted."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type in {"application/x-www-form-urlencoded", "multipart/form-data"}


def is_json(headers: Headers) -> bool:
    """True for a body that says it is JSON."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def brings_files(headers: Headers) -> bool:
    """True for the one kind of form that can hold files."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"


def check_origin(connection: HTTPConnection, node: Node) -> None:
    """Refuse a form that a page of another site sent. Raises Forbidden.

    Browsers name the site in `Origin`; some older ones leave it out with forms of the same site, and then the form's
    own token has to prove where it came from.
    """
    origins = connection.headers.getlist("origin")
    site = connection.headers.get("sec-fetch-site", "same-origin")
    if any(origin != node.origin for origin in origins) or site not in {"same-origin", "none"}:
        raise Forbidden("The form came from another site, so nothing was done.", code="foreign_origin")


def local_path(wanted: str, fallback: str = "/") -> str:
    """`wanted` if it is a path on this very node, else `fallback`: nobody is sent elsewhere by a link to us."""
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted or len(wanted) > MAX_PATH:
        return fallback
    if " " in wanted or not wanted.isprintable():
        return fallback
    parsed = URL(wanted)
    return fallback if parsed.scheme or parsed.netloc else wanted


def _plain_host(host: str) -> str:
    host = host.lower()
    for port in (":443", ":80"):
        host = host.removesuffix(port)
    return host
