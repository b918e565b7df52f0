"""What people have given is counted from what they wrote, and from indexes made for it."""

from collections import Counter

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from models import actors, contributions, dogmas, hashtags, removing, threads, timelines
from models.actors import Actor
from models.contributions import Contributions
from models.database import Database
from models.posts import Draft, Kind, Post, Visibility

OPEN = {Visibility.PUBLIC, Visibility.UNLISTED}


def person(db: Session, name: str) -> Actor:
    found = actors.find(db, name)
    assert found is not None
    return found


def test_open_questions_and_answers_count_and_the_accepted_ones_among_them(lived_in: Database) -> None:
    def hide_some(db: Session) -> None:
        eva, group = person(db, "eva"), person(db, "udfordrere")
        asked = threads.ask(db, eva, group, Draft(text="Sig frem.", title="Internt?", visibility="node"))
        threads.accept(db, eva, asked, threads.answer(db, person(db, "farid"), asked, Draft(text="Ja")))
        gone = threads.ask(db, eva, group, Draft(text="Sig frem.", title="Fortrudt?"))
        removing.delete_post(db, eva, gone)

    lived_in.write(hide_some)
    with lived_in.reading() as db:
        written = [post for post in db.scalars(select(Post)) if post.visibility in OPEN and post.deleted_at is None]
        kinds = Counter((post.author_id, post.kind) for post in written)
        by_id = {post.id: post for post in written}
        accepted = Counter(by_id[post.accepted_id].author_id for post in written if post.accepted_id in by_id)
        assert accepted
        for actor in db.scalars(select(Actor)):
            expected = Contributions(kinds[actor.id, Kind.QUESTION], kinds[actor.id, Kind.ANSWER], accepted[actor.id])
            assert contributions.of(db, actor.id) == expected


@pytest.mark.parametrize(
    ("what", "indexes"),
    [
        ("given", ["ix_posts_given", "ix_posts_accepted_id"]),
        ("waiting", ["ix_posts_waiting"]),
        ("unanswered", ["ix_posts_unanswered"]),
        ("answered", ["ix_posts_author_id_id"]),
        ("dogmas", ["ix_posts_of_community (community_id=? AND kind=?"]),
    ],
)
def test_they_are_read_from_the_indexes_made_for_it(lived_in: Database, what: str, indexes: list[str]) -> None:
    if not lived_in.sqlite:
        pytest.skip("PostgreSQL scans tables as small as this one")
    asked: list[tuple[str, object]] = []

    def note(connection: object, cursor: object, statement: str, given: object, *rest: object) -> None:
        asked.append((statement, given))

    with lived_in.reading() as db:
        viewer = person(db, "eva")
        event.listen(lived_in._reader, "before_cursor_execute", note)
        if what == "given":
            contributions.of(db, viewer.id)
        elif what == "unanswered":
            timelines.questions(db, viewer, order="unanswered")
        elif what == "answered":
            hashtags.answered_under(db, viewer.id)
        elif what == "dogmas":
            dogmas.all_of(db, viewer, dogmas.Status.ADOPTED, community_id=person(db, "udfordrere").id)
        else:
            timelines.waiting(db, viewer)
        event.remove(lived_in._reader, "before_cursor_execute", note)
        plans = " ".join(
            row[3]
            for statement, given in asked
            for row in db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)  # type: ignore[arg-type]
        )
    assert all(name in plans for name in indexes), plans
