"""From an address to its route without trying them all: the node has some five hundred.

Starlette asks one route after the other whether it fits. Here only those are asked whose fixed beginning is that of the
address: `/u/{name}` for `/u/anna`, and for `/api/v1/timelines/home` that very one.
"""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, Router, WebSocketRoute
from starlette.types import Receive, Scope, Send

Words = tuple[str, ...]


class Routes(Router):
    """All routes, in the order in which they are to be tried, sorted by the words they begin with."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        super().__init__(routes, redirect_slashes=False)
        beginnings = [_beginning(route) for route in self.routes]
        self._under = {
            words: Router(
                [
                    route
                    for route, begins in zip(self.routes, beginnings, strict=True)
                    if words[: len(begins)] == begins
                ],
                redirect_slashes=False,
            )
            for words in {(), *beginnings}
        }
        self._deepest = max(len(words) for words in self._under)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the routes that may fit it."""
        if scope["type"] == "lifespan":
            await super().app(scope, receive, send)
            return
        words = tuple(scope["path"].split("/", self._deepest + 1)[1 : self._deepest + 1])
        while words not in self._under:
            words = words[:-1]
        await self._under[words].app(scope, receive, send)


def _beginning(route: BaseRoute) -> Words:
    """The words of a route's address before the first that is not fixed; none for what is not told apart by words."""
    if not isinstance(route, Route | WebSocketRoute):
        return ()
    words = route.path.split("/")[1:]
    fixed = next((at for at, word in enumerate(words) if "{" in word), len(words))
    return tuple(words[:fixed])
