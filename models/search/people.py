"""Finding people and communities: by the beginnings of their names, then by what they say of themselves."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import directory, names
from models.actors import Actor
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
    known = {actor.id for actor in named}
    clauses = read(asked).clauses()
    others: list[Actor] = []
    if clauses and len(named) < most:
        marks = [] if communities is None else [Clause(("_kgroup" if communities else "_kperson",))]
        hits = sorted(ACTORS.fitting(db, [*clauses, *marks], limit=MOST), key=lambda hit: (-hit.fits, -hit.id))
        wanted = [hit.id for hit in hits if hit.id not in known]
        if wanted:
            shown = select(Actor).where(Actor.id.in_(wanted), directory.shown(viewer))
            rows = {actor.id: actor for actor in db.scalars(shown)}
            others = [rows[id] for id in wanted if id in rows]
    return [*named, *others][offset : offset + limit]
