"""One address, two readers: people get the page, servers the ActivityPub object."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from federation import media_types

Endpoint = Callable[[Request], Awaitable[Response]]


def wants_activity(request: Request) -> bool:
    """Whether the asker named one of the two ActivityPub types, and does not like HTML better."""
    return media_types.prefers_activity(",".join(request.headers.getlist("accept")))


def either(activity: Endpoint, page: Endpoint) -> Endpoint:
    """`activity` for servers, `page` for everybody else. Caches keep the two apart by `Vary: Accept`.

    >>> Route("/p/{id:int}", either(objects.post, posts.post))
    """

    @wraps(page)
    async def endpoint(request: Request) -> Response:
        response = await (activity if wants_activity(request) else page)(request)
        vary = [name.strip() for name in response.headers.get("Vary", "").split(",") if name.strip()]
        if "accept" not in {name.lower() for name in vary}:
            response.headers["Vary"] = ", ".join(["Accept", *vary])
        return response

    return endpoint
