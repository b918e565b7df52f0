"""The gap: where it is and where it was closed, as charts, a map and tables, each figure leading to its reports; and the
same as open data."""

import csv
import io
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from federation.crossing import reading
from models import base, gap, kle, links, municipalities
from models.actors import Actor
from models.experiences import BARRIERS, Experience, Outcome, Phase, named
from models.gap import Choice, Count
from models.links import Tie
from models.posts import Post
from server.i18n import later
from server.web import danish_map
from server.web.question_lists import to_choose
from server.web.rendering import outside
from server.web.report_lists import address, choices, read_choice
from server.web.report_names import PHASE_NAMES
from server.web.showing import BARRIER_NAMES
from server.web.visits import Visit, page

LICENCE = "CC0-1.0"
LICENCE_URL = "https://creativecommons.org/publicdomain/zero/1.0/"
BY_STATE, BY_PLACE = ("barriers", "phase", "outcome"), ("outcome", "municipality")
FORMULA = ("=", "+", "-", "@", "\t", "\r")

COLUMNS = {
    "id": later("The report's permanent id: an address that answers with ActivityPub"),
    "url": later("Where people read it"),
    "title": later("Its title"),
    "author": later("The handle of who wrote it"),
    "published": later("When it was published (ISO 8601, UTC)"),
    "updated": later("When it was last changed"),
    "barriers": later("What stood in the way, with a space between them"),
    "phase": later("How far it is now"),
    "outcome": later("What came of it, as it is now"),
    "municipality": later("The municipality's four-digit code"),
    "municipality_name": later("and its name"),
    "kle": later("The service area as a KLE number"),
    "example": later("Whether moderators of this server chose it as a good example"),
    "adapted_from": later("The id of the report it was adapted from"),
}


@dataclass
class Row:
    """One line of a chart or table: so many of each outcome, and what leads to each."""

    key: str
    name: str
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def cases(self) -> int:
        """All of them."""
        return self.outcomes.total()

    def others(self) -> int:
        """Those whose outcome is of no list of ours."""
        return self.cases - sum(self.outcomes[one] for one in Outcome)


@dataclass(frozen=True)
class Dot:
    """A municipality on the map, in the map's own units. `closed` is the radius of the part that worked."""

    code: str
    name: str
    x: float
    y: float
    radius: float
    closed: float
    cases: int
    worked: int


@dataclass
class Picture:
    """All that the page shows."""

    choice: Choice
    total: int = 0
    worked: int = 0
    places: int = 0
    by_barrier: list[Row] = field(default_factory=list)
    by_phase: list[Row] = field(default_factory=list)
    by_place: list[Row] = field(default_factory=list)
    stuck: dict[str, Counter[str]] = field(default_factory=dict)
    """By barrier and phase."""
    dots: list[Dot] = field(default_factory=list)
    longest: int = 1


def picture(choice: Choice, counted: Sequence[Count], placed: Sequence[Count]) -> Picture:
    """The counts by barriers, phase and outcome, and those by outcome and municipality, as the page shows them."""
    made = Picture(choice, sum(one.cases for one in counted))
    made.worked = sum(one.cases for one in counted if one.outcome == Outcome.WORKED)
    barriers = {key: Row(key, BARRIER_NAMES[key]) for key in BARRIERS}
    phases: dict[str, Row] = {key: Row(key, name) for key, name in PHASE_NAMES.items()}
    places: dict[str, Row] = {}
    made.stuck = {key: Counter() for key in BARRIERS}
    for one in counted:
        for barrier in one.barriers:
            barriers[barrier].outcomes[one.outcome] += one.cases
            made.stuck[barrier][one.phase] += one.cases
        phases.setdefault(one.phase, Row(one.phase, one.phase)).outcomes[one.outcome] += one.cases
    for one in placed:
        if name := municipalities.name(one.municipality):
            places.setdefault(one.municipality, Row(one.municipality, name)).outcomes[one.outcome] += one.cases
    made.by_barrier = list(barriers.values())
    made.by_phase = [row for row in phases.values() if row.key]
    made.by_place = sorted(places.values(), key=lambda row: (-row.cases, row.name))
    made.places = len(places)
    made.longest = max([1, *(row.cases for row in [*made.by_barrier, *made.by_phase])])
    made.dots = dots(places)
    return made


