"""The one place where errors become answers: a page for people, JSON for programs, and a status code for both.

What a stranger may read is the error's own text. Everything else goes to the log, under the request's id, which the
answer names so that the two can be brought together.
"""

import contextlib
import errno
from http import HTTPStatus
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import DomainError, Unavailable, Unfit
from server import i18n
from server.i18n import later
from server.security import is_form
from server.web.rendering import render
from server.web.visits import Visit, common, language_asked

log = structlog.get_logger("torv.errors")

HEADINGS = {
    400: later("That request makes no sense to us"),
    401: later("You are not signed in"),
    403: later("That is not allowed"),
    404: later("We cannot find that page"),
    405: later("That cannot be done here"),
    408: later("That took too long"),
    409: later("Something got in the way"),
    410: later("This is deleted"),
    413: later("That was too much at once"),
    421: later("You have come to the wrong address"),
    422: later("Something in the form is not right"),
    429: later("That was too fast"),
    500: later("Something went wrong on our side"),
    503: later("The server is busy"),
}
OF_A_CODE = {
    (404, "link_old"): later("This link no longer works"),
    (404, "invitation_gone"): later("This invitation no longer works"),
    (404, "invited_only"): later("An account here takes an invitation"),
    (404, "closed"): later("No new accounts"),
}
"""Headings of errors that say more than their status does."""

PROGRAMS = ("/api/", "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/.well-known/", "/nodeinfo/")
"""Where only programs ask."""

UNEXPECTED = later("Something went wrong that we had not foreseen. It is logged, and nothing of yours was changed.")


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A file could not be written for want of room: passing, like a database that cannot be written."""


class Unexpected(DomainError):
    """A fault of ours (HTTP 500)."""

    status = 500
    code = "unexpected"

    def __init__(self) -> None:
        super().__init__(UNEXPECTED)


class Answered:
    """Turns whatever is raised further in into an answer; nothing gets past it but a connection already answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except Exception as error:
            if started:
                raise
            response = _answer_at_least(Request(scope, receive), error)
            await response(scope, receive, send)


def _answer_at_least(request: Request, error: Exception) -> Response:
    """`answer`, and a bare line where even the page about the error fails."""
    try:
        return answer(request, error)
    except Exception as second:
        log.error("error page failed", path=request.url.path, exc_info=second)
        return PlainTextResponse(f"{UNEXPECTED} ({_request_id(request)})", status_code=500)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """For Starlette's own exceptions: no such route, wrong method, malformed form.

    A page that does not exist looks to everybody like one that he may not see, so it has to know who asks.
    """
    if reads_html(request) and getattr(request.state, "visit", None) is None:
        with contextlib.suppress(Unavailable):
            await Visit.of(request)
    return answer(request, error)


def answer(request: Request, error: Exception) -> Response:
    """The answer to an error, in the form its reader understands."""
    if isinstance(error, HTTPException):
        known = DomainError(_http_text(error), code=HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"))
        known.status = error.status_code
        headers = dict(error.headers or {})
    elif isinstance(error, DomainError):
        known, headers = error, {}
    elif isinstance(error, OSError) and error.errno in FULL:
        log.error("the disk is full", method=request.method, path=request.url.path, exc_info=error)
        known, headers = Unavailable(), {}
    else:
        log.error("unexpected", method=request.method, path=request.url.path, exc_info=error)
        known, headers = Unexpected(), {}
    if (wait := getattr(known, "retry_after", None)) is not None:
        headers["Retry-After"] = str(wait)
    headers["Cache-Control"] = "no-store"
    headers["Vary"] = "Accept, Accept-Language, Cookie"
    if reads_html(request):
        return _page(request, known, headers)
    body: dict[str, Any] = {"error": known.text, "code": known.code, "request_id": _request_id(request)}
    if isinstance(known, Unfit):
        body["details"] = known.details
    return JSONResponse(body, status_code=known.status, headers=headers)


def reads_html(connection: HTTPConnection) -> bool:
    """Whether a person is likely to read the answer: a browser asks for HTML, or has sent one of our forms."""
    path = connection.url.path
    if path.startswith(PROGRAMS) or path == "/api" or path.endswith("/inbox"):
        return False
    accept = ",".join(connection.headers.getlist("accept")).lower()
    if "text/html" in accept:
        return True
    if "json" in accept:
        return False
    method = connection.scope.get("method", "GET")
    return method in {"GET", "HEAD"} or is_form(connection.headers)


def _page(request: Request, error: DomainError, headers: dict[str, str]) -> Response:
    visit: Visit | None = getattr(request.state, "visit", None)
    typed = getattr(request.state, "typed", None)
    settings = request.app.state.settings
    language = visit.language if visit else language_asked(request, settings)
    text = i18n.translator(language)
    values = {
        "status": error.status,
        "heading": text(_heading(error)),
        "text": text(error.text),
        "again": error.status in {429, 503} and request.method == "GET",
        "astray": error.status == 404 and error.code == "not_found",
        "request_id": _request_id(request),
        "written": [typed.raw(name) for name in ("title", "text", "comment", "bio") if typed.raw(name)]
        if typed
        else [],
    }
    frame = visit.common() if visit else common(request, None)
    html = render("error.html", language, settings.time_zone, {**frame, **values})
    return HTMLResponse(html, status_code=error.status, headers=headers)


def _heading(error: DomainError) -> str:
    general = HEADINGS.get(error.status, HEADINGS[400 if error.status < 500 else 500])
    return OF_A_CODE.get((error.status, error.code), general)


def _http_text(error: HTTPException) -> str:
    if error.status_code == 404:
        return later("There is no such page.")
    if error.status_code == 405:
        return later("This address does not take that kind of request.")
    if error.status_code == 400:
        return later("The request could not be read.")
    return str(error.detail)


def _request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))
