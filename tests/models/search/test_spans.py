"""The newest of what holds some words: the same as a look at everything would find, after a look at little of it."""

import json
from itertools import product
from random import Random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.base import ID_RANDOM_BITS, new_id
from models.database import Database
from models.search.spans import COUNTED, FIRST
from models.search.store import POSTS, Clause, Document

DAY = (24 * 3600 * 1000) << ID_RANDOM_BITS
SELDOM = Clause(("seldom",))
OFTEN, TITLED, MARKED = Clause(("often",)), Clause(("often",), titled=True), Clause(("_a", "_b"))


def fill(db: Session, number: int) -> dict[int, Document]:
    """Rows some minutes apart, a thousand of them in one moment, and a few of years ago."""
    chance, at, made = Random(4), new_id() - 2000 * DAY, {}
    for nth in range(number):
        at += 10_000 * DAY // number if nth < 20 else 1 if 2000 < nth < 3000 else DAY // chance.randint(20, 400)
        title = ("often",) if chance.random() < 0.03 else ()
        body = [word for word, part in (("often", 0.4), ("else", 0.5)) if chance.random() < part]
        body += ["seldom"] if nth % 1500 == 7 else []
        made[at] = Document(title, tuple(body), (chance.choice(("_a", "_b", "_c")),))
    POSTS.add(db, made)
    return made


def holds(document: Document, clause: Clause) -> bool:
    return bool({*document.title, *(() if clause.titled else (*document.body, *document.marks))} & set(clause.any))


@pytest.fixture
def filled(database: Database) -> tuple[Database, dict[int, Document]]:
    return database, database.write(lambda db: fill(db, FIRST * 5))


@pytest.mark.parametrize(
    "clauses", [[OFTEN], [SELDOM], [TITLED], [OFTEN, MARKED], [TITLED, MARKED], [SELDOM, TITLED], [Clause(("never",))]]
)
def test_they_are_those_that_a_look_at_everything_finds(
    filled: tuple[Database, dict[int, Document]], clauses: list[Clause]
) -> None:
    database, made = filled
    ids = sorted((id for id, one in made.items() if all(holds(one, clause) for clause in clauses)), reverse=True)
    every = sorted(made)
    with database.reading() as db:
        for before, after, limit in product((None, every[-700], every[15]), (0, every[10], every[2500]), (1, 30, 4000)):
            expected = [id for id in ids if after < id and (before is None or id < before)][:limit]
            assert POSTS.newest(db, clauses, before=before, after=after, limit=limit) == expected
        for most in (3, 100, 4000):
            assert POSTS.count(db, clauses, most=most) == min(most, len(ids))


def test_nothing_is_found_where_nothing_is(database: Database) -> None:
    with database.reading() as db:
        assert POSTS.newest(db, [OFTEN], limit=5) == []
        assert POSTS.count(db, [OFTEN], most=5) == 0


def plan(db: Session, clauses: list[Clause], limit: int, *, run: bool) -> Any:
    query, asked = POSTS._spanning(clauses)
    how = "ANALYZE, TIMING OFF, " if run else ""
    explain = text(f"EXPLAIN ({how}FORMAT JSON) {query.text}")
    found = db.scalar(explain, {**asked, "after": 0, "before": 2**63 - 1, "most": limit})
    return found if isinstance(found, list) else json.loads(found or "")


def parts(node: Any) -> list[Any]:
    return [node, *(part for below in node.get("Plans", ()) for part in parts(below))]


@pytest.mark.parametrize(
    ("clauses", "limit", "stretches"),
    [([OFTEN], 200, 1), ([OFTEN, MARKED], 100, 1), ([OFTEN], FIRST, 2), ([SELDOM], 20, 2)],
)
def test_no_more_is_looked_through_than_is_needed(
    filled: tuple[Database, dict[int, Document]], clauses: list[Clause], limit: int, stretches: int
) -> None:
    database, made = filled
    if database.sqlite:
        pytest.skip("FTS5 goes from the newest down by itself")
    assert len(made) < COUNTED
    with database.reading() as db:
        (looked,) = [
            one for one in parts(plan(db, clauses, limit, run=True)[0]["Plan"]) if one["Node Type"] == "Recursive Union"
        ]
        assert looked["Actual Rows"] == 1 + stretches


def test_words_titles_and_times_are_looked_up_in_one_index(filled: tuple[Database, dict[int, Document]]) -> None:
    database, _ = filled
    if database.sqlite:
        pytest.skip("FTS5 goes from the newest down by itself")
    with database.reading() as db:
        db.execute(text("SET LOCAL enable_seqscan = off"))
        every = parts(plan(db, [MARKED, TITLED], 20, run=False)[0]["Plan"])
        (scan,) = [one for one in every if one["Node Type"] == "Bitmap Index Scan"]
    assert scan["Index Name"] == "ix_post_index_stems"
    assert all(part in scan["Index Cond"] for part in ("(stems @@", "ts_filter(stems", "ARRAY[((id >> 44)"))
