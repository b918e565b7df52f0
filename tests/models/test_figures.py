"""The figures of an actor are right at every moment: they say what counting the rows would say."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models import (
    actors,
    arriving,
    blocks,
    composing,
    figures,
    follows,
    leaving,
    listings,
    reach,
    removing,
)
from models.actors import Actor, RemoteActor
from models.arriving import RemotePost
from models.base import now
from models.database import Database
from models.figures import ActorFigures
from models.posts import Draft, Post, Visibility, get
from tests.world import World, build


def kept(db: Session) -> dict[int, tuple[int, int, int, object]]:
    """The figures that are not all nought, as the table has them."""
    rows = db.query(ActorFigures).all()
    found = {row.actor_id: (row.followers, row.following, row.posts, row.last_post_at) for row in rows}
    return {actor_id: row for actor_id, row in found.items() if row != (0, 0, 0, None)}


def _right(database: Database) -> None:
    with database.reading() as db:
        assert kept(db) == figures.counted(db)


def remote(db: Session, name: str, type: str = "Person") -> Actor:
    """Somebody of another server."""
    uri = f"https://m.example/users/{name}"
    return actors.record_remote(
        db, RemoteActor(uri=uri, type=type, username=name, domain="m.example", inbox=f"{uri}/inbox")
    )


def _arrive(db: Session, author: Actor, number: int, **more: object) -> int:
    values = {"visibility": Visibility.PUBLIC, "published": now() - timedelta(hours=1), "content": "<p>Hej</p>", **more}
    post = RemotePost(uri=f"https://m.example/p/{number}", author=author, **values)  # type: ignore[arg-type]
    return arriving.record_remote(db, post)[0].id


def test_after_a_month_of_the_worlds_life_the_figures_are_what_counting_says(lived_in: Database) -> None:
    with lived_in.reading() as db:
        assert kept(db) == figures.counted(db)
        anna, group = actors.by_handle(db, "anna"), actors.by_handle(db, "udfordrere")
        assert anna and group
        mine, theirs = figures.of(db, anna.id), figures.of(db, group.id)
    assert (mine.followers, mine.following, mine.posts) == (2, 4, 3)
    assert (theirs.followers, theirs.following, theirs.posts) == (6, 0, 3)


def test_the_figures_stay_right_through_everything_that_can_happen(database: Database) -> None:
    world: World = database.write(build)
    anna, birk, eva = (world.people[name].id for name in ("anna", "birk", "eva"))

    def life(db: Session) -> tuple[int, int, int]:
        here, there = actors.get(db, anna), remote(db, "petra")
        actors.update_profile(db, here, locked=True)
        waiting = follows.request(db, there, here, uri="https://m.example/f/1")
        follows.accept(db, waiting)
        follows.accept(db, waiting)
        mine = follows.request(db, here, there)
        follows.accept(db, mine)
        refused = follows.request(db, remote(db, "olaf"), here, uri="https://m.example/f/2")
        follows.reject(db, refused)
        first = _arrive(db, there, 1)
        _arrive(db, there, 1)
        _arrive(db, there, 2, visibility=Visibility.DIRECT)
        _arrive(db, there, 3, in_reply_to_uri="https://m.example/p/1")
        note = composing.note(db, here, Draft(text="Hemmeligt @birk", visibility="direct"))
        return first, note.id, composing.note(db, here, Draft(text="Åbent")).id

    first, direct, open_note = database.write(life)
    _right(database)

    def undone(db: Session) -> None:
        here = actors.get(db, anna)
        for post_id in (direct, open_note):
            removing.delete_post(db, here, get(db, post_id))
        removing.tombstone(db, get(db, first))
        blocks.block(db, here, actors.get(db, birk))
        follows.undo(db, actors.get(db, eva), here)
        follows.undo(db, actors.get(db, eva), here)

    database.write(undone)
    _right(database)


def test_what_was_written_here_is_added_up_without_what_communities_list(lived_in: Database) -> None:
    with lived_in.reading() as db:
        wrote = select(func.count()).where(Post.local.is_(True), Post.visibility != "direct", Post.deleted_at.is_(None))
        assert figures.written_here(db) == db.scalar(wrote)


def test_a_thread_counts_for_the_community_that_lists_it(database: Database) -> None:
    world: World = database.write(build)

    def announced(db: Session) -> tuple[int, int]:
        there = remote(db, "haven", "Group")
        post = get(db, _arrive(db, remote(db, "petra"), 7, community=there, title="Hvem passer haven?"))
        listings.announced(db, there, post, "https://m.example/a/7")
        return there.id, post.id

    group, post = database.write(announced)
    _right(database)
    with database.reading() as db:
        assert figures.of(db, group).posts == 1
    database.write(lambda db: listings.unannounced(db, actors.get(db, group), get(db, post)))
    _right(database)
    database.write(lambda db: removing.tombstone(db, get(db, world.questions["loebere"].id)))
    _right(database)


@pytest.mark.parametrize("goes", ["deleted", "gone", "dropped"])
def test_who_leaves_takes_his_follows_and_posts_out_of_the_figures(database: Database, goes: str) -> None:
    world: World = database.write(build)

    def befriend(db: Session) -> int:
        there = remote(db, "petra")
        follows.request(db, there, actors.get(db, world.people["eva"].id), uri="https://m.example/f/1")
        follows.accept(db, follows.request(db, actors.get(db, world.people["anna"].id), there))
        _arrive(db, there, 1)
        _arrive(db, there, 2)
        return there.id

    there = database.write(befriend)
    deed: dict[str, Callable[[Session], object]] = {
        "deleted": lambda db: leaving.delete_local(db, actors.get(db, world.people["eva"].id)),
        "gone": lambda db: leaving.gone(db, actors.get(db, there)),
        "dropped": lambda db: reach.drop_followings(db, actors.get(db, there)),
    }
    database.write(deed[goes])
    _right(database)


def test_the_last_post_is_the_newest_that_is_left(database: Database) -> None:
    world: World = database.write(build)
    david = world.people["david"].id
    with database.reading() as db:
        before = figures.of(db, david).last_post_at
    note = database.write(lambda db: composing.note(db, actors.get(db, david), Draft(text="Nu")).id)
    with database.reading() as db:
        assert figures.of(db, david).last_post_at == get(db, note).published
    database.write(lambda db: removing.delete_post(db, actors.get(db, david), get(db, note)))
    with database.reading() as db:
        assert figures.of(db, david).last_post_at == before


def test_a_database_without_figures_gets_them_by_recounting(lived_in: Database) -> None:
    with lived_in.reading() as db:
        kept_before = kept(db)
    lived_in.write(lambda db: db.execute(delete(ActorFigures)))
    assert lived_in.write(figures.recount) == len(kept_before)
    _right(lived_in)


def test_no_follow_is_lost_when_all_follow_at_once(database: Database) -> None:
    world: World = database.write(build)
    anna = world.people["anna"].id
    crowd = database.write(lambda db: [remote(db, f"crowd{number}").id for number in range(10)])

    def all_at_once(deed: Callable[[Session, Actor, Actor], object]) -> None:
        with ThreadPoolExecutor(len(crowd)) as pool:
            list(
                pool.map(
                    lambda id: database.write(lambda db: deed(db, actors.get(db, id), actors.get(db, anna))), crowd
                )
            )

    all_at_once(lambda db, who, whom: follows.request(db, who, whom, uri=f"{who.uri}/follow"))
    _right(database)
    all_at_once(follows.undo)
    _right(database)
