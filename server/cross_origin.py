"""Lets apps that run in a browser, from any site, call what apps call: tokens travel in a header, never in our cookie,
so a foreign page gains nothing it could not have with the token in its hand."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/api/", "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/.well-known/", "/nodeinfo", "/media/")
EXPOSED = (
    "Link, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, Retry-After, Idempotency-Key"
)
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ASKED_HEADERS = "Authorization, Content-Type, Idempotency-Key, Accept"
DAY = "86400"


class CrossOrigin:
    """Answers a browser's question before a request (preflight), and marks the answers of open paths."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(OPEN):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)

        async def send_open(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Access-Control-Allow-Origin"] = "*"
                headers["Access-Control-Expose-Headers"] = EXPOSED
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        if scope["method"] == "OPTIONS" and "access-control-request-method" in asked:
            answer = [
                (b"access-control-allow-methods", METHODS.encode()),
                (b"access-control-allow-headers", asked.get("access-control-request-headers", ASKED_HEADERS).encode()),
                (b"access-control-max-age", DAY.encode()),
                (b"content-length", b"0"),
            ]
            await send_open({"type": "http.response.start", "status": 204, "headers": answer})
            await send({"type": "http.response.body", "body": b""})
            return
        await self.app(scope, receive, send_open)
