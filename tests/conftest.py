"""What every test may use: a fresh database of the kind under test, and the one fictional world in it.

`TORV_TEST_DATABASE_URL` (a PostgreSQL server on which databases may be made) runs the same tests there; without it they
run on SQLite. A database is copied from a template per test, so no test sees another's rows.
"""

import gc
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine, make_url, text

from models import accounts, actor_keys, actors, base
from models.actors import ActorType
from models.base import clock
from models.database import Database, Node
from models.tables import metadata
from tests import engines, keys, memory, world

NODE = Node("https://a.example", "a.example")

# What is made up is not thrown away because the machine is busy.
settings.register_profile("torv", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("torv")


ON_POSTGRES = pytest.mark.skipif(
    not os.environ.get("TORV_TEST_DATABASE_URL"), reason="about PostgreSQL: run beside one (python -m tests.postgres)"
)
"""Marks what SQLite has no part in."""

DATABASES = {"templates", "ground", "cluster"}
"""Fixtures behind every test that has a database: in this process, in nodes of its own, or on machines."""


@pytest.hookimpl(trylast=True)  # after those who were asked for have been chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only tests that touch a database run: the others were run beside SQLite, and would say the same. Of
    the cases of a test that are `alike` the first runs."""
    if not os.environ.get("TORV_TEST_DATABASE_URL"):
        return
    kept, left, seen = [], [], set()
    for item in items:
        touches = bool(DATABASES & set(getattr(item, "fixturenames", ())))
        name = item.nodeid.partition("[")[0]
        if touches and not (item.get_closest_marker("alike") and name in seen):
            kept.append(item)
            seen.add(name)
        else:
            left.append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is there once all tests are found stays to the end: looking through it for garbage again and again takes a
    quarter of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
        gc.set_threshold(10_000, 20, 20)


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture(autouse=True, scope="session")
def _ready_made_keys() -> Iterator[None]:
    """Making an RSA key takes a tenth of a second; tests draw from a drawer of ready-made ones."""
    patch = pytest.MonkeyPatch()
    patch.setattr(actor_keys, "new_key_pair", keys.draw)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _made_once() -> Iterator[None]:
    """Engines share what they compile, and a password is hashed in no time: a good hash takes a fiftieth of a second, and
    every test has people in it."""
    patch = pytest.MonkeyPatch()
    engines.share(patch)
    patch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    """Whoever shifts the clock finds it right again, and the next id is one of today."""
    yield
    clock.offset = 0.0
    base._last = 0


def pytest_configure() -> None:
    """Temporary folders lie in memory where there is room."""
    if roomy := memory.folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(roomy))


class Templates:
    """Makes fresh databases as copies of a template, on SQLite or PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = os.environ.get("TORV_TEST_DATABASE_URL", "")
        self.made: dict[str, str] = {}
        self.run = secrets.token_hex(4)

    def fresh(self, name: str, node: Node, fill: Callable[[Database], object]) -> tuple[str, Callable[[], None]]:
        """(url of a copy of template `name`, how to throw it away)."""
        if name not in self.made:
            self.made[name] = self._new(f"template_{name}")
            database = Database(self.made[name], node)
            metadata.create_all(database.engine)
            fill(database)
            database.close()
        copy = f"copy_{secrets.token_hex(6)}"
        if self.server:
            template = make_url(self.made[name]).database
            self._admin(f"CREATE DATABASE torv_{self.run}_{copy} TEMPLATE {template} STRATEGY FILE_COPY")
            return self._url(copy), lambda: self._admin(f"DROP DATABASE torv_{self.run}_{copy} WITH (FORCE)")
        path = self.folder / f"{copy}.db"
        shutil.copyfile(make_url(self.made[name]).database or "", path)
        return f"sqlite:///{path}", lambda: _remove(path)

    def _new(self, name: str) -> str:
        if self.server:
            self._admin(f"CREATE DATABASE torv_{self.run}_{name}")
            return self._url(name)
        return f"sqlite:///{self.folder / name}.db"

    def _url(self, name: str) -> str:
        url = make_url(self.server).set(database=f"torv_{self.run}_{name}", drivername="postgresql+psycopg")
        return url.render_as_string(hide_password=False)

    def _admin(self, statement: str) -> None:
        with self._administering.connect() as connection:
            connection.execute(text(statement))

    @cached_property
    def _administering(self) -> Engine:
        """One connection for all that is made and thrown away: opening one for each would cost as much again."""
        url = make_url(self.server).set(drivername="postgresql+psycopg")
        return create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)

    def close(self) -> None:
        """Throw the templates away."""
        if self.server:
            for url in self.made.values():
                self._admin(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")
            self._administering.dispose()


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    """The maker of fresh databases."""
    made = Templates(tmp_path_factory.mktemp("databases"))
    yield made
    made.close()


def _set_up(database: Database) -> None:
    database.write(lambda db: actors.create_local(db, database.node.domain, ActorType.APPLICATION))


@pytest.fixture
def new_database(templates: Templates) -> Iterator[Callable[[Node], Database]]:
    """Fresh databases for nodes with names of their own, set up and otherwise empty."""
    opened: list[tuple[Database, Callable[[], None]]] = []

    def make(node: Node) -> Database:
        url, drop = templates.fresh(f"empty_{abs(hash(node.origin))}", node, _set_up)
        opened.append((Database(url, node), drop))
        return opened[-1][0]

    yield make
    for database, drop in opened:
        database.close()
        drop()


@pytest.fixture
def database(new_database: Callable[[Node], Database]) -> Database:
    """A node `a.example`, set up, with nobody on it."""
    return new_database(NODE)


def _live_in(database: Database) -> None:
    _set_up(database)
    database.write(world.build)


def _lived_in(templates: Templates) -> Iterator[Database]:
    url, drop = templates.fresh("world", NODE, _live_in)
    made = Database(url, NODE)
    yield made
    made.close()
    drop()


@pytest.fixture
def lived_in(templates: Templates) -> Iterator[Database]:
    """A node `a.example` with the fictional world of `tests/world.py`."""
    yield from _lived_in(templates)


@pytest.fixture(scope="module")
def looked_at(templates: Templates) -> Iterator[Database]:
    """The same for all tests of a module that only look."""
    yield from _lived_in(templates)
