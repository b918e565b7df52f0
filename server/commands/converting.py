"""Taking everything from one kind of database to the other, and looking afterwards whether it arrived.

Rows go over a few thousand at a time, so memory does not grow with the node. While they pass, each is hashed as its
values, not as either database writes them; then the copy is read back and hashed again. A table has arrived when it has
as many rows, and the sum of their hashes is the same (a sum, because the two databases order text differently).

To PostgreSQL it is one transaction: interrupted at any point, it leaves an empty database. To SQLite it is a file beside
the place, which is given its name at the end.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Column, Connection, Table, TableClause, Text, column, func, insert, inspect, select, table, text
from sqlalchemy.exc import DBAPIError

from models import connections, migrating
from models.base import Json
from models.database import Database, complaint
from models.errors import Conflict, DomainError, Unavailable
from models.search import rebuilding
from models.search.store import STORES, vector
from models.tables import metadata
from server.commands import copying

if TYPE_CHECKING:
    import psycopg

BATCH = 2000
"""Rows in memory at once."""

OLDEST = 15
"""The oldest PostgreSQL we know our queries on."""

Row = tuple[Any, ...]
Passed = Callable[[int], None]
"""Hears how many more rows have passed."""

_encode = msgspec.json.Encoder().encode
NUL = b"\\u0000"
"""How the encoder writes the one sign that PostgreSQL has no room for."""


@dataclass
class Sum:
    """What is known of rows that passed by: how many, and the sum of their hashes."""

    rows: int = 0
    hashes: int = 0

    def add(self, encoded: bytes) -> None:
        """One more row."""
        self.rows += 1
        self.hashes += int.from_bytes(hashlib.blake2b(encoded, digest_size=16).digest())


@dataclass
class Copied:
    """What went over."""

    rows: dict[str, int] = field(default_factory=dict)
    searched: int = 0
    """What is found by searching: posts, people and communities."""
    cleaned: int = 0
    """Rows from which NUL signs were taken."""


def tables() -> list[Table]:
    """All tables, parents before their children."""
    return list(metadata.sorted_tables)


def to_postgres(source: Database, target: Database, passed: Passed) -> Copied:
    """Copy all of `source` (SQLite) into the empty `target`. Raises Conflict if that is not empty, or not all arrived."""
    copied = Copied()
    with source.engine.connect() as old, _said_plainly(), target.engine.begin() as new:
        connections.without_limits(new)
        new.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": migrating.LOCK})
        _require_empty_postgres(new)
        new.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        migrating.make(new)
        bring_back = _put_aside(new)
        sums = {}
        for one in tables():
            columns = _columns(one)
            with _copying_in(new, one.name, [found.name for found in columns]) as write:
                sums[one.name] = _pass(_rows(old, one), write, copied, passed)
        for store in STORES:
            with _copying_in(new, store.table, ["id", "stems"]) as write:
                for id, document in store.documents(old):
                    write((id, vector(document)))
                    copied.searched += 1
        for statement in bring_back:
            new.exec_driver_sql(statement)
        _set_sequences(old, new)
        new.exec_driver_sql("ANALYZE")
        copied.rows = _compare(new, sums, passed)
        found = sum(new.scalar(text(f"SELECT count(*) FROM {store.table}")) or 0 for store in STORES)  # noqa: S608
        if found != copied.searched:
            raise Conflict(f"Not everything arrived: {found} of {copied.searched} rows of the search.")
    return copied


def to_sqlite(source: Database, place: Path, passed: Passed) -> Copied:
    """Copy all of `source` (PostgreSQL) into a new file. Raises Conflict if there is one, or not all arrived."""
    if place.exists():
        raise Conflict(f"There is a database at {place} already.")
    unfinished = place.with_name(place.name + ".part")
    _remove(unfinished)
    copied = Copied()
    target = Database(f"sqlite:///{unfinished}", source.node)
    try:
        with (
            _said_plainly(),
            source.engine.connect().execution_options(isolation_level="REPEATABLE READ") as old,
            target.engine.connect() as new,
        ):
            unfinished.chmod(0o600)  # private keys and messages
            connections.without_limits(old)
            new.connection.cursor().execute("PRAGMA foreign_keys=OFF")  # parents may come after their children
            with new.begin():
                migrating.make(new)
                sums = {}
                for one in tables():
                    with _inserting(new, one) as write:
                        sums[one.name] = _pass(_rows(old, one), write, copied, passed)
                _set_sequences(old, new)
                copied.rows = _compare(new, sums, passed)
            new.connection.cursor().execute("PRAGMA foreign_keys=ON")
        copied.searched = _search_anew(target)
        target.close()
        copying.check_file(unfinished)
        unfinished.rename(place)
    finally:
        target.close()
        _remove(unfinished)
    return copied


def _require_empty_postgres(new: Connection) -> None:
    version = int(new.scalar(text("SHOW server_version_num")) or 0) // 10_000
    if version < OLDEST:
        raise Conflict(f"The server is PostgreSQL {version}; {OLDEST} or newer is needed.")
    encoding = new.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise Conflict(f"The database keeps text as {encoding}; make it with --encoding UTF8 --template template0.")
    there = inspect(new).get_table_names()
    if there:
        raise Conflict(f"The database is not empty (it has {', '.join(sorted(there)[:3])} …): make a new one.")


def _columns(one: Table) -> list[Column[Any]]:
    """The columns that are written; the others the database computes from them."""
    return [found for found in one.columns if found.computed is None]


def _plain(one: Table) -> TableClause:
    """The table with JSON as the text it is: nothing is read and written anew that need not be."""
    return table(one.name, *(column(c.name, Text() if isinstance(c.type, Json) else c.type) for c in _columns(one)))


def _rows(connection: Connection, one: Table) -> Iterator[Row]:
    for found in connection.execute(select(_plain(one)), execution_options={"yield_per": BATCH}):
        yield tuple(found)


def _pass(rows: Iterable[Row], write: Callable[[Row], None], copied: Copied, passed: Passed) -> Sum:
    """Write rows and sum them up."""
    total = Sum()
    for row in rows:
        encoded = _encode(row)
        if NUL in encoded and any(isinstance(value, str) and "\x00" in value for value in row):
            row = tuple(value.replace("\x00", "") if isinstance(value, str) else value for value in row)
            encoded = _encode(row)
            copied.cleaned += 1
        write(row)
        total.add(encoded)
        if total.rows % BATCH == 0:
            passed(BATCH)
    passed(total.rows % BATCH)
    return total


def _compare(connection: Connection, expected: dict[str, Sum], passed: Passed) -> dict[str, int]:
    """Read the copy back. Raises Conflict unless every table has the rows, and their values, that went over."""
    wrong = []
    for one in tables():
        found = _pass(_rows(connection, one), _nothing, Copied(), passed)
        if found.rows != expected[one.name].rows:
            wrong.append(f"{one.name} ({found.rows} of {expected[one.name].rows} rows)")
        elif found != expected[one.name]:
            wrong.append(f"{one.name} (other values)")
    if wrong:
        raise Conflict(f"Not everything arrived as it was: {', '.join(wrong)}.")
    return {name: total.rows for name, total in expected.items()}


def _nothing(_row: Row) -> None:
    """It is only looked at."""


@contextmanager
def _copying_in(new: Connection, name: str, columns: list[str]) -> Iterator[Callable[[Row], None]]:
    """PostgreSQL's COPY, several times as fast as INSERT."""
    raw: psycopg.Connection[Any] = new.connection.driver_connection  # type: ignore[assignment]
    named = ", ".join(f'"{one}"' for one in columns)
    with raw.cursor() as cursor, cursor.copy(f'COPY "{name}" ({named}) FROM STDIN') as copy:
        yield copy.write_row


