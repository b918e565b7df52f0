"""Files of posts: whose they are, when they are ready, how they come into posts, and how they go."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, composing, leaving, media, removing, scheduled
from models.actors import Actor
from models.base import clock, now
from models.database import Database
from models.errors import Invalid, NotFound
from models.jobs import Job
from models.media import Made, Media, Purpose, State
from models.posts import Draft, Post

NAME = "0" * 64 + ".png"
MADE = Made("image", NAME, "image/png", 10, "1" * 64 + ".png", {"original": {"width": 4, "height": 3}}, "L" * 28)


@pytest.fixture
def db(lived_in: Database) -> Iterator[Session]:
    """One transaction, taken back at the end."""
    with Session(lived_in.engine, expire_on_commit=False, info={"node": lived_in.node, "wake": set()}) as db:
        yield db


def person(db: Session, name: str) -> Actor:
    found = actors.by_handle(db, name)
    assert found is not None
    return found


def upload(db: Session, by: str = "anna", *, ready: bool = True, kind: str = "image") -> int:
    """A file somebody sent."""
    row = media.create(db, person(db, by).id, kind, "a" * 32)
    if ready:
        media.begin(db, row.id)
        media.finish(db, row.id, Made(kind, NAME, "image/png", 10, meta=MADE.meta))
    return row.id


def write(db: Session, *ids: int, by: str = "anna") -> Post:
    return composing.note(db, person(db, by), Draft("Se her", media=ids or None))


def gone(db: Session) -> list[str]:
    """The files whose removal is promised."""
    found = db.scalars(select(Job).where(Job.kind == "media_gone")).all()
    return [name for job in found for name in job.payload["files"]]


def test_an_upload_is_worked_on_once_and_then_ready(lived_in: Database) -> None:
    id = lived_in.write(lambda db: upload(db, ready=False))
    with lived_in.reading() as db:
        assert db.scalars(select(Job).where(Job.kind == "media")).one().payload == {"media": id}
    assert lived_in.write(lambda db: media.begin(db, id)) is not None
    assert lived_in.write(lambda db: media.begin(db, id)) is None
    assert lived_in.write(lambda db: media.finish(db, id, MADE))
    assert lived_in.write(lambda db: media.begin(db, id)) is None
    with lived_in.reading() as db:
        row = db.get_one(Media, id)
        assert (row.state, row.file, row.upload, row.blurhash) == (State.READY, NAME, "", "L" * 28)


def test_who_dies_over_an_upload_leaves_it_to_others_after_a_while(lived_in: Database) -> None:
    id = lived_in.write(lambda db: upload(db, ready=False))
    assert lived_in.write(lambda db: media.begin(db, id))
    clock.offset = media.LEASE.total_seconds() + 1
    assert lived_in.write(lambda db: media.begin(db, id))
    clock.offset *= 2
    assert lived_in.write(lambda db: media.begin(db, id))
    clock.offset *= 2
    assert lived_in.write(lambda db: media.begin(db, id)) is None
    with lived_in.reading() as db:
        assert db.get_one(Media, id).state == State.FAILED


def test_of_many_who_begin_at_once_one_gets_it(lived_in: Database) -> None:
    id = lived_in.write(lambda db: upload(db, ready=False))
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: lived_in.write(lambda db: media.begin(db, id)) is not None, range(4)))
    assert got.count(True) == 1


def test_of_two_posts_that_want_a_file_at_once_one_gets_it(lived_in: Database) -> None:
    id = lived_in.write(upload)

    def attempt(_: int) -> bool:
        try:
            lived_in.write(lambda db: write(db, id).id)
        except Invalid:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(attempt, range(4))).count(True) == 1


def test_a_file_removed_while_it_was_worked_on_is_not_finished(lived_in: Database) -> None:
    def work(db: Session) -> bool:
        id = upload(db, ready=False)
        media.begin(db, id)
        media.delete(db, person(db, "anna").id, id)
        return media.finish(db, id, MADE)

    assert lived_in.write(work) is False


def test_only_ones_own_ready_files_that_stand_nowhere_else_come_into_a_post(db: Session) -> None:
    mine, theirs, raw = upload(db), upload(db, "birk"), upload(db, ready=False)
    write(db, mine)
    for ids in ((theirs,), (raw,), (mine,), (4711,)):
        with pytest.raises(Invalid):
            write(db, *ids)
    with pytest.raises(NotFound):
        media.mine(db, person(db, "anna").id, theirs)


def test_a_film_stands_alone(db: Session) -> None:
    with pytest.raises(Invalid, match="video"):
        write(db, upload(db, kind="video"), upload(db))
    assert len(write(db, upload(db, kind="video")).attachments) == 1
    assert len(write(db, upload(db, kind="gifv"), upload(db)).attachments) == 2


def test_a_post_carries_all_that_its_readers_need(db: Session) -> None:
    id = upload(db)
    media.describe(db.get_one(Media, id), "En hane", (0.5, 2.0))
    assert write(db, id).attachments == [
        {
            "id": id,
            "type": "Document",
            "kind": "image",
            "url": f"https://a.example/media/{NAME}",
            "media_type": "image/png",
            "name": "En hane",
            "width": 4,
            "height": 3,
            "focus": [0.5, 1.0],
            "meta": {"original": {"width": 4, "height": 3}},
        }
    ]


def test_an_edition_without_word_of_files_keeps_them_and_one_with_others_lets_them_go(db: Session) -> None:
    first, second = upload(db), upload(db)
    anna, post = person(db, "anna"), write(db, first)
    composing.edit(db, anna, post, Draft("Nyt"))
    assert [one["id"] for one in post.attachments] == [first]
    composing.edit(db, anna, post, Draft("Nyt", media=(second,)))
    assert [one["id"] for one in post.attachments] == [second]
    assert db.get_one(Media, first).post_id is None
    assert db.get_one(Media, first).kept_until is not None
    composing.edit(db, anna, post, Draft("Nyt", media=()))
    assert post.attachments == []


def test_with_a_post_its_files_go_and_with_a_person_all(db: Session) -> None:
    anna = person(db, "anna")
    post = write(db, upload(db))
    removing.delete_post(db, anna, post)
    assert gone(db) == [NAME]
    assert not media.of_post(db, post.id)
    birk = person(db, "birk")
    upload(db, "birk")
    media.set_picture(db, birk.id, Purpose.AVATAR, MADE, 77)
    leaving.delete_local(db, birk)
    assert not db.scalars(select(Media).where(Media.account_id == birk.id)).all()
    assert len(gone(db)) == 3


def test_unused_files_go_after_a_day_but_not_those_that_a_later_post_waits_for(db: Session) -> None:
    unused, awaited, used = upload(db), upload(db), upload(db)
    write(db, used)
    anna = person(db, "anna")
    scheduled.schedule(db, anna.id, now() + timedelta(days=9), Draft("Senere", media=(awaited,)))
    clock.offset = timedelta(days=2).total_seconds()
    assert media.sweep(db, 100) == 1
    assert db.get(Media, unused) is None
    clock.offset = timedelta(days=11).total_seconds()
    assert media.sweep(db, 100) == 1
    assert db.get(Media, used) is not None


def test_a_new_picture_takes_the_place_of_the_one_before(db: Session) -> None:
    anna = person(db, "anna")
    media.set_picture(db, anna.id, Purpose.AVATAR, Made("image", "2" * 64 + ".png", "image/png", 1), 1)
    address = media.set_picture(db, anna.id, Purpose.AVATAR, MADE, 2)
    media.set_picture(db, anna.id, Purpose.HEADER, MADE, 3)
    assert address == f"https://a.example/media/{NAME}"
    assert gone(db) == ["2" * 64 + ".png"]
    with pytest.raises(Invalid):
        write(db, 2)
