"""Drafts: kept for their writer alone, one for each reply, and gone once they are sent."""

import pytest

from models import drafts, removing
from models.database import Database
from models.drafts import MAX_DRAFTS, KeptDraft, Wanted
from models.errors import Conflict, NotFound
from models.posts import Post
from tests.models.test_anonymity import one
from tests.server.visiting import question


def keep(database: Database, name: str = "eva", kind: Wanted = Wanted.QUESTION, **how: int | None) -> int:
    return database.write(
        lambda db: drafts.keep(db, one(db, name).id, kind, {"text": ["Vi prøvede"]}, **how).id  # type: ignore[arg-type]
    )


def count(database: Database) -> int:
    with database.reading() as db:
        return db.query(KeptDraft).count()


def test_a_draft_is_kept_again_in_the_same_place(lived_in: Database) -> None:
    first = keep(lived_in)
    assert keep(lived_in, draft_id=first) == first
    assert keep(lived_in) != first
    assert count(lived_in) == 2


def test_of_what_answers_one_post_there_is_one(lived_in: Database) -> None:
    with lived_in.reading() as db:
        asked = question(db, "Lederen siger ja").id
        other = question(db, "Hvordan fik I").id
    first = keep(lived_in, kind=Wanted.REPLY, parent_id=asked)
    assert keep(lived_in, kind=Wanted.REPLY, parent_id=asked) == first
    assert keep(lived_in, kind=Wanted.REPLY, parent_id=other) != first
    assert keep(lived_in, kind=Wanted.REPLY, parent_id=other, draft_id=first) != first  # a form that was tampered with


def test_nobody_else_reads_or_changes_or_drops_it(lived_in: Database) -> None:
    first = keep(lived_in)
    with lived_in.reading() as db:
        birk = one(db, "birk").id
        with pytest.raises(NotFound):
            drafts.get(db, birk, first)
        assert drafts.of(db, birk) == []
    assert keep(lived_in, "birk", draft_id=first) != first
    assert not lived_in.write(lambda db: drafts.drop(db, birk, first))
    with lived_in.reading() as db:
        assert drafts.get(db, one(db, "eva").id, first).fields == {"text": ["Vi prøvede"]}


def test_there_is_an_end_to_how_many_are_kept(lived_in: Database) -> None:
    for _ in range(MAX_DRAFTS):
        last = keep(lived_in)
    with pytest.raises(Conflict):
        keep(lived_in)
    assert count(lived_in) == MAX_DRAFTS
    assert keep(lived_in, draft_id=last) == last  # those there are can still be gone on with


def test_a_text_that_is_far_too_long_is_cut_and_not_refused(lived_in: Database) -> None:
    def long(db: object) -> int:
        row = drafts.keep(db, one(db, "eva").id, Wanted.NOTE, {"text": ["x" * 300_000]})  # type: ignore[arg-type]
        return len(row.fields["text"][0])

    assert lived_in.write(long) == drafts.MAX_FIELD


def test_a_draft_goes_with_the_post_it_answers(lived_in: Database) -> None:
    with lived_in.reading() as db:
        asked = question(db, "Lederen siger ja").id
    keep(lived_in, "birk", kind=Wanted.REPLY, parent_id=asked)
    lived_in.write(lambda db: removing.delete_post(db, one(db, "eva"), db.get_one(Post, asked)))
    assert count(lived_in) == 0
