"""The client API on one page: which endpoint answers where.

Whoever adds a line here has added it to the description at `/api/torv/v1/openapi.json`, and to the tests that try every
endpoint with every scope and with bad input.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.api.calls import Described, Endpoint


def get(path: str, described: Described) -> Endpoint:
    """What answers to GET."""
    return Endpoint("GET", path, described)


def post(path: str, described: Described) -> Endpoint:
    """What answers to POST."""
    return Endpoint("POST", path, described)


def put(path: str, described: Described) -> Endpoint:
    """What answers to PUT."""
    return Endpoint("PUT", path, described)


def patch(path: str, described: Described) -> Endpoint:
    """What answers to PATCH."""
    return Endpoint("PATCH", path, described)


def delete(path: str, described: Described) -> Endpoint:
    """What answers to DELETE."""
    return Endpoint("DELETE", path, described)


# Longer addresses go before those they could be taken for: `/accounts/search` before `/accounts/{id}`.

APPS: list[Endpoint] = []

STATUSES: list[Endpoint] = []

TIMELINES: list[Endpoint] = []

ACCOUNTS: list[Endpoint] = []

RELATIONS: list[Endpoint] = []

SEARCH: list[Endpoint] = []

COLLECTIONS: list[Endpoint] = []

INSTANCE: list[Endpoint] = []

MEDIA: list[Endpoint] = []

POLLS: list[Endpoint] = []

NOTIFICATIONS: list[Endpoint] = []

PUSH: list[Endpoint] = []

API: list[Endpoint] = [
    *APPS,
    *STATUSES,
    *TIMELINES,
    *ACCOUNTS,
    *RELATIONS,
    *SEARCH,
    *COLLECTIONS,
    *INSTANCE,
    *MEDIA,
    *POLLS,
    *NOTIFICATIONS,
    *PUSH,
]


def routes() -> list[Route]:
    """The table as Starlette takes it."""
    return [_route(one) for one in API]


def _route(one: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        return await one(request)

    route = Route(one.path, answer, methods=[one.method], name=f"{one.method} {one.path}")
    if one.method == "GET":
        route.methods = {"GET", "HEAD"}
    return route
