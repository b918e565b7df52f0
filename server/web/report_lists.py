"""Lists of reports: all of them, narrowed by what they are about, and the good examples."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import experience_people, experiences, gap, kle, municipalities
from models.actors import Actor
from models.experience_people import As
from models.experiences import Experience
from models.gap import Choice
from models.windows import Window
from server.web.question_lists import to_choose
from server.web.report_names import OUTCOME_NAMES, PHASE_NAMES
from server.web.showing import BARRIER_NAMES, Shown, show
from server.web.visits import Visit, page

PAGE = 30
EXAMPLES = 20


def read_choice(visit: Visit) -> Choice:
    """What the query narrows the cases to; what we do not offer counts as not chosen. Phases and outcomes may be of
    another node's list."""
    number = visit.query("kle").strip()
    return Choice(
        visit.query("barrier") if visit.query("barrier") in BARRIER_NAMES else "",
        visit.query("phase")[:60],
        visit.query("outcome")[:60],
        visit.query("municipality") if visit.query("municipality") in municipalities.known() else "",
        number if kle.NUMBER.fullmatch(number) else "",
        visit.cursor("community"),
    )


def address(path: str, choice: Choice, **other: Any) -> str:
    """An address with a choice in it, and something changed."""
    values = {
        "barrier": choice.barrier,
        "phase": choice.phase,
        "outcome": choice.outcome,
        "municipality": choice.municipality,
        "kle": choice.kle,
        "community": choice.community_id,
        **other,
    }
    query = urlencode({name: value for name, value in values.items() if value not in {"", None}})
    return f"{path}?{query}" if query else path


def choices(groups: list[Actor], areas: list[kle.KleEntry]) -> dict[str, Any]:
    """What a list of reports can be narrowed to, for the template."""
    return {
        "barriers": BARRIER_NAMES,
        "phases": PHASE_NAMES,
        "outcomes": OUTCOME_NAMES,
        "municipalities": [(one.code, one.name) for one in municipalities.known().values()],
        "groups": [(one.id, one.display_name if one.local else f"{one.display_name} ({one.domain})") for one in groups],
        "areas": [(one.number, f"{one.number} {one.title}") for one in areas],
    }


@dataclass
class Listed:
    """A page of a list."""

    shown: Shown
    rows: dict[int, Experience] = field(default_factory=dict)
    following: str = ""
    groups: list[Actor] = field(default_factory=list)
    areas: list[kle.KleEntry] = field(default_factory=list)
    contacts: dict[int, list[Actor]] = field(default_factory=dict)
    """Whom to ask, of the good examples."""


@page
async def index(visit: Visit) -> Response:
    """`GET /experience?barrier=&phase=&outcome=&municipality=&kle=&community=&before=`: the newest first."""
    choice = read_choice(visit)

    def look(db: Session) -> Listed:
        found = gap.cases(db, visit.actor, choice, Window(visit.cursor(), limit=PAGE + 1))
        listed = Listed(show(db, visit.actor, found[:PAGE]), experiences.many(db, found))
        listed.groups, listed.areas = to_choose(db, choice.community_id), kle.main_groups(db)
        if len(found) > PAGE:
            listed.following = address("/experience", choice, before=found[PAGE - 1].id)
        return listed

    found = await visit.read(look)
    return visit.page(
        "experience_list.html",
        found=found,
        shown=found.shown,
        choice=choice,
        narrowed=choice != gap.EVERYTHING,
        feed="/feeds/experience",
        tab="all",
        **choices(found.groups, found.areas),
    )


@page
async def examples(visit: Visit) -> Response:
    """`GET /experience/examples?page=`: what moderators chose as good examples, with whom to ask."""
    number = min(visit.cursor("page") or 1, gap.MOST_EXAMPLES)

    def look(db: Session) -> Listed:
        chosen = gap.examples(db, visit.actor, skip=(number - 1) * EXAMPLES, limit=EXAMPLES + 1)
        found = chosen[:EXAMPLES]
        listed = Listed(show(db, visit.actor, found), experiences.many(db, found))
        if len(chosen) > EXAMPLES:
            listed.following = f"/experience/examples?page={number + 1}"
        crews = experience_people.crew(db, [post.id for post in found])
        for post in found:
            crew = crews[post.id]
            wrote = [listed.shown.people[post.author_id], *crew[As.CO_AUTHOR]]
            listed.contacts[post.id] = crew[As.CONTACT] or wrote
        return listed

    found = await visit.read(look)
    return visit.page("experience_examples.html", found=found, shown=found.shown, tab="examples")