def dots(places: dict[str, Row]) -> list[Dot]:
    """All municipalities on the map, the largest first, so that small ones lie on top."""
    most = max([1, *(row.cases for row in places.values())])
    made = []
    for one in municipalities.known().values():
        row = places.get(one.code)
        cases, worked = (row.cases, row.outcomes[Outcome.WORKED]) if row else (0, 0)
        radius = 7 + 15 * math.sqrt(cases / most) if cases else 2.5
        made.append(
            Dot(
                one.code,
                one.name,
                *danish_map.place(one.latitude, one.longitude),
                round(radius, 1),
                round(radius * math.sqrt(worked / cases), 1) if cases else 0.0,
                cases,
                worked,
            )
        )
    return sorted(made, key=lambda dot: -dot.radius)


@page
async def the_gap(visit: Visit) -> Response:
    """`GET /experience/gap?barrier=&phase=&outcome=&municipality=&kle=&community=`."""
    choice = read_choice(visit)

    def look(db: Session) -> tuple[Picture, list[Actor], list[kle.KleEntry]]:
        counted, placed = gap.counts(db, choice, BY_STATE), gap.counts(db, choice, BY_PLACE)
        return picture(choice, counted, placed), to_choose(db, choice.community_id), kle.main_groups(db)

    made, groups, areas = await visit.read(look)

    def to(path: str = "/experience", **other: str) -> str:
        return address(path, choice, **other)

    return visit.page(
        "gap.html",
        made=made,
        choice=choice,
        narrowed=choice != gap.EVERYTHING,
        to=to,
        columns=COLUMNS,
        size=(danish_map.WIDTH, danish_map.HEIGHT),
        licence=LICENCE_URL,
        tab="gap",
        **choices(groups, areas),
    )


# Open data


def _case(post: Post, row: Experience, author: Actor, origins: dict[int, str]) -> dict[str, Any]:
    return {
        "id": post.uri,
        "url": post.url if post.local else outside(post),
        "title": post.title,
        "author": author.handle,
        "published": _stamp(post.published),
        "updated": _stamp(post.updated) if post.updated is not None else "",
        "barriers": list(named(row.barriers)),
        "phase": row.phase,
        "outcome": row.outcome,
        "municipality": row.municipality,
        "municipality_name": municipalities.name(row.municipality),
        "kle": row.kle,
        "example": row.example_at is not None,
        "adapted_from": origins.get(post.id, ""),
    }


def _stamp(at: Any) -> str:
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _batch(db: Session, choice: Choice, after: int) -> tuple[list[dict[str, Any]], int]:
    found = gap.all_rows(db, choice, after=after)
    origins = links.targets(db, [post.id for post, _, _ in found], Tie.ADAPTED_FROM)
    return [_case(*one, origins) for one in found], found[-1][0].id if found else 0


async def _batches(visit: Visit, choice: Choice) -> AsyncIterator[list[dict[str, Any]]]:
    after = 0
    while True:
        cases, after = await reading(visit.database, lambda db, after=after: _batch(db, choice, after))  # type: ignore[misc]
        if not cases:
            return
        yield cases


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    """A value that no spreadsheet takes for a formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    said = " ".join(value) if isinstance(value, list) else str(value)
    return f" {said}" if said.startswith(FORMULA) else said


def _headers(visit: Visit, ending: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{visit.node.domain.replace(":", "-")}-experience.{ending}"',
        "Link": f'<{LICENCE_URL}>; rel="license"',
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "public, max-age=300",
    }


@page
async def as_csv(visit: Visit) -> Response:
    """`GET /experience/gap.csv`: the cases that the same choice counts, a line each."""
    choice = read_choice(visit)

    async def lines() -> AsyncIterator[bytes]:
        yield "\ufeff".encode() + _lines([COLUMNS])
        async for cases in _batches(visit, choice):
            yield _lines([[_cell(case[name]) for name in COLUMNS] for case in cases])

    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=_headers(visit, "csv"))


@page
async def as_json(visit: Visit) -> Response:
    """`GET /experience/gap.json`: the counts, what the values mean, and the cases."""
    choice = read_choice(visit)
    counted = await visit.read(lambda db: gap.counts(db, choice))
    head = {
        "source": f"{visit.node.origin}/experience/gap",
        "licence": LICENCE,
        "licence_url": LICENCE_URL,
        "generated": _stamp(base.now()),
        "columns": COLUMNS,
        "values": {"barriers": BARRIERS, "phase": list(Phase), "outcome": list(Outcome)},
        "counts": [msgspec.to_builtins(one) for one in counted],
    }

    async def pieces() -> AsyncIterator[bytes]:
        yield msgspec.json.encode(head)[:-1] + b',"cases":['
        first = True
        async for cases in _batches(visit, choice):
            yield (b"" if first else b",") + b",".join(msgspec.json.encode(case) for case in cases)
            first = False
        yield b"]}"

    return StreamingResponse(pieces(), media_type="application/json", headers=_headers(visit, "json"))
