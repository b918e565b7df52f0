"""From an address to its route without trying them all: the node has some five hundred.

Starlette asks one route after the other whether it fits. Here only those are asked whose fixed beginning is that of the
address: `/u/{name}` for `/u/anna`, and for `/api/v1/timelines/home` that very one. Their patterns are compiled when
they are first asked: all of them at once would be a tenth of a second of every start.
"""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import BaseRoute, Route, Router, WebSocketRoute, compile_path
from starlette.types import Receive, Scope, Send

Words = tuple[str, ...]


class LateRoute(Route):
    """A route of Starlette's that compiles the pattern of its path when somebody first asks for it."""

    def __init__(
        self, path: str, endpoint: Callable[..., Any], *, methods: Sequence[str], name: str | None = None
    ) -> None:
        super().__init__("/", endpoint, methods=methods, name=name)  # a pattern that `re` has at hand
        self.path = path
        del self.path_regex, self.path_format, self.param_convertors

    def __getattr__(self, name: str) -> Any:
        if name not in {"path_regex", "path_format", "param_convertors"}:
            raise AttributeError(name)
        self.path_regex, self.path_format, self.param_convertors = compile_path(self.path)
        return self.__dict__[name]


class Routes(Router):
    """All routes, in the order in which they are to be tried, sorted by the words they begin with."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        super().__init__(routes, redirect_slashes=False)
        places: dict[Words, list[int]] = {(): []}
        for place, route in enumerate(self.routes):
            places.setdefault(_beginning(route), []).append(place)
        self._under = {
            words: Router(
                [
                    self.routes[place]
                    for place in sorted(place for end in range(len(words) + 1) for place in places.get(words[:end], ()))
                ],
                redirect_slashes=False,
            )
            for words in places
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
