"""Statements that are made once answer everybody for himself, and of the present."""

from sqlalchemy.orm import Session

from models import blocks, composing, follows, timelines
from models.base import clock
from models.database import Database
from models.posts import Draft
from tests.server.visiting import person


def home(db: Session, name: str) -> list[int]:
    return [item.post.id for item in timelines.home(db, person(db, name))]


def test_each_of_several_readers_finds_his_own_home_with_the_statements_made_for_the_first(lived_in: Database) -> None:
    def write(db: Session) -> tuple[int, int]:
        follows.request(db, person(db, "eva"), person(db, "anna"))
        follows.request(db, person(db, "david"), person(db, "birk"))
        return tuple(composing.note(db, person(db, name), Draft("Hej")).id for name in ("anna", "birk"))  # type: ignore[return-value]

    annas, birks = lived_in.write(write)
    with lived_in.reading() as db:
        for _ in range(2):
            assert annas in home(db, "eva")
            assert birks not in home(db, "eva")
            assert birks in home(db, "david")
            assert annas not in home(db, "david")


def test_a_mute_for_an_hour_ends_after_an_hour_also_in_a_statement_made_before(lived_in: Database) -> None:
    def write(db: Session) -> int:
        follows.request(db, person(db, "eva"), person(db, "anna"))
        written = composing.note(db, person(db, "anna"), Draft("Hej")).id
        blocks.mute(db, person(db, "eva"), person(db, "anna"), for_seconds=3600)
        return written

    written = lived_in.write(write)
    with lived_in.reading() as db:
        assert written not in home(db, "eva")
        assert written not in [post.id for post in timelines.public(db, person(db, "eva"))]
        clock.offset += 3601
        assert written in home(db, "eva")
        assert written in [post.id for post in timelines.public(db, person(db, "eva"))]
        assert written in [post.id for post in timelines.public(db)]
