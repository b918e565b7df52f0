"""The database: one engine per dialect, many readers, and writes that are committed before anybody hears yes.

On SQLite all writes of a process pass through one thread, which groups what waits into one commit: each unit of work
runs in its own savepoint, and its caller is answered after the group's commit. On PostgreSQL each unit of work has a
transaction of its own. Either way the caller hands over a *function*, so nobody can hold a transaction open while he
waits for the network.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from models import connections, fair
from models.errors import Unavailable
from models.stamps import PostgresStamps, SqliteStamps, Stamps

if TYPE_CHECKING:
    from models.heralds import Herald

T = TypeVar("T")
Work = Callable[[Session], T]

GROUP = 64
"""Most units of work in one SQLite commit."""

ATTEMPTS = 4
"""How often PostgreSQL work is tried when another process wrote the same row first."""


@dataclass(frozen=True)
class Node:
    """Who we are: `origin` is scheme and host of every id (`https://a.example`), `domain` that of our handles."""

    origin: str
    domain: str

    @property
    def host(self) -> str:
        """Host (and port) of `origin`, as it stands in ids."""
        return self.origin.split("://", 1)[1]

    @property
    def federates(self) -> bool:
        """Only a public https origin can be reached and verified by others; without one nothing is sent."""
        return self.origin.startswith("https://")


PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")


def is_passing(error: SQLAlchemyError) -> bool:
    """Whether an error is about the database's state (locked, full, unreachable) and not about what was asked.

    A full disk ends the whole transaction in SQLite, so that giving up its savepoints fails too: what counts is the
    error behind that one.
    """
    found: BaseException | None = error
    while found is not None:
        if _is_passing(found):
            return True
        found = found.__context__
    return False


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    sqlite_name = getattr(error.orig, "sqlite_errorname", None)
    if sqlite_name is not None:
        return str(sqlite_name).startswith(PASSING)
    return error.connection_invalidated or isinstance(error, OperationalError)


DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


def complaint(error: BaseException | None) -> str:
    """What the database itself says of its state, in one line without what was asked; empty for any other error."""
    if not isinstance(error, DBAPIError):
        return ""
    if is_passing(error) or str(getattr(error.orig, "sqlite_errorname", "")).startswith(DAMAGED):
        return str(error.orig).strip().partition("\n")[0]
    return ""


def node_of(db: Session) -> Node:
    """The node this session belongs to."""
    node: Node = db.info["node"]
    return node


TOPICS = frozenset({"jobs", "deliveries", "received", "events", "tokens"})
"""What somebody may wait for."""

Hear = Callable[[set[str]], None]


def wake(db: Session, topic: str) -> None:
    """Ask that listeners of `topic` hear of it once this session's work is committed, in every process of the node.

    On SQLite only in this one.
    """
    assert topic in TOPICS, topic
    db.info["wake"].add(topic)


class Watched(Session):
    """The sessions of a `Database`: who wants to know what all of them write listens to this class, once."""


def _herald(engine: Engine, address: URL | str, hear: Callable[[set[str] | None], None]) -> "Herald":
    from models.heralds import Herald  # loads the driver, which only PostgreSQL needs

    plain = make_url(address).set(drivername="postgresql")
    return Herald(engine, plain.render_as_string(hide_password=False), hear)


class Database:
    """`reading()` for queries, `write(work)` for changes. Thread-safe; close it at the end.

    `listen_url`: the way past a pooler that `url` leads to, for hearing other processes (PostgreSQL).
    """

    def __init__(
        self, url: str, node: Node, *, pool_size: int = 8, busy_timeout: float = 5.0, listen_url: str = ""
    ) -> None:
        self.node = node
        self.url = make_url(url)
        self._listeners: list[Hear] = []
        self._herald: Herald | None = None
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._patience = busy_timeout
        if self.sqlite:
            self._reader = self._sqlite_engine(pool_size, query_only=True)
            self._writer = self._sqlite_engine(1, query_only=False)
        else:
            if self.url.drivername in {"postgresql", "postgres"}:
                self.url = self.url.set(drivername="postgresql+psycopg")
            self._reader = self._writer = connections.engine(self.url, pool_size, pooled=bool(listen_url))
            self._herald = _herald(self._writer, listen_url or self.url, self._heard)
        self.stamps: Stamps = (
            SqliteStamps(str(self.url.database)) if self.sqlite else PostgresStamps(self.url, pooled=bool(listen_url))
        )
        self._queue: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def _sqlite_engine(self, pool_size: int, *, query_only: bool) -> Engine:
        engine = create_engine(self.url, pool_size=pool_size, max_overflow=0, connect_args={"check_same_thread": False})

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _record: Any) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves, else savepoints and IMMEDIATE do not work
            cursor = connection.cursor()
            for pragma in (
                f"busy_timeout={int(self._patience * 1000)}",
                "journal_mode=WAL",
                "synchronous=FULL",  # NORMAL loses commits when the power goes
                "foreign_keys=ON",
                "temp_store=MEMORY",
                "cache_size=-16000",
                *(["query_only=ON"] if query_only else []),
            ):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            if query_only:
                connection.exec_driver_sql("BEGIN")
            else:
                assert isinstance(connection.connection.dbapi_connection, sqlite3.Connection)
                fair.begin(connection.connection.dbapi_connection, self._patience)

        return engine

    @property
    def engine(self) -> Engine:
        """The engine that writes (migrations and backups use it)."""
        return self._writer

    def _session(self, bind: Engine | Connection, **how: Any) -> Session:
        from models import gap  # these know the tables, which know this module
        from models.search import keeping

        keeping.watch(Watched)
        gap.watch(Watched)
        return Watched(bind, expire_on_commit=False, info={"node": self.node, "wake": set()}, **how)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries; what it changes is thrown away.

        Raises Unavailable when the database does not answer in time.
        """
        try:
            with self._session(self._reader) as db:
                yield db
        except SQLAlchemyError as error:
            if is_passing(error):
                raise Unavailable() from error
            raise

    def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction and return its result after the commit.

        `work` may run again from the start when another process got in between, so it must not keep state outside.
        Raises what `work` raises (nothing is changed then), or Unavailable when the database cannot be written.
        """
        try:
            return self._grouped(work) if self.sqlite else self._alone(work)
        except SQLAlchemyError as error:
            if is_passing(error):
                raise Unavailable() from error
            raise

    def _alone(self, work: Work[T]) -> T:
        for attempt in range(ATTEMPTS):
            with self._session(self._writer) as db:
                try:
                    result = work(db)
                    db.commit()
                except DBAPIError as error:
                    db.rollback()
                    clash = isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", "") in {
                        "40001",
                        "40P01",
                    }
                    if not clash or attempt == ATTEMPTS - 1:
                        raise
                    continue
                self._tell(db.info["wake"])
                return result
        raise AssertionError("unreachable")

    def _grouped(self, work: Work[T]) -> T:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._write_loop, name="torv-writer", daemon=True)
                self._thread.start()
        waiting: Future[T] = Future()
        self._queue.put((work, waiting))
        return waiting.result()

    def _write_loop(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            stop = False
            while len(group) < GROUP:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                    break
                group.append(more)
            self._commit(group)
            if stop:
                return

    def _commit(self, group: list[tuple[Work[Any], Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        topics: set[str] = set()
        try:
            with self._writer.connect() as connection, connection.begin():
                # One alone needs no savepoint: without it there is nothing to commit.
                mode = "create_savepoint" if len(group) > 1 else "rollback_only"
                for work, waiting in group:
                    with self._session(connection, join_transaction_mode=mode) as db:
                        try:
                            result = work(db)
                            db.commit()
                        except BaseException as error:
                            if isinstance(error, SQLAlchemyError) and is_passing(error):
                                raise  # locked or full: the whole group has to hear of it
                            db.rollback()
                            waiting.set_exception(error)
                        else:
                            topics |= db.info["wake"]
                            done.append((waiting, result))
        except BaseException as error:
            for _, waiting in group:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        self._tell(topics)
        for waiting, result in done:
            waiting.set_result(result)

    def listen(self, hear: Hear) -> None:
        """From now on call `hear`, from whatever thread, with the topics that something was committed for."""
        self._listeners.append(hear)
        if self._herald is not None:
            self._herald.listen()

    def unlisten(self, hear: Hear) -> None:
        """Call it no longer."""
        self._listeners.remove(hear)

    def _tell(self, topics: set[str]) -> None:
        if topics:
            self._heard(topics)
            if self._herald is not None:
                self._herald.tell(topics)

    def _heard(self, topics: set[str] | None) -> None:
        """Something was committed, here or elsewhere; None: nobody knows for what."""
        for hear in list(self._listeners):
            hear(set(TOPICS) if topics is None else topics)

    def close(self) -> None:
        """Finish what waits and let go of all connections."""
        if self._herald is not None:
            self._herald.close()
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(timeout=30)
        self.stamps.close()
        self._reader.dispose()
        self._writer.dispose()
