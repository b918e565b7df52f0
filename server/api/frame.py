"""What surrounds every answer of the client API: a trailing slash does no harm, and each says how often one may call."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.calls import rate_headers

SLASHLESS = ("/api/", "/oauth/")
"""Where a slash at the end means nothing: apps send people to `/oauth/authorize/`, and call as they please."""


class ApiFrame:
    """ASGI middleware for `/api/`, and for the ends of OAuth's addresses."""

    def __init__(self, app: ASGIApp, calls: int) -> None:
        self.app = app
        self.calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if scope["type"] in {"http", "websocket"} and path.startswith(SLASHLESS) and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/")}
        if scope["type"] != "http" or not path.startswith("/api/"):
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def send_framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in rate_headers(state.get("rate"), self.calls).items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, send_framed)
