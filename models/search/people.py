"""Finding people and communities: by the beginnings of their names, then by what they say of themselves."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, directory, names
from models.actors import Actor, ActorType
from models.search.asked import read
from models.search.store import ACTORS, Clause

MOST = 100
"""How many are found in either way."""


def find(
    db: Session,
    viewer: Actor | None,
    asked: str,
    *,
    communities: bool | None = None,
    offset: int = 0,
    limit: int = 20,
) -> list[Actor]:
    """Persons and organisations, or communities, or all. Those found by name first; the others only as they let
    themselves be found (`discoverable`), best first."""
    most = min(MOST, offset + limit)
    named = names.search(db, viewer, asked, communities=communities, limit=most)
    others: list[Actor] = []
    if len(named) < most:
        kind = None if communities is None else "_kgroup" if communities else "_kperson"
        wanted = _saying(db, viewer, asked, [actor.id for actor in named], [Clause((kind,))] if kind else [])
        rows = actors.many(db, [id for id, _ in wanted[:most]])
        others = [rows[id] for id, _ in wanted[:most] if id in rows]
    return [*named, *others][offset : offset + limit]


def first(db: Session, viewer: Actor | None, asked: str, *, most: int) -> tuple[list[Actor], list[Actor]]:
    """(persons and organisations, communities): the first that `find` finds, so many of each."""
    named = names.search(db, viewer, asked, limit=MOST)
    found = {actor.id: actor for actor in named}
    said = _saying(db, viewer, asked, list(found), [])
    ordered = [(actor.id, actor.is_community) for actor in named] + said
    people, groups = ([id for id, group in ordered if group is which][:most] for which in (False, True))
    found |= actors.many(db, [id for id in (*people, *groups) if id not in found])
    return [found[id] for id in people], [found[id] for id in groups]


def _saying(
    db: Session, viewer: Actor | None, asked: str, but: list[int], marks: list[Clause]
) -> list[tuple[int, bool]]:
    """(id, whether it is a community) of others whose names or profiles hold the words, best first."""
    clauses = read(asked).clauses()
    if not clauses:
        return []
    ids = [id for id in ACTORS.newest(db, [*clauses, *marks], limit=MOST) if id not in but]
    if not ids:
        return []
    shown = select(Actor.id, Actor.type).where(Actor.id.in_(ids), directory.shown(viewer))
    groups = {row[0]: row[1] == ActorType.GROUP for row in db.execute(shown)}
    hits = ACTORS.weighed(db, clauses, [id for id in ids if id in groups])
    return [(hit.id, groups[hit.id]) for hit in sorted(hits, key=lambda hit: (-hit.fits, -hit.id))]
