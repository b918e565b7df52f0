"""The front page, and what the node says of itself."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import accounts, announcements, communities, figures, follows, house, moderation, sanctions, timelines
from models.accounts import Role
from models.actors import Actor
from models.announcements import Announcement
from models.posts import Post
from models.windows import Window
from server.version import VERSION
from server.web.showing import TAG_NAMES, Shown, show
from server.web.visits import Visit, page

PAGE = 20


@dataclass
class HomePage:
    """What somebody who is signed in finds first."""

    items: list[timelines.Item]
    shown: Shown
    waiting: list[Post] = field(default_factory=list)
    requests: int = 0
    mine: list[Actor] = field(default_factory=list)
    following: int | None = None
    announced: list[Announcement] = field(default_factory=list)
    to_set_up: bool = False
    """Nothing is here yet, and the visitor is who can change that."""

    @property
    def grouped(self) -> list[tuple[timelines.Item, list[timelines.Item]]]:
        """Each thread once, by what is newest in it, with what else is new there."""
        threads: dict[int, list[timelines.Item]] = {}
        for item in self.items:
            threads.setdefault(item.post.thread_id or item.post.id, []).append(item)
        return [(first, further) for first, *further in threads.values()]


@page
async def home(visit: Visit) -> Response:
    """`GET /`: what is new for those who are signed in; for everybody else what this place is, and its questions."""
    return await (_welcome(visit) if visit.actor is None else _home(visit, visit.actor))


async def _home(visit: Visit, me: Actor) -> Response:
    def look(db: Session) -> HomePage:
        items = timelines.home(db, me, Window(visit.cursor(), limit=PAGE + 1))
        waiting = timelines.waiting(db, me)
        kept = items[:PAGE]
        shown = show(db, me, [*(item.post for item in kept), *waiting], doings=True)
        followed = [actor for _, actor in follows.following(db, me.id, Window(limit=100)) if actor.is_community]
        more = kept[-1].at if len(items) > PAGE else None
        announced = announcements.current(db, me.id)
        page = HomePage(kept, shown, waiting, len(follows.pending_for(db, me.id)), followed, more, announced)
        page.to_set_up = visit.is_at_least(Role.ADMIN) and not communities.all_local(db)
        return page

    found = await visit.read(look)
    return visit.page("home.html", found=found, shown=found.shown, tag_names=TAG_NAMES)


async def _welcome(visit: Visit) -> Response:
    def look(db: Session) -> tuple[Shown, list[Actor]]:
        newest = timelines.questions(db, None, Window(limit=12))
        return show(db, None, newest), communities.all_local(db)

    shown, groups = await visit.read(look)
    return visit.page("welcome.html", shown=shown, groups=groups, feed="/feeds/public")


@page
async def about(visit: Visit) -> Response:
    """`GET /about`: who runs the node, for whom, and whom it talks to."""

    def look(db: Session) -> dict[str, Any]:
        return {
            "people": moderation.count_accounts(db),
            "written": figures.written_here(db),
            "groups": len(communities.all_local(db)),
            "rules": house.rules(db),
            "description": house.page(db, house.Page.DESCRIPTION),
            "has_log": sanctions.log_open(db),
            "has_terms": house.page(db, house.Page.TERMS) is not None,
        }

    return visit.page("about.html", version=VERSION, **await visit.read(look))


@page
async def accessibility(visit: Visit) -> Response:
    """`GET /accessibility`: the accessibility statement, in the order that the Danish authorities prescribe."""
    return visit.page("accessibility.html")


@page
async def contact(visit: Visit) -> Response:
    """`GET /contact`: whom to write to, about what."""
    return visit.page("contact.html", staff=await visit.read(accounts.staff))
