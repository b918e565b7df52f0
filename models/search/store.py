"""Where stems are kept: FTS5 tables on SQLite, tsvector with a GIN index on PostgreSQL, behind the same four calls.

A row holds a title, a body, and marks: words with an underscore before them that say what the thing is (`_kquestion`,
`_c<community>`), so that a filter is a word like any other and both databases intersect it with the rest.

What is looked for is a list of clauses, all of which have to hold; a clause is a list of stems and marks of which one
has to be there. Words come from `words` only and are letters and digits, so nothing anybody types can be an operator.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, event, inspect, text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.orm import Session

from models.base import Base
from models.search import spans

MAX_PLACES = 16_000
"""PostgreSQL counts places no further."""

NO_LIMIT = 2**63 - 1
COUNTED = 5000
"""Rows of a word that are counted; all words that more have are as common."""


@dataclass(frozen=True)
class Document:
    """The stems and marks of one thing."""

    title: tuple[str, ...]
    body: tuple[str, ...]
    marks: tuple[str, ...]


@dataclass(frozen=True)
class Clause:
    """One of these has to be there. `begins`: as the beginning of a word; `titled`: in the title."""

    any: tuple[str, ...]
    begins: bool = False
    titled: bool = False

    @property
    def is_mark(self) -> bool:
        """Whether it is about what a thing is, not about what it says."""
        return all(word.startswith("_") for word in self.any)


@dataclass(frozen=True)
class Hit:
    """Something found: its id, and how well its words fit (greater is better; comparable within one answer)."""

    id: int
    fits: float


def is_sqlite(db: Session) -> bool:
    """Which of the two it is."""
    return db.get_bind().dialect.name == "sqlite"


def _parts(document: Document) -> tuple[str, ...]:
    """A document as FTS5 keeps it."""
    return tuple(" ".join(part) for part in (document.title, document.body, document.marks))


class Store:
    """One table of stems. `title`: how much more a word counts in a title."""

    def __init__(self, table: str, title: float) -> None:
        self.table, self.title = table, title
        self._kept = text(f"SELECT rowid, title, body, marks FROM {table} WHERE rowid IN :ids").bindparams(  # noqa: S608
            bindparam("ids", expanding=True)
        )

    def statements(self, dialect: Dialect) -> list[str]:
        """What makes the table."""
        if dialect.name == "sqlite":
            # `ascii` takes every other sign for a letter: words were cut before, and by one rule on both databases.
            tokenize = "ascii tokenchars '_'"
            return [f'CREATE VIRTUAL TABLE {self.table} USING fts5(title, body, marks, tokenize="{tokenize}")']
        return [
            f"CREATE TABLE {self.table} (id BIGINT PRIMARY KEY, stems TSVECTOR NOT NULL)",
            spans.index(self.table),
        ]

    def make(self, connection: Connection) -> None:
        """Make the table anew, empty."""
        self.drop(connection)
        for statement in self.statements(connection.dialect):
            connection.execute(text(statement))

    def drop(self, connection: Connection) -> None:
        """Remove the table, if it is there."""
        connection.execute(text(f"DROP TABLE IF EXISTS {self.table}"))

    def put(self, db: Session, documents: Mapping[int, Document]) -> None:
        """Keep documents, in place of what was kept under their ids."""
        if not documents:
            return
        if not is_sqlite(db):
            db.execute(
                text(
                    f"INSERT INTO {self.table} (id, stems) VALUES (:id, CAST(:stems AS tsvector)) "  # noqa: S608
                    f"ON CONFLICT (id) DO UPDATE SET stems = excluded.stems WHERE {self.table}.stems <> excluded.stems"
                ),
                [{"id": id, "stems": vector(document)} for id, document in documents.items()],
            )
            return
        kept = db.execute(self._kept, {"ids": list(documents)})
        before = {row[0]: tuple(row[1:]) for row in kept}
        changed = {id: one for id, one in documents.items() if before.get(id) != _parts(one)}
        self.remove(db, before.keys() & changed.keys())
        self.add(db, changed)

    def documents(self, connection: Connection) -> Iterator[tuple[int, Document]]:
        """Everything that is kept, as it was put in (SQLite; the other way keeps less than that)."""
        rows = connection.execution_options(yield_per=1000).execute(
            text(f"SELECT rowid, title, body, marks FROM {self.table} ORDER BY rowid")  # noqa: S608
        )
        for id, *parts in rows:
            title, body, marks = (tuple(part.split()) for part in parts)
            yield id, Document(title, body, marks)

    def add(self, db: Session, documents: Mapping[int, Document]) -> None:
        """Keep documents under ids that hold nothing yet."""
        if not documents:
            return
        if not is_sqlite(db):
            rows = [{"id": id, "stems": vector(document)} for id, document in documents.items()]
            db.execute(text(f"INSERT INTO {self.table} (id, stems) VALUES (:id, CAST(:stems AS tsvector))"), rows)  # noqa: S608
            return
        rows = [
            dict(zip(("id", "title", "body", "marks"), (id, *_parts(one)), strict=True))
            for id, one in documents.items()
        ]
        db.execute(
            text(f"INSERT INTO {self.table} (rowid, title, body, marks) VALUES (:id, :title, :body, :marks)"),  # noqa: S608
            rows,
        )

    def remove(self, db: Session, ids: Collection[int]) -> None:
        """Keep nothing under these ids any more."""
        column = "rowid" if is_sqlite(db) else "id"
        if ids:
            db.execute(text(f"DELETE FROM {self.table} WHERE {column} = :id"), [{"id": id} for id in ids])  # noqa: S608

    def newest(
        self, db: Session, clauses: Sequence[Clause], *, before: int | None = None, after: int = 0, limit: int
    ) -> list[int]:
        """Ids of what holds all clauses, those between `after` and `before`, newest first."""
        given = {"after": after, "before": NO_LIMIT if before is None else before, "most": limit}
        if is_sqlite(db):
            sql = f"{self._matching()} ORDER BY 1 DESC LIMIT :most"
            return list(db.scalars(text(sql), {**given, "asked": _fts5(clauses)}))
        query, asked = self._spanning(clauses)
        return list(db.scalars(query, {**given, **asked}))

    def weighed(self, db: Session, words: Sequence[Clause], ids: list[int], *, some: bool = False) -> list[Hit]:
        """How well some rows fit, in their order: BM25 on SQLite, ts_rank on PostgreSQL.

        `some`: they hold not all of the words. Ranking what was found, and not while finding, costs nothing for what is
        not wanted; FTS5's own bm25() counts every row of every mark before.
        """
        if not is_sqlite(db):
            # a mark has no place in the text, and would make nought of every word's
            rank = f"ts_rank('{{0, 0, {1 / self.title}, 1}}', stems, CAST(:words AS tsquery), 1)"
            sql = f"SELECT id, {rank} FROM {self.table} WHERE id = ANY(:ids)"  # noqa: S608
            values = {"ids": ids, "words": (" | " if some else " & ").join(map(_tsquery_clause, words))}
            ranks = {row[0]: row[1] for row in db.execute(text(sql), values)}
            return [Hit(id, ranks[id]) for id in ids if id in ranks]
        rows = db.execute(
            text(f"SELECT rowid, title, body FROM {self.table} WHERE rowid IN :ids").bindparams(  # noqa: S608
                bindparam("ids", expanding=True)
            ),
            {"ids": ids},
        ).all()
        fits = self._bm25(db, words, rows)
        return [Hit(id, fits[id]) for id in ids if id in fits]

    def _bm25(self, db: Session, words: Sequence[Clause], rows: Sequence[Any]) -> dict[int, float]:
        """Rare words count more, a word in the title as `title` of them, and long texts less."""
        rarity = [1 / math.log2(2 + self.count(db, [clause], most=COUNTED)) for clause in words]
        usual = sum(len(row[2]) for row in rows) / len(rows) + 1 if rows else 1.0
        found = {}
        for id, title, body in rows:
            padding = 1.2 * (0.25 + 0.75 * len(body) / usual)
            framed = f" {title} ", f" {body} "
            fits = 0.0
            for clause, rare in zip(words, rarity, strict=True):
                times = self.title * _times(framed[0], clause) + _times(framed[1], clause)
                fits += rare * times * 2.2 / (times + padding)
            found[id] = fits
        return found

    def count(self, db: Session, clauses: Sequence[Clause], *, most: int) -> int:
        """How many hold all clauses; counting ends at `most`."""
        given = {"after": 0, "before": NO_LIMIT, "most": most}
        if is_sqlite(db):
            sql = f"SELECT count(*) FROM ({self._matching()} LIMIT :most) AS found"  # noqa: S608
            return int(db.scalar(text(sql), {**given, "asked": _fts5(clauses)}) or 0)
        query, asked = self._spanning(clauses, counted=True)
        return int(db.scalar(query, {**given, **asked}) or 0)

    def ids(self, db: Session, after: int, limit: int) -> list[int]:
        """The ids under which something is kept, in order."""
        column = self._id(db)
        sql = f"SELECT {column} FROM {self.table} WHERE {column} > :after ORDER BY {column} LIMIT :most"  # noqa: S608
        return list(db.scalars(text(sql), {"after": after, "most": limit}))

    def _id(self, db: Session) -> str:
        return "rowid" if is_sqlite(db) else "id"

    def _matching(self) -> str:
        return f"SELECT rowid FROM {self.table} WHERE {self.table} MATCH :asked AND rowid > :after AND rowid < :before"  # noqa: S608

    def _spanning(self, clauses: Sequence[Clause], *, counted: bool = False) -> tuple[TextClause, dict[str, str]]:
        """The statement for PostgreSQL that looks for these clauses, and what it is asked."""
        asked = {
            name: " & ".join(_tsquery_clause(clause) for clause in clauses if clause.titled is titled)
            for name, titled in (("anywhere", False), ("titled", True))
        }
        given = {name: query for name, query in asked.items() if query}
        return spans.newest(self.table, tuple(given), counted=counted), given


def _times(stems: str, clause: Clause) -> int:
    """How often one of a clause's words stands among stems with a blank on either side."""
    return max(stems.count(f" {word}" if clause.begins else f" {word} ") for word in clause.any)


