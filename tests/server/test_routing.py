"""The short way to a route leads where trying them all would."""

import re
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from models.database import Database
from server.routing import Routes
from tests.server.visiting import Visiting

pytestmark = pytest.mark.anyio


async def chosen(router: Router, method: str, path: str) -> tuple[str, Any]:
    """The route that is handed the request, or the status of the refusal."""
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": [], "app": None}
    asked: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        asked.append(message)

    try:
        await router.app(scope, receive, send)
    except HTTPException as error:
        return (f"refused {error.status_code}", None)
    return (asked[1]["body"].decode(), scope["path_params"])


def named(route: Route) -> Route:
    """The same address, with an endpoint that says which it is."""
    name = f"{sorted(route.methods or [])} {route.path}"

    async def say(request: Request) -> Response:
        return PlainTextResponse(name)

    return Route(route.path, say, methods=list(route.methods or []))


@pytest.mark.once
async def test_every_address_leads_where_trying_all_routes_leads(looked_at: Database) -> None:
    routes = [named(route) for route in Visiting(looked_at).app.routes if isinstance(route, Route)]
    short, long = Routes(routes), Router(routes, redirect_slashes=False)
    assert len(routes) > 300
    for route in routes:
        for filling in ("7", "anna"):
            path = re.sub(r"{[^}]*}", filling, route.path)
            for address in (path, f"{path}/more", path.rpartition("/")[0] or "/", f"{path}x"):
                for method in ("GET", "POST", "DELETE"):
                    assert await chosen(short, method, address) == await chosen(long, method, address), address


@pytest.mark.parametrize(
    ("method", "path", "leads_to"),
    [
        ("GET", "/p/new", "literal"),
        ("GET", "/p/7", "number"),
        ("GET", "/p/7/edit", "slug"),
        ("GET", "/other", "word"),
        ("POST", "/p/7", "refused 405"),
        ("GET", "/p/7/edit/more", "refused 404"),
    ],
)
async def test_routes_are_tried_in_their_order(method: str, path: str, leads_to: str) -> None:
    def route(path: str, name: str) -> Route:
        async def say(request: Request) -> Response:
            return PlainTextResponse(name)

        return Route(path, say)

    routes = Routes(
        [
            route("/p/new", "literal"),
            route("/p/{id:int}", "number"),
            route("/p/{id}/{slug}", "slug"),
            route("/{w}", "word"),
        ]
    )
    assert (await chosen(routes, method, path))[0] == leads_to
