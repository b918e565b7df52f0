"""Lists over several owners: the nearest rows of each, and the same as a search through everything would find."""

from random import Random

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from models import composing, feeds, follows, nearest
from models.base import clock
from models.database import Database
from models.follows import Follow
from models.posts import Draft, Post
from models.windows import Window
from tests.server.visiting import person

WRITERS = ("anna", "birk", "camilla", "david")
BY = (Post.author_id, Post.id)


def fill(db: Session) -> None:
    """Eva follows three of four, who have written some times each, in no order."""
    chance = Random(3)
    for name in WRITERS[:3]:
        follows.request(db, person(db, "eva"), person(db, name))
    for number in range(40):
        clock.offset += 60
        composing.note(db, person(db, chance.choice(WRITERS)), Draft(f"Nummer {number}"))


def followed(db: Session) -> nearest.Owners:
    return select(Follow.target_id).where(Follow.follower_id == person(db, "eva").id)


def theirs(db: Session) -> list[int]:
    """What they wrote, newest first, found by looking at everything."""
    return list(db.scalars(select(Post.id).where(Post.author_id.in_(followed(db))).order_by(Post.id.desc())))


def test_the_nearest_of_all_come_in_order_and_each_once(lived_in: Database) -> None:
    lived_in.write(fill)
    with lived_in.reading() as db:
        every = theirs(db)
        assert len(every) > 25
        way = nearest.Way(select(Post.id), Post.id, followed(db), BY)
        assert way.ids(db, Window(limit=7)) == every[:7]
        assert way.ids(db, Window(before=every[4], limit=7)) == every[5:12]
        assert way.ids(db, Window(before=every[9], limit=3)) == every[10:13]
        assert way.ids(db, Window(after=every[20], limit=7)) == every[13:20][::-1]
        assert way.ids(db, Window(after=every[9], since=every[4], limit=7)) == every[:4][::-1]
        assert way.ids(db, Window(limit=1000)) == every


@pytest.mark.parametrize("most", [0, 3000])
@pytest.mark.parametrize("limit", [1, 3, 30])
def test_a_stretch_is_the_same_as_of_the_whole_however_few_of_the_nearest_it_shows(
    lived_in: Database, limit: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived_in.write(fill)
    lived_in.write(lambda db: db.execute(update(Post).where(Post.id.in_(theirs(db)[::5])).values(answer_count=1)))
    monkeypatch.setattr(nearest, "MOST", most)
    monkeypatch.setattr(nearest, "FIRST_LOOK", 1)
    with lived_in.reading() as db:
        shown = theirs(db)[::5]
        query = select(Post.id).where(Post.author_id.in_(followed(db)), Post.answer_count == 1)
        for window in (Window(limit=limit), Window(before=shown[1], limit=limit), Window(since=shown[-2], limit=limit)):
            found = nearest.Way(query, Post.id, followed(db), BY).rows(db, window)
            assert [row[0] for row in found] == [row[0] for row in window.rows(db, query, Post.id)]


def test_nobody_has_nothing(lived_in: Database) -> None:
    with lived_in.reading() as db:
        nobody = select(Follow.target_id).where(Follow.id == 0)
        assert nearest.Way(select(Post.id), Post.id, nobody, BY).rows(db, Window()) == []


def test_only_part_of_a_table_is_looked_through_where_its_index_holds_only_part(lived_in: Database) -> None:
    lived_in.write(fill)
    with lived_in.reading() as db:
        every = theirs(db)
        lived_in.write(lambda db: db.execute(update(Post).where(Post.id.in_(every[::3])).values(answer_count=1)))
    with lived_in.reading() as db:
        way = nearest.Way(select(Post.id), Post.id, followed(db), BY, which="answer_count = 1")
        assert way.ids(db, Window(limit=5)) == every[::3][:5]
        assert way.ids(db, Window(after=0, limit=5)) == every[::3][:-6:-1]


@pytest.mark.parametrize("name", ["eva", "anna"])
def test_sqlite_looks_for_each_of_the_nearest_posts_of_a_home_feed_by_itself(lived_in: Database, name: str) -> None:
    if not lived_in.sqlite:
        pytest.skip("about SQLite: PostgreSQL knows that few ids are few")
    asked: list[tuple[str, object]] = []
    lived_in.write(fill)
    with lived_in.reading() as db:
        viewer = person(db, name)

        def note(_connection: object, _cursor: object, statement: str, values: object, *_rest: object) -> None:
            asked.append((statement, values))

        event.listen(db.get_bind(), "before_cursor_execute", note)
        assert feeds.home(db, viewer, Window(limit=20))
        event.remove(db.get_bind(), "before_cursor_execute", note)
        among = [one for one in asked if one[0].startswith("SELECT posts.id, posts.id AS id__1") and "LIMIT" in one[0]]
        assert among
        for statement, values in among:
            # In a large database it would take the index of writers, with each of them for each id.
            assert "(posts.author_id + " in statement
            plan = [row[3] for row in db.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + statement, values)]  # type: ignore[arg-type]
            assert "SEARCH posts USING INTEGER PRIMARY KEY (rowid=?)" in plan