def _fts5(clauses: Iterable[Clause]) -> str:
    return " AND ".join(_fts5_clause(clause) for clause in clauses)


def _fts5_clause(clause: Clause) -> str:
    star = " *" if clause.begins else ""
    any_of = "(" + " OR ".join(f'"{word}"{star}' for word in clause.any) + ")"
    return f"(title : {any_of})" if clause.titled else any_of


def _tsquery_clause(clause: Clause) -> str:
    return "(" + " | ".join(f"'{word}'" + (":*" if clause.begins else "") for word in clause.any) + ")"


def vector(document: Document) -> str:
    """A document as PostgreSQL reads a tsvector."""
    parts = [f"'{word}':{min(at + 1, MAX_PLACES)}A" for at, word in enumerate(document.title)]
    begin = len(document.title) + 1
    parts += [f"'{word}':{min(at + begin, MAX_PLACES)}B" for at, word in enumerate(document.body)]
    parts += [f"'{word}'" for word in document.marks]
    return " ".join(parts)


POSTS = Store("post_index", title=5.0)
ACTORS = Store("actor_index", title=5.0)
STORES = (POSTS, ACTORS)


def _kept_by_search(name: str) -> bool:
    """Whether a table is one of these, or of those that FTS5 makes behind them."""
    return any(name == store.table or name.startswith(store.table + "_") for store in STORES)


def is_mapped(name: str | None, kind: str, _parents: Any) -> bool:
    """For Alembic's `include_name`: all but the tables here, which no mapped class stands for."""
    return kind != "table" or name is None or not _kept_by_search(name)


@event.listens_for(Base.metadata, "after_create")
def _make_all(_metadata: Any, connection: Connection, **_how: Any) -> None:
    for store in STORES:
        if not inspect(connection).has_table(store.table):
            store.make(connection)


@event.listens_for(Base.metadata, "before_drop")
def _drop_all(_metadata: Any, connection: Connection, **_how: Any) -> None:
    for store in STORES:
        store.drop(connection)
