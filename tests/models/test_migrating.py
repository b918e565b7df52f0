"""The schema's versions: migrated databases have what the code expects, and no release runs on another's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from models import migrating
from models.database import Database
from models.search.store import STORES, is_mapped
from models.tables import metadata
from tests import world
from tests.conftest import NODE, Templates


@pytest.fixture
def bare(templates: Templates) -> Iterator[Database]:
    """A database without any table."""
    url, drop = templates.fresh("bare", NODE, lambda database: metadata.drop_all(database.engine))
    database = Database(url, NODE)
    yield database
    database.close()
    drop()


def test_a_migrated_database_has_exactly_the_tables_of_the_code(bare: Database) -> None:
    assert migrating.current(bare) is None
    assert migrating.upgrade(bare)
    with bare.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_mapped})
        assert compare_metadata(context, metadata) == []
    assert migrating.current(bare) == migrating.head()


def test_what_is_searched_has_the_index_of_the_code(bare: Database) -> None:
    migrating.upgrade(bare)
    if bare.sqlite:
        pytest.skip("what is searched is an index itself")
    said = text(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('post_index', 'actor_index') ORDER BY 1"
    )
    with bare.engine.begin() as connection:
        migrated = connection.execute(said).all()
        for store in STORES:
            store.make(connection)
        assert connection.execute(said).all() == migrated


def test_migrating_twice_does_nothing_the_second_time(bare: Database) -> None:
    migrating.upgrade(bare)
    assert not migrating.upgrade(bare)


def test_the_world_fits_into_a_migrated_database_which_can_go_down_and_up_again(bare: Database) -> None:
    """T137"""
    migrating.upgrade(bare)
    bare.write(lambda db: world.build(db).questions["loebere"].id)
    migrating.downgrade(bare, "base")
    with bare.engine.connect() as connection:
        assert not inspect(connection).has_table("posts")
    migrating.upgrade(bare)
    bare.write(lambda db: world.build(db).questions["loebere"].id)


def test_a_migration_that_breaks_off_leaves_the_old_schema_and_can_be_started_again(
    bare: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T137"""
    from alembic.operations import Operations

    make, tables = Operations.create_table, 0

    def break_off(self: Operations, *args: object, **kwargs: object) -> object:
        nonlocal tables
        tables += 1
        if tables == 5:
            raise KeyboardInterrupt
        return make(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("alembic.op.create_table", lambda *a, **k: break_off(_operations(), *a, **k))
    with pytest.raises(KeyboardInterrupt):
        migrating.upgrade(bare)
    monkeypatch.undo()
    assert tables == 5
    assert migrating.current(bare) is None
    with bare.engine.connect() as connection:
        assert not inspect(connection).has_table("actors")
    assert migrating.upgrade(bare)


def _operations() -> object:
    from alembic import op

    return op._proxy  # type: ignore[attr-defined]


def test_a_newer_schema_is_refused(bare: Database) -> None:
    """T137"""
    migrating.upgrade(bare)
    with bare.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrating.SchemaTooNew, match="9999"):
        migrating.require(bare)
    with pytest.raises(migrating.SchemaTooNew):
        migrating.upgrade(bare)


def test_an_empty_database_is_refused_with_what_to_do(bare: Database) -> None:
    with pytest.raises(migrating.SchemaTooOld, match="torv init"):
        migrating.require(bare)


def test_versions_are_numbered_without_a_gap() -> None:
    assert migrating.versions() == [f"{number:04d}" for number in range(1, len(migrating.versions()) + 1)]
    for file in Path(migrating.FOLDER / "versions").glob("*.py"):
        assert f'revision = "{file.name[:4]}"' in file.read_text()
