"""The client API on one page: which endpoint answers where.

Whoever adds a line here has added it to the description at `/api/torv/v1/openapi.json`, and to the tests that try every
endpoint with every scope and with bad input.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.api import torv
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

TORV: list[Endpoint] = [
    get("/api/torv/v1/openapi.json", torv.description),
    get("/api/torv/v1/questions", torv.questions),
    post("/api/torv/v1/questions", torv.ask),
    get("/api/torv/v1/questions/{id}", torv.thread),
    post("/api/torv/v1/questions/{id}/answers", torv.answer),
    put("/api/torv/v1/questions/{id}/accepted", torv.accept),
    delete("/api/torv/v1/questions/{id}/accepted", torv.withdraw),
    post("/api/torv/v1/posts/{id}/comments", torv.comment),
    put("/api/torv/v1/posts/{id}/vote", torv.vote),
    get("/api/torv/v1/communities", torv.all_communities),
    get("/api/torv/v1/communities/{id}", torv.community),
]

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
    *TORV,
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
