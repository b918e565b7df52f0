"""Where the gap is, and where it was closed: cases counted by barrier, phase, outcome and municipality, and listed.

Counted is what anybody may find, here and from other servers: `Experience.shown` says so, and is kept in the
transaction of whatever changes it (a post, its author, a moderator), so that counting reads one index and nothing else.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, event, exists, func, inspect, or_, select, update
from sqlalchemy.orm import Session

from models.access import listed
from models.actors import Actor
from models.base import Base
from models.experiences import BARRIERS, Experience, named
from models.feeds import findable
from models.nearest import FIRST_LOOK
from models.posts import Kind, Post, Visibility
from models.windows import Window

OF_POSTS = frozenset(("kind", "visibility", "deleted_at", "removed_at", "held_for", "hidden_at"))
OF_ACTORS = frozenset(("suspended_at", "standing", "deleted_at", "indexable"))
BATCH = 500
MOST_EXAMPLES = 200


@dataclass(frozen=True)
class Choice:
    """Which cases. Empty values ask for nothing."""

    barrier: str = ""
    phase: str = ""
    outcome: str = ""
    municipality: str = ""
    kle: str = ""
    """A main group, group or subject, with all below it."""
    community_id: int | None = None
    example: bool = False


EVERYTHING = Choice()


@dataclass(frozen=True)
class Count:
    """So many cases have these barriers, this phase and outcome, in this municipality; empty for what was not asked."""

    barriers: tuple[str, ...]
    phase: str
    outcome: str
    municipality: str
    cases: int


FOUR = ("barriers", "phase", "outcome", "municipality")


def counts(db: Session, choice: Choice = EVERYTHING, by: tuple[str, ...] = FOUR) -> list[Count]:
    """The cases anybody may find, by all four at once or by some of them (`by`): fewer are counted faster."""
    columns = [getattr(Experience, name) for name in by]
    query = select(*columns, func.count()).where(Experience.shown.is_(True), *_wanted(choice)).group_by(*columns)
    found = []
    for row in db.execute(query):
        said = dict(zip(by, row, strict=False))
        words = {name: str(said.get(name, "")) for name in FOUR[1:]}
        found.append(Count(named(said.get("barriers", 0)), **words, cases=row[-1]))
    return found


def cases(db: Session, viewer: Actor | None, choice: Choice, window: Window) -> list[Post]:
    """Those of the cases that `viewer` may find, newest first.

    Those that fit are looked through from where the window begins, some at a time: in one query the databases begin with
    all posts that `viewer` may see, where they do not know yet how few of them are reports.
    """
    anybodys = Experience.shown.is_(True) if viewer is None else Experience.is_follow_up.is_(False)
    fitting = select(Experience.post_id).where(anybodys, *_wanted(choice))
    look = replace(window, limit=window.limit if viewer is None else FIRST_LOOK * window.limit)
    found: list[Post] = []
    while True:
        ids = look.scalars(db, fitting, Experience.post_id)
        some = _posts(db, viewer, ids) if ids else []
        found = [*some, *found] if window.upwards else [*found, *some]
        if len(found) >= window.limit or len(ids) < look.limit:
            return found[-window.limit :] if window.upwards else found[: window.limit]
        look = replace(look, after=ids[0]) if window.upwards else replace(look, before=ids[-1])


def _posts(db: Session, viewer: Actor | None, ids: list[int]) -> list[Post]:
    """Those of these cases that stand in a list of `viewer`'s, newest first; what is `shown` stands in everybody's."""
    query = select(Post).where(Post.id.in_(ids)).order_by(Post.id.desc())
    return list(db.scalars(query if viewer is None else query.where(_open(viewer))))


def examples(db: Session, viewer: Actor | None, *, skip: int = 0, limit: int = MOST_EXAMPLES) -> list[Post]:
    """Of the good examples that `viewer` may find, the last chosen first, those after the first `skip`."""
    chosen = select(Experience.post_id).where(Experience.is_follow_up.is_(False), Experience.example_at.is_not(None))
    ids = list(db.scalars(chosen.order_by(Experience.example_at.desc()).limit(MOST_EXAMPLES)))
    if not ids:
        return []
    open_to = set(db.scalars(select(Post.id).where(Post.id.in_(ids), _open(viewer))))
    wanted = [id for id in ids if id in open_to][skip : skip + limit]
    rows = {post.id: post for post in db.scalars(select(Post).where(Post.id.in_(wanted)))}
    return [rows[id] for id in wanted]


def all_rows(
    db: Session, choice: Choice, *, after: int = 0, limit: int = BATCH
) -> list[tuple[Post, Experience, Actor]]:
    """The next cases of those anybody may find and whose authors let themselves be found, by id."""
    query = (
        select(Post, Experience, Actor)
        .join(Experience, Experience.post_id == Post.id)
        .join(Actor, Actor.id == Post.author_id)
        .where(Experience.shown.is_(True), Actor.indexable.is_(True), Experience.post_id > after, *_wanted(choice))
        .order_by(Experience.post_id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in db.execute(query)]


def _wanted(choice: Choice) -> Iterator[ColumnElement[bool]]:
    if choice.barrier in BARRIERS:
        yield Experience.barriers.op("&")(1 << BARRIERS.index(choice.barrier)) != 0
    if choice.phase:
        yield Experience.phase == choice.phase
    if choice.outcome:
        yield Experience.outcome == choice.outcome
    if choice.municipality:
        yield Experience.municipality == choice.municipality
    if choice.kle:
        yield or_(Experience.kle == choice.kle, Experience.kle.startswith(f"{choice.kle}.", autoescape=True))
    if choice.community_id is not None:
        yield Experience.post_id.in_(
            select(Post.id).where(Post.community_id == choice.community_id, Post.kind == Kind.EXPERIENCE)
        )
    if choice.example:
        yield Experience.example_at.is_not(None)


def _open(viewer: Actor | None) -> ColumnElement[bool]:
    """A case that stands in a list of `viewer`'s."""
    return and_(
        Post.visibility.in_([Visibility.PUBLIC, Visibility.NODE]),
        Post.removed_at.is_(None),
        listed(viewer),
        findable(),
    )


