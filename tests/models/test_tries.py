"""Tries are counted for all processes together: not one too many, whoever asks where."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import tries
from models.base import clock, now
from models.database import Database
from models.tries import Spent, Tries


@pytest.fixture
def second(database: Database) -> Iterator[Database]:
    """What another process of the node holds."""
    other = Database(database.url.render_as_string(hide_password=False), database.node)
    yield other
    other.close()


def spend(database: Database, who: str = "anna", *, times: int = 25, seconds: int = 300, wanted: int = 1) -> Spent:
    return database.write(lambda db: tries.spend(db, "test", who, times=times, seconds=seconds, wanted=wanted))


@pytest.mark.parametrize("wanted", [1, 5])
def test_two_processes_with_two_hundred_at_once_give_not_one_too_many(
    database: Database, second: Database, wanted: int
) -> None:
    def attempt(number: int) -> int:
        return spend((database, second)[number % 2], wanted=wanted).taken

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(200))) == 25
    assert spend(second, "bo").taken == 1


def test_a_try_comes_free_when_its_time_is_over(database: Database) -> None:
    first = spend(database, times=2)
    assert (first.taken, first.left) == (1, 1)
    clock.offset += 200
    assert spend(database, times=2).taken == 1
    none = spend(database, times=2)
    assert (none.taken, none.left) == (0, 0)
    assert none.resets == pytest.approx(now().timestamp() + 100, abs=2)
    clock.offset += 101
    again = spend(database, times=2)
    assert (again.taken, again.left) == (1, 0)


def test_whoever_takes_several_leaves_most_for_the_others(database: Database) -> None:
    assert spend(database, times=80, wanted=64) == Spent(10, 70, pytest.approx(now().timestamp() + 300, abs=2))  # type: ignore[arg-type]
    assert spend(database, times=80, wanted=3).taken == 3
    assert [spend(database, times=20, wanted=64).taken for _ in range(2)] == [1, 1]


def test_who_tried_cannot_be_read_and_is_forgotten_in_time(database: Database) -> None:
    spend(database, "correct horse battery")
    with database.reading() as db:
        (row,) = db.scalars(select(Tries)).all()
    assert "horse" not in row.key
    assert row.expires_at <= now() + timedelta(seconds=300)
    assert database.write(lambda db: tries.sweep(db, 100)) == 0
    clock.offset += 301
    assert database.write(lambda db: tries.sweep(db, 100)) == 1


def test_rules_do_not_disturb_one_another(database: Database) -> None:
    work: Callable[..., Spent] = tries.spend
    assert database.write(lambda db: work(db, "one", "anna", times=1, seconds=60)).taken == 1
    assert database.write(lambda db: work(db, "two", "anna", times=1, seconds=60)).taken == 1
    assert database.write(lambda db: work(db, "one", "anna", times=1, seconds=60)).taken == 0
