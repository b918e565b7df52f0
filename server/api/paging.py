"""Pages of a list, and the Link header that leads from one to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Part of a list, newest first. `first` and `last` are the cursors of its two ends; None for an empty page."""

    items: Sequence[T]
    first: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, items: Sequence[T], cursors: Sequence[int]) -> "Page[T]":
        """A page whose rows have these cursors, in the same order (rows that are not shown included)."""
        return cls(items, cursors[0], cursors[-1]) if cursors else cls(items)

    def links(self, request: Request, origin: str) -> str:
        """The value of the Link header; empty for an empty page."""
        if self.first is None or self.last is None:
            return ""
        kept = [
            (name, value)
            for name, value in parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True)
            if name not in {"max_id", "since_id", "min_id", "access_token"}
        ]
        here = f"{origin}{quote(request.url.path)}"  # a header takes no letters but ASCII
        older = urlencode([*kept, ("max_id", str(self.last))])
        newer = urlencode([*kept, ("min_id", str(self.first))])
        return f'<{here}?{older}>; rel="next", <{here}?{newer}>; rel="prev"'
