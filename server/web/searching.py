"""The search page: posts, people and communities by words, narrowed by what they are about."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import municipalities
from models.actors import Actor
from models.base import now
from models.composing import BARRIERS
from models.posts import Kind, Post
from models.search import asked as searched
from models.search import experts, finding, people
from models.search.asked import Asked
from models.search.excerpts import Piece, cut, mark
from models.search.experts import Expert
from models.search.finding import Filters, Found
from models.text import plain
from server.i18n import later
from server.web import places
from server.web.question_lists import to_choose
from server.web.showing import BARRIER_NAMES, Shown, content, show
from server.web.visits import Visit, page

PAGE = 20
PEOPLE = 30
BESIDE = 3
"""People and communities shown beside the posts."""

WHAT = {
    "": later("Everything"),
    "questions": later("Questions"),
    "answers": later("Answers"),
    "experience": later("Experience"),
    "dogmas": later("Dogmas"),
    "people": later("People"),
    "communities": later("Communities"),
}
KINDS = {
    "questions": (Kind.QUESTION,),
    "answers": (Kind.ANSWER,),
    "experience": (Kind.EXPERIENCE,),
    "dogmas": (Kind.DOGMA,),
}
STATES = {"unanswered": later("Unanswered questions"), "accepted": later("With an accepted answer")}
PERIODS = {
    "week": (later("The last week"), timedelta(days=7)),
    "month": (later("The last month"), timedelta(days=31)),
    "year": (later("The last year"), timedelta(days=365)),
}
ORDERS = {"": later("Best first"), "new": later("Newest first")}


UNENDED = re.compile(r"(?<=\w)\s*\n\s*")
"""The end of a line that is no end of a sentence."""


@dataclass
class Hit:
    """A post as it was found: its title and a stretch of its text, in pieces of which some are marked."""

    post: Post
    title: list[Piece]
    excerpt: list[Piece]


@dataclass
class Choice:
    """What the visitor asked for: words, what kind of thing, and filters; every value is one we offer."""

    typed: str = ""
    what: str = ""
    community: int | None = None
    barrier: str = ""
    municipality: str = ""
    state: str = ""
    period: str = ""
    order: str = ""

    @classmethod
    def of(cls, visit: Visit) -> "Choice":
        """Read the query; what we do not offer counts as not chosen."""

        def one(name: str, offered: Any) -> str:
            value = visit.query(name)
            return value if value in offered else ""

        return cls(
            " ".join(visit.query("q").split())[: searched.MAX_LENGTH],
            one("what", WHAT),
            visit.cursor("community"),
            one("barrier", BARRIERS),
            one("municipality", municipalities.known()),
            one("state", STATES),
            one("period", PERIODS),
            one("order", ORDERS),
        )

    @property
    def asked(self) -> Asked:
        """The words."""
        return searched.read(self.typed)

    @property
    def filters(self) -> Filters:
        """What else has to hold of a post."""
        return Filters(
            kinds=KINDS.get(self.what, ()),
            community_id=self.community,
            barrier=self.barrier,
            municipality=self.municipality,
            unanswered=self.state == "unanswered",
            accepted=self.state == "accepted",
            since=now() - PERIODS[self.period][1] if self.period else None,
        )

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return bool(self.community or self.barrier or self.municipality or self.state or self.period or self.order)

    @property
    def looks_for_posts(self) -> bool:
        """Whether posts are wanted."""
        return self.what not in {"people", "communities"}

    def address(self, **other: Any) -> str:
        """The address of this search with something changed."""
        values = {
            "q": self.typed,
            "what": self.what,
            "community": self.community,
            "barrier": self.barrier,
            "municipality": self.municipality,
            "state": self.state,
            "period": self.period,
            "order": self.order,
            **other,
        }
        return "/search?" + urlencode({name: value for name, value in values.items() if value not in {"", None, 0}})


@dataclass
class Result:
    """All that the page shows."""

    choice: Choice
    found: Found = field(default_factory=Found)
    hits: list[Hit] = field(default_factory=list)
    shown: Shown = field(default_factory=lambda: Shown([]))
    people: list[Actor] = field(default_factory=list)
    communities: list[Actor] = field(default_factory=list)
    experts: list[Expert] = field(default_factory=list)
    groups: list[Actor] = field(default_factory=list)
    """Communities that can be chosen."""
    following: str = ""


@page
async def search(visit: Visit) -> Response:
    """`GET /search?q=&what=&community=&barrier=&municipality=&state=&period=&order=&at=`."""
    choice = Choice.of(visit)
    newest, offset = places.read(visit.query("at"))
    result = await visit.read(lambda db: _look(db, visit.actor, choice, newest, offset))
    return visit.page(
        "search.html",
        result=result,
        choice=choice,
        shown=result.shown,
        what=WHAT,
        states=STATES,
        periods={key: name for key, (name, _) in PERIODS.items()},
        orders=ORDERS,
        barriers=BARRIER_NAMES,
        groups=[
            (group.id, group.display_name if group.local else f"{group.display_name} ({group.domain})")
            for group in result.groups
        ],
        municipalities=[(one.code, one.name) for one in municipalities.known().values()],
    )


def _look(db: Session, viewer: Actor | None, choice: Choice, newest: int | None, offset: int) -> Result:
    result = Result(choice, groups=to_choose(db, choice.community))
    if choice.looks_for_posts:
        if choice.asked or choice.narrowed or choice.what:
            _look_for_posts(db, viewer, result, newest, offset)
        if choice.typed and not offset and not choice.narrowed and not choice.what:
            result.people, result.communities = people.first(db, viewer, choice.typed, most=BESIDE)
        if choice.asked and not offset:
            result.experts = experts.among(db, viewer, result.found.ids)
    elif choice.typed:
        groups = choice.what == "communities"
        found = people.find(db, viewer, choice.typed, communities=groups, offset=offset, limit=PEOPLE + 1)
        if len(found) > PEOPLE:
            result.following = choice.address(at=places.write(0, offset + PEOPLE))
        result.people, result.communities = ([], found[:PEOPLE]) if groups else (found[:PEOPLE], [])
    return result


def _look_for_posts(db: Session, viewer: Actor | None, result: Result, newest: int | None, offset: int) -> None:
    choice = result.choice
    found = finding.best(db, viewer, choice.asked, choice.filters, upto=newest)
    if choice.order == "new":
        found.ids.sort(reverse=True)
    result.found = found
    posts = finding.fetch(db, found.ids[offset : offset + PAGE])
    result.shown = show(db, viewer, posts)
    result.hits = [_hit(post, found) for post in posts]
    if len(found.ids) > offset + PAGE:
        result.following = choice.address(at=places.write(newest or max(found.ids), offset + PAGE))


def _in_one_line(said: str) -> str:
    """Headings and points of a list do not run into what follows them."""
    return UNENDED.sub(" – ", said)


def _hit(post: Post, found: Found) -> Hit:
    clauses = found.asked.clauses(begin=found.begin)
    wanted = frozenset(stem for clause in clauses if not clause.begins for stem in clause.any)
    begins = tuple(stem for clause in clauses if clause.begins for stem in clause.any)
    return Hit(post, mark(post.title, wanted, begins), cut(_in_one_line(plain(content(post))), wanted, begins))
