"""How OAuth's own endpoints answer programs: always JSON, errors in OAuth's words (RFC 6749, 5.2), and never kept."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from models.errors import DomainError
from models.oauth_apps import OAuthError
from server.clients import address, network
from server.limits import OAUTH_BY_ADDRESS, Limits
from server.settings import Settings

Function = Callable[[Request], Awaitable[Response]]

NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CODES = {
    401: "invalid_token",
    403: "insufficient_scope",
    408: "invalid_request",
    413: "invalid_request",
    429: "slow_down",
    503: "temporarily_unavailable",
}
"""OAuth's word for what else can go wrong, by status; `invalid_request` for the rest."""


def program(endpoint: Function) -> Function:
    """An endpoint that only programs ask: counted by network, its form closed, its errors as OAuth says them."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            await _count(request)
            return await endpoint(request)
        except DomainError as error:
            return refusal(request, error)
        except HTTPException as error:
            # the form could not be read
            return refusal(
                request, OAuthError("invalid_request", "The request could not be read.", status=error.status_code)
            )
        finally:
            if (uploads := getattr(request.state, "uploads", None)) is not None:
                await uploads.close()

    return answer


async def _count(request: Request) -> None:
    settings: Settings = request.app.state.settings
    limits: Limits = request.app.state.limits
    await limits.count(OAUTH_BY_ADDRESS, network(address(request, settings.proxy_networks)))


def told(value: Any, status: int = 200) -> Response:
    """A value as JSON that nobody on the way may keep."""
    return Response(msgspec.json.encode(value), status, NOT_KEPT, media_type="application/json")


def refusal(request: Request, error: DomainError) -> Response:
    """An error as OAuth says it. 401 names the way to prove oneself that the caller tried."""
    status = 400 if error.status == 422 else error.status
    code = error.code if isinstance(error, OAuthError) else CODES.get(status, "invalid_request")
    answer = told({"error": code, "error_description": error.text}, status)
    if (wait := getattr(error, "retry_after", None)) is not None:
        answer.headers["Retry-After"] = str(wait)
    if status in {401, 403} and code in {"invalid_client", "invalid_token", "insufficient_scope"}:
        way = "Basic" if code == "invalid_client" else "Bearer"
        described = error.text.replace('"', "'")
        answer.headers["WWW-Authenticate"] = f'{way} realm="Torv", error="{code}", error_description="{described}"'
    return answer