# Keeping `shown` right


@cache
def watch(sessions: type[Session]) -> None:
    """Let all sessions of a class keep what is counted in step with what they write."""
    event.listen(sessions, "after_flush", _note)
    event.listen(sessions, "before_commit", _keep)


def _touched(db: Session, table: type[Base]) -> set[int]:
    found: set[int] = db.info.setdefault("cases", {Post: set(), Actor: set()})[table]
    return found


def _note(db: Session, _context: Any) -> None:
    for row in (*db.new, *db.dirty):
        if isinstance(row, Experience):
            _touched(db, Post).add(row.post_id)
        elif isinstance(row, Post) and row.kind == Kind.EXPERIENCE and _changed(row, OF_POSTS):
            _touched(db, Post).add(row.id)
        elif isinstance(row, Actor) and row not in db.new and _changed(row, OF_ACTORS):
            _touched(db, Actor).add(row.id)


def _changed(row: Base, names: Collection[str]) -> bool:
    state = inspect(row)
    return any(state.attrs[name].history.has_changes() for name in names)


def _keep(db: Session) -> None:
    db.flush()
    touched = db.info.pop("cases", None)
    if touched is not None:
        keep(db, touched[Post], touched[Actor])


def keep(db: Session, post_ids: Iterable[int], author_ids: Iterable[int] = ()) -> None:
    """Ask anew of these cases, and of all by these authors, whether anybody may find them."""
    which: list[ColumnElement[bool]] = [Experience.post_id.in_(list(post_ids))]
    if people := list(author_ids):
        which.append(
            Experience.post_id.in_(select(Post.id).where(Post.author_id.in_(people), Post.kind == Kind.EXPERIENCE))
        )
    found = and_(
        Post.id == Experience.post_id,
        Post.visibility == Visibility.PUBLIC,
        Post.removed_at.is_(None),
        listed(None),
        findable(),
    )
    shown = and_(Experience.is_follow_up.is_(False), exists().where(found))
    query = update(Experience).where(or_(*which)).values(shown=shown)
    db.execute(query.execution_options(synchronize_session=False))