@contextmanager
def _inserting(new: Connection, one: Table) -> Iterator[Callable[[Row], None]]:
    """SQLite's way: many rows with one statement."""
    into, names, waiting = insert(_plain(one)), [found.name for found in _columns(one)], []

    def write(row: Row) -> None:
        waiting.append(dict(zip(names, row, strict=True)))
        if len(waiting) >= BATCH:
            new.execute(into, waiting)
            waiting.clear()

    yield write
    if waiting:
        new.execute(into, waiting)


def _put_aside(new: Connection) -> list[str]:
    """Drop indexes and foreign keys while rows come in, which is several times as fast; what brings them back.

    Foreign keys are checked when they come back, all rows at once.
    """
    keys = new.execute(text(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    )).all()  # fmt: skip
    for owner, name, _ in keys:
        new.exec_driver_sql(f"ALTER TABLE {owner} DROP CONSTRAINT {name}")
    indexes = new.execute(text(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = current_schema()::regnamespace "
        "AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)"
    )).all()  # fmt: skip
    for name, _ in indexes:
        new.exec_driver_sql(f"DROP INDEX {name}")
    named = ", ".join(f'"{one.name}"' for one in tables())
    new.exec_driver_sql(f"TRUNCATE {named}")  # should a migration have put something in
    return [made for _, made in indexes] + [f"ALTER TABLE {owner} ADD CONSTRAINT {name} {made}" for owner, name, made in keys]  # fmt: skip


def _set_sequences(old: Connection, new: Connection) -> None:
    """Let numbers that the database gives out go on behind the highest that was ever given out."""
    for one in tables():
        numbered = one.autoincrement_column
        if numbered is None or not one.dialect_options["sqlite"]["autoincrement"]:
            continue
        last = max(_given_out(old, one), new.scalar(select(func.max(numbered))) or 0)
        if new.dialect.name == "sqlite":
            new.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": one.name})
            new.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), {"name": one.name, "last": last})
        else:
            sequence = func.pg_get_serial_sequence(one.name, numbered.name)
            new.execute(select(func.setval(sequence, max(last, 1), last > 0)))


def _given_out(old: Connection, one: Table) -> int:
    """The highest number that was given out, also if its row is gone."""
    if old.dialect.name == "sqlite":
        return old.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": one.name}) or 0
    numbered = one.autoincrement_column
    assert numbered is not None
    name = old.scalar(select(func.pg_get_serial_sequence(one.name, numbered.name)))
    return old.scalar(text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")) or 0  # noqa: S608


def _search_anew(target: Database) -> int:
    """PostgreSQL keeps too little of what is searched to take over: read everything again. How much is found now."""
    target.write(rebuilding.empty)
    for step in (rebuilding.next_posts, rebuilding.next_actors):
        after = 0
        while ids := target.write(lambda db, step=step, after=after: step(db, after)):  # type: ignore[misc]
            after = ids[-1]
    with target.reading() as db:
        return sum(db.scalar(text(f"SELECT count(*) FROM {store.table}")) or 0 for store in STORES)  # noqa: S608


def _remove(file: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + end).unlink(missing_ok=True)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """What PostgreSQL says of a value it does not take, in a sentence that names the table."""
    try:
        yield
    except DomainError:
        raise
    except Exception as error:
        diag = getattr(error.orig if isinstance(error, DBAPIError) else error, "diag", None)
        if diag is None:
            raise
        if diag.message_primary is None:
            cause = complaint(error) or str(error).strip()
            raise Unavailable(f"PostgreSQL cannot be reached ({cause}); nothing was changed.") from error
        where = (diag.context or diag.message_detail or "").partition("\n")[0]
        raise Conflict(f"PostgreSQL does not take everything: {diag.message_primary} ({where}).") from error
