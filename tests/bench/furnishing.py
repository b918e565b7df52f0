"""What a node has beside questions and answers, for pages that are measured: the world, some of everything, and reports.

Camilla looks, as in the tests that count queries: she moderates and administers, and has some of everything; here she
also follows people. Reports of experience are written in bulk: every tenth says what happened since another.
"""

import random
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models import actor_keys, experiences, follows, house, municipalities, settings
from models.actors import Actor, ActorType
from models.base import new_id, now
from models.composing import BARRIER_TAGS, BARRIERS
from models.database import Database
from models.experience_cases import ExperienceState
from models.experiences import Experience, Outcome, Part, Phase
from models.links import PostLink, Tie
from models.listings import Listing
from models.posts import Kind, Post, PostTag
from models.search import keeping
from tests import keys, world
from tests.bench.words import Words
from tests.server.crowd import Crowd
from tests.server.visiting import person

NAME = "bench"
"""The node setting that says where in the database the examples are."""

OF_EACH = 15
FOLLOWED = 30
BATCH = 1000
EXAMPLES = 60
FOLLOW_UPS = 10
"""One report in so many is one."""


def furnish(database: Database, reports: int) -> Crowd:
    """Put it all there, unless it is; what pages about one thing are asked for by."""
    with database.reading() as db:
        if known := settings.get(db, NAME):
            return Crowd(OF_EACH, known)
    made, actor_keys.new_key_pair = actor_keys.new_key_pair, keys.draw
    crowd = Crowd()
    try:
        database.write(lambda db: _settle(db, crowd))
    finally:
        actor_keys.new_key_pair = made
    said, chance = Words(), random.Random(3)
    for start in range(0, reports, BATCH):
        database.write(lambda db, start=start: _tell(db, min(BATCH, reports - start), said, chance))
    database.write(lambda db: settings.put(db, NAME, crowd.ids))
    return crowd


def _settle(db: Session, crowd: Crowd) -> None:
    world.share(db, world.build(db))
    crowd.begin(db)
    crowd.grow(db, OF_EACH)
    house.set_page(db, house.Page.TERMS, "Her gælder vores regler.")
    camilla = person(db, "camilla")
    others = select(Actor).where(Actor.local.is_(False), Actor.type == ActorType.PERSON).order_by(Actor.id)
    for actor in db.scalars(others.limit(FOLLOWED)):
        follows.accept(db, follows.request(db, camilla, actor))


def _tell(db: Session, number: int, said: Words, chance: random.Random) -> None:
    """So many reports, by anybody, about anywhere."""
    authors = db.execute(select(Actor.id, Actor.indexable).where(Actor.type == ActorType.PERSON)).all()
    groups = db.scalars(select(Actor.id).where(Actor.type == ActorType.GROUP, Actor.local.is_(True))).all()
    codes = list(municipalities.known())
    rows: dict[Any, list[dict[str, Any]]] = {
        table: [] for table in (Post, Experience, ExperienceState, PostTag, Listing, PostLink)
    }
    for at in range(number):
        author, indexable = chance.choice(authors)
        id, barriers = new_id(), chance.sample(BARRIERS, 2)
        uri, published = f"https://x.example/reports/{id}", now()
        later = at % FOLLOW_UPS == FOLLOW_UPS - 1
        group = None if later else chance.choice((None, *groups))
        stands = {"phase": chance.choice(list(Phase)), "outcome": chance.choice(list(Outcome))}
        where = chance.choice(codes)
        rows[Post].append({
            "id": id, "uri": uri, "url": uri, "local": False, "author_id": author, "kind": Kind.EXPERIENCE,
            "object_type": "Article", "visibility": "public", "title": said.some(5, 12), "source": "",
            "summary": said.some(10, 30), "content": f"<p>{said.some(100, 400)}</p>", "language": "da", "thread_id": id,
            "community_id": group, "extra": {"barriers": barriers, "municipality": where, **stands},
            "published": published,
        })  # fmt: skip
        rows[Experience].append({
            "post_id": id, "parts": {Part.WANTED: said.some(50, 200), Part.HAPPENED: said.some(50, 200)},
            "obstacles": {one: said.some(10, 30) for one in barriers}, "barriers": experiences.bits(barriers), **stands,
            "municipality": where, "is_follow_up": later, "shown": indexable and not later,
            "example_at": published if at < EXAMPLES * BATCH // max(number, BATCH) and not later else None,
        })  # fmt: skip
        rows[ExperienceState].append({"id": new_id(), "post_id": id, "at": published, **stands})
        rows[PostTag] += [{"post_id": id, "name": BARRIER_TAGS.get(one, one), "shown": one} for one in barriers]
        if group:
            rows[Listing].append({"id": id, "community_id": group, "post_id": id, "announce_uri": ""})
        if later:
            case = rows[Post][at - 1]
            link = {"tie": Tie.FOLLOW_UP_OF, "to_uri": case["uri"], "to_id": case["id"]}
            rows[PostLink].append({"id": new_id(), "from_id": id, **link})
    for table, made in rows.items():
        db.execute(insert(table), made)
    keeping.keep_posts(db, [row["id"] for row in rows[Post]])
