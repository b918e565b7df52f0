"""Ids rise with time, through the turn at which a millisecond gets fewer of them, for as long as a node may live; and
what asks for a stretch of time by ids gets it on both sides of the turn."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from models import base, community_statistics, composing, feeds, follows, hashtags, reactions, statistics, threads
from models.actors import Actor, by_handle
from models.base import TURN, clock, first_id, made_at, new_id, now
from models.database import Database
from models.posts import Draft, Post
from models.windows import Window

MS = timedelta(milliseconds=1)
MOMENTS = st.integers(0, 4_320_000_000_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))


@pytest.fixture
def turn_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Let it be that time. Ids follow, also backwards."""

    def turn(to: datetime) -> None:
        clock.offset += (to - now()).total_seconds()
        monkeypatch.setattr(base, "_last", 0)

    return turn


def actor(db: Session, name: str) -> Actor:
    """Somebody of the world."""
    found = by_handle(db, name)
    assert found is not None
    return found


@pytest.mark.parametrize("at", [TURN - timedelta(days=1), TURN - MS, TURN, TURN + MS, datetime(2060, 6, 1, tzinfo=UTC)])
def test_ids_are_new_and_rise_whatever_the_year(at: datetime, turn_clock: Callable[[datetime], None]) -> None:
    turn_clock(at)
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(set(ids))
    assert ids[-1] < 2**63
    assert abs(made_at(ids[0]) - at) < timedelta(seconds=5)


def test_ids_are_the_same_as_ever_until_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base.secrets, "randbits", lambda bits: (1 << bits) - 1)
    assert new_id(datetime(2024, 2, 29, 12, 0, 0, 5000, tzinfo=UTC)) == 1709208000005 << 22 | 0x3FFFFF


def test_ids_go_on_without_a_gap_at_the_turn() -> None:
    assert first_id(TURN) == int(TURN.timestamp() * 1000) << 22
    assert first_id(TURN) - first_id(TURN - MS) == 1 << 22
    assert first_id(TURN + MS) - first_id(TURN) == 1 << 19
    assert made_at(first_id(TURN) - 1) == TURN - MS


def test_databases_hold_ids_into_the_next_century() -> None:
    assert first_id(datetime(2107, 6, 1, tzinfo=UTC)) < 2**63 < first_id(datetime(2107, 7, 1, tzinfo=UTC))


@given(at=MOMENTS, later=MOMENTS)
def test_the_first_id_of_a_moment_tells_it_and_keeps_the_order(at: datetime, later: datetime) -> None:
    assert abs(made_at(first_id(at)) - at) <= MS
    if later - at > MS:
        assert first_id(at) < first_id(later)


def test_posts_are_dated_back_among_their_contemporaries_but_never_ahead(
    turn_clock: Callable[[datetime], None],
) -> None:
    for present in (now(), TURN + timedelta(days=1), datetime(2060, 1, 1, tzinfo=UTC)):
        turn_clock(present)
        for back in (timedelta(hours=1), timedelta(days=2), timedelta(days=9999)):
            then = now() - back
            assert first_id(then) <= new_id(then) < first_id(then + 2 * MS)
        assert new_id(now() + timedelta(days=1)) < first_id(now() + timedelta(minutes=1)), "nobody can date ahead"


@pytest.mark.parametrize("passed", [-2.0, 0.5, 1.5, 3.5, 11000.0])
def test_a_boost_shows_a_post_again_after_three_days_also_at_the_turn(
    lived_in: Database, turn_clock: Callable[[datetime], None], passed: float
) -> None:
    """The last boosts are made `passed` days after the turn: of a post boosted a week ago, and of one 2.9 days ago."""
    last = TURN + timedelta(days=passed)

    def work(db: Session) -> tuple[int, int]:
        turn_clock(last - timedelta(days=14))
        old, other = (composing.note(db, actor(db, "anna"), Draft(text)) for text in ("Gammelt", "Andet"))
        follows.request(db, actor(db, "birk"), actor(db, "eva"))
        follows.request(db, actor(db, "birk"), actor(db, "camilla"))
        turn_clock(last - timedelta(days=7))
        reactions.boost(db, actor(db, "eva"), old)
        turn_clock(last - timedelta(days=2.9))
        reactions.boost(db, actor(db, "eva"), other)
        turn_clock(last)
        for post in (old, other):
            reactions.boost(db, actor(db, "camilla"), post)
        boosts = [item.post.id for item in feeds.home(db, actor(db, "birk"), Window(limit=200)) if item.through]
        return boosts.count(old.id), boosts.count(other.id)

    assert lived_in.write(work) == (2, 1)


@pytest.mark.parametrize("passed", [-0.5, 0.5, 3.5, 20.5, 11000.5])
def test_days_and_weeks_are_counted_right_also_at_the_turn(
    lived_in: Database, turn_clock: Callable[[datetime], None], passed: float
) -> None:
    today = TURN + timedelta(days=passed)

    def work(db: Session) -> None:
        community = actor(db, "udfordrere")
        eva = actor(db, "eva")
        for back in range(7):
            turn_clock(today - timedelta(days=back))
            for _ in range(back + 1):
                threads.ask(db, eva, community, Draft("Om #vendepunkt", title="Et spørgsmål"))
        turn_clock(today)
        days = hashtags.history(db, ["vendepunkt"])["vendepunkt"]
        assert [day.uses for day in days] == [1, 2, 3, 4, 5, 6, 7]
        assert [day.at for day in days] == [today.replace(hour=0) - timedelta(days=back) for back in range(7)]
        weeks = dict(community_statistics.of(db, community.id).weeks)
        monday = today.replace(hour=0) - timedelta(days=today.weekday())
        this = sum(back + 1 for back in range(7) if today - timedelta(days=back) >= monday)
        assert (weeks[monday], weeks[monday - timedelta(weeks=1)]) == (this, 28 - this)
        assert [week.posts for week in statistics.weeks(db)][:2] == [this, 28 - this]
        asked = db.query(Post).filter(Post.id >= first_id(today - timedelta(days=2, hours=1))).count()
        assert asked == 1 + 2 + 3

    lived_in.write(work)
