"""Whether the pages that people of this node name in their profiles name them back, by `rel="me"`.

The address was typed by a person, and leads anywhere: it is fetched like everything else, through the one guarded way
out (T12, T98), unsigned, and only its links are read. What is shown of it stays the address itself.
"""

from collections.abc import Collection
from functools import partial
from html.parser import HTMLParser
from typing import Any

from sqlalchemy.orm import Session

from federation.context import Federation
from federation.crossing import reading, writing
from federation.fetch_errors import FetchError
from models import actors, profiles
from models.actors import Actor
from models.base import now

HTML = ("text/html", "application/xhtml+xml")
MAX_BYTES = 1_000_000
MAX_LINKS = 5000


async def verify_links(fed: Federation, payload: dict[str, Any]) -> None:
    """The job `verify_links`: fetch each page in a profile and mark those that name the person as their own.

    A page that cannot be had now is asked for again with the next try of the job. Raises FetchError.
    """
    actor_id = int(payload["actor"])
    actor = await reading(fed.database, lambda db: db.get(Actor, actor_id))
    if actor is None or not actor.local or not actor.active:
        return
    names = {actor.uri, actor.url, f"{fed.node.origin}/@{actor.username}"}
    later: FetchError | None = None
    for address in dict.fromkeys(filter(None, (profiles.address_in(field) for field in actor.fields or []))):
        try:
            named = await _names_back(fed, address, names)
        except FetchError as error:
            if not error.permanent:
                later = error
                continue
            named = False
        await writing(fed.database, partial(_mark, actor_id=actor_id, address=address, named=named))
    if later is not None:
        raise later


def _mark(db: Session, actor_id: int, address: str, named: bool) -> None:
    profiles.verify(db, actors.get(db, actor_id), address, now() if named else None)


async def _names_back(fed: Federation, address: str, names: Collection[str]) -> bool:
    answer = await fed.client.get(
        address,
        accept="text/html, application/xhtml+xml;q=0.9",
        max_bytes=MAX_BYTES,
        deadline=fed.limits.fetch_deadline,
        content_types=HTML,
    )
    return answer.ok and mentions(answer.body.decode("utf-8", "replace"), names)


def mentions(html: str, names: Collection[str]) -> bool:
    """Whether a page has an `a` or `link` with `rel="me"` to one of these addresses, to the letter but for a slash at
    the end."""
    reader = _Links()
    reader.feed(html)
    return bool(reader.mine & {name.rstrip("/") for name in names})


class _Links(HTMLParser):
    """Gathers where the links with `rel="me"` of a page lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.mine: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"a", "link"} or len(self.mine) >= MAX_LINKS:
            return
        found = dict(attrs)
        if "me" in (found.get("rel") or "").lower().split():
            self.mine.add((found.get("href") or "").strip().rstrip("/"))
