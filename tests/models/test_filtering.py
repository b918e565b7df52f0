"""Which posts a filter catches."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from models import composing, filtering, filters, posts
from models.database import Database
from models.filters import FilterKeyword
from models.polls import PollDraft
from models.posts import Draft, Post
from tests.server.visiting import person


def caught(keyword: str, text: str, *, whole_word: bool = True) -> bool:
    sieve = filtering.Sieve([FilterKeyword(keyword=keyword, whole_word=whole_word)])
    return bool(sieve.hits(filtering.folded(text)))


@pytest.mark.parametrize(
    ("keyword", "text", "whole", "part"),
    [
        ("sne", "I dag er der sne.", True, True),
        ("sne", "Snevejr", False, True),
        ("SNE", "(sne)", True, True),
        ("på is", "Løb  på\nis", True, True),
        ("åbne data", "ÅBNE DATA", True, True),
        ("#sne", "Se #sne!", True, True),
        ("#sne", "Se #snevejr", False, True),
        ("c++", "Jeg kan c++.", True, True),
        ("🎉", "Hurra🎉hurra", True, True),
        ("a.b", "axb", False, False),
        (".*", "alt", False, False),
        ("café", "CAFE\u0301 i byen", True, True),  # the accent as a character of its own
        ("STRASSE", "straße", True, True),
    ],
)
def test_a_keyword_is_found_as_its_owner_means_it(keyword: str, text: str, whole: bool, part: bool) -> None:
    assert caught(keyword, text, whole_word=True) is whole
    assert caught(keyword, text, whole_word=False) is part


WORDS = st.text(alphabet=st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=30)


@given(WORDS, st.text(max_size=50), st.text(max_size=50))
def test_a_part_of_a_word_is_found_wherever_it_stands(word: str, before: str, after: str) -> None:
    assert caught(word, f"{before} {word} {after}", whole_word=False)


@given(WORDS, st.text(max_size=50), st.text(max_size=50))
def test_a_whole_word_is_found_between_blanks(word: str, before: str, after: str) -> None:
    assert caught(word, f"{before} {word} {after}")


@given(WORDS, st.text(max_size=200))
def test_a_whole_word_is_never_found_where_its_letters_are_not(word: str, text: str) -> None:
    assert caught(word, text, whole_word=False) or not caught(word, text)


@given(WORDS, st.text(max_size=200))
def test_letter_case_makes_no_difference(word: str, text: str) -> None:
    assert caught(word, text.casefold()) == caught(word.casefold(), text)


def test_no_keyword_takes_long_however_it_is_made() -> None:
    began = time.process_time()
    for keyword in ("(a+)+$", "a" * 500, ".*" * 200 + "b", "a " * 200):
        caught(keyword, "a" * filtering.MAX_TEXT, whole_word=False)
    assert time.process_time() - began < 2


def _matches(database: Database, owner: str, post_id: int, keyword: str) -> bool:
    def work(db: Session) -> None:
        row = filters.create(db, person(db, owner).id, keyword, ["home"])
        filters.add_keyword(db, row, keyword)

    database.write(work)
    with database.reading() as db:
        found = filtering.matching(db, person(db, owner).id, "home", [posts.get(db, post_id)])
    return any(keyword in match.keywords for matches in found.values() for match in matches)


@pytest.mark.parametrize("keyword", ["titelord", "advarsel", "brødtekst", "billedtekst", "valgmulighed"])
def test_all_that_a_reader_reads_is_searched(lived_in: Database, keyword: str) -> None:
    def write(db: Session) -> int:
        poll = PollDraft(options=("en valgmulighed", "en anden"), seconds=3600)
        draft = Draft(text="Lidt **brødtekst**", summary="En advarsel", poll=poll)
        post: Post = composing.note(db, person(db, "anna"), draft)
        post.title, post.attachments = "Et titelord", [{"type": "Image", "url": "x", "name": "En billedtekst"}]
        db.flush()
        return post.id

    assert _matches(lived_in, "birk", lived_in.write(write), keyword)


def test_addresses_and_markup_are_not_text(lived_in: Database) -> None:
    def write(db: Session) -> int:
        return composing.note(db, person(db, "anna"), Draft(text="Et **stort** [link](https://x.example/hest)")).id

    number = lived_in.write(write)
    assert not _matches(lived_in, "birk", number, "strong")
    assert not _matches(lived_in, "birk", number, "hest")


def test_a_filter_that_ran_out_catches_nothing(lived_in: Database) -> None:
    from tests.world import days_ago

    def work(db: Session) -> int:
        me = person(db, "birk").id
        with days_ago(1):
            row = filters.create(db, me, "kort", ["home"], seconds=60)
            filters.add_keyword(db, row, "kaffe")
        return composing.note(db, person(db, "anna"), Draft(text="kaffe")).id

    number = lived_in.write(work)
    with lived_in.reading() as db:
        assert filtering.matching(db, person(db, "birk").id, None, [posts.get(db, number)]) == {}


def test_each_context_has_its_own_filters(lived_in: Database) -> None:
    def work(db: Session) -> int:
        row = filters.create(db, person(db, "birk").id, "x", ["public", "thread"])
        filters.add_keyword(db, row, "kaffe")
        return composing.note(db, person(db, "anna"), Draft(text="kaffe")).id

    number = lived_in.write(work)
    with lived_in.reading() as db:
        me, post = person(db, "birk").id, posts.get(db, number)
        fits = {name: bool(filtering.matching(db, me, name, [post])) for name in filters.CONTEXTS}
        assert fits == {name: name in {"public", "thread"} for name in filters.CONTEXTS}
        assert filtering.matching(db, me, None, [post])
