"""Hashtags that mean the same."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import composing, feeds, tag_follows, tag_synonyms, tags
from models.database import Database
from models.errors import Conflict, DomainError, Invalid, NotFound
from models.moderation import AuditEntry
from models.posts import Draft
from tests.models.search.looking import person


def pairs(db: Session) -> dict[str, str]:
    return {row.name: row.main for row in tag_synonyms.all_of_them(db)}


def test_a_synonym_of_a_synonym_means_the_main_name(lived_in: Database) -> None:
    def write(db: Session) -> None:
        anna = person(db, "anna")
        tag_synonyms.add(db, "#Jura", "ret", by=anna)
        tag_synonyms.add(db, "lov", "jura", by=anna)
        tag_synonyms.add(db, "ret", "lovgivning", by=anna)

    lived_in.write(write)
    with lived_in.reading() as db:
        assert pairs(db) == {"jura": "lovgivning", "lov": "lovgivning", "ret": "lovgivning"}
        assert tags.families(db, ["jura", "vej"]) == {"jura": ["lovgivning", "jura", "lov", "ret"], "vej": ["vej"]}
        assert tags.mains(db, ["jura", "lovgivning", "vej"]) == {"jura": "lovgivning"}
        assert [row.action for row in db.scalars(select(AuditEntry))].count("tag.synonym") == 3


@pytest.mark.parametrize(
    ("name", "main", "error"),
    [
        ("vej", "VEJ", Invalid),
        ("lov", "jura", Invalid),
        ("regler", "jura", Conflict),
        ("lovgivning", "jura", Conflict),
        ("", "jura", NotFound),
        ("a b", "jura", NotFound),
        ("jura", "123", NotFound),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    lived_in: Database, name: str, main: str, error: type[DomainError]
) -> None:
    lived_in.write(lambda db: tag_synonyms.add(db, "jura", "lov", by=None))
    with pytest.raises(error):
        lived_in.write(lambda db: tag_synonyms.add(db, name, main, by=None))
    with lived_in.reading() as db:
        assert pairs(db) == {"jura": "lov"}


def test_there_is_an_end_to_synonyms(lived_in: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_synonyms, "MAX_SYNONYMS", 1)
    lived_in.write(lambda db: tag_synonyms.add(db, "jura", "lov", by=None))
    with pytest.raises(Conflict):
        lived_in.write(lambda db: tag_synonyms.add(db, "ret", "lov", by=None))


def test_a_synonym_can_be_taken_back_once(lived_in: Database) -> None:
    lived_in.write(lambda db: tag_synonyms.add(db, "jura", "lov", by=None))
    lived_in.write(lambda db: tag_synonyms.remove(db, "jura", by=person(db, "anna")))
    with lived_in.reading() as db:
        assert pairs(db) == {}
    with pytest.raises(NotFound):
        lived_in.write(lambda db: tag_synonyms.remove(db, "jura", by=None))


@pytest.mark.parametrize("followed", ["jura", "lov", "ret"])
def test_who_follows_one_of_them_follows_all(lived_in: Database, followed: str) -> None:
    def write(db: Session) -> set[int]:
        tag_synonyms.add(db, "jura", "ret", by=None)
        tag_synonyms.add(db, "lov", "ret", by=None)
        tag_follows.follow(db, person(db, "farid").id, followed)
        with_tag = [
            composing.note(db, person(db, "david"), Draft(text=f"Om #{tag}")).id for tag in ("jura", "lov", "ret")
        ]
        composing.note(db, person(db, "david"), Draft(text="Om #vej"))
        return set(with_tag)

    wanted = lived_in.write(write)
    with lived_in.reading() as db:
        names = set(db.scalars(tag_follows.names(person(db, "farid").id)))
        assert names == {"jura", "lov", "ret"}
        feed = feeds.home_feed(person(db, "farid"))
        assert {row[0] for row in db.execute(feed._tagged())} | wanted >= wanted
