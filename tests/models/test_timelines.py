"""Timelines: what comes into them, and that leafing through meets everything exactly once, in both directions."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.orm import Session

from models import base, composing, feeds, follows, lists, reactions, tag_follows, threads, timelines
from models.actors import Actor, by_handle
from models.base import clock, made_at
from models.database import Database
from models.posts import Draft, Post, Visibility
from models.statuses import Item
from models.windows import Window

T = TypeVar("T")
Read = Callable[[Session, Window], Sequence[Item | Post]]


def actor(db: Session, name: str) -> Actor:
    """Somebody of the world."""
    found = by_handle(db, name)
    assert found is not None
    return found


def at(one: Item | Post) -> int:
    """The cursor of a row."""
    return one.id if isinstance(one, Post) else one.at


def downwards(db: Session, read: Read, limit: int) -> list[int]:
    """Every cursor from the newest on, by `max_id`."""
    found: list[int] = []
    before = None
    while rows := read(db, Window(before, limit=limit)):
        found += [at(one) for one in rows]
        before = at(rows[-1])
    return found


def upwards(db: Session, read: Read, limit: int) -> list[int]:
    """Every cursor from the oldest on, by `min_id`; given back newest first."""
    found: list[int] = []
    after = 0
    while rows := read(db, Window(after=after, limit=limit)):
        found = [at(one) for one in rows] + found
        after = at(rows[0])
    return found


def reads(db: Session) -> dict[str, Read]:
    """The timelines of birk, who follows people and communities and has a list."""
    birk = actor(db, "birk")
    row = lists.mine(db, birk.id)[0]
    group = actor(db, "udfordrere")
    return {
        "home": lambda db, window: timelines.home(db, birk, window),
        "public": lambda db, window: timelines.public(db, birk, window),
        "tag": lambda db, window: timelines.tag(db, birk, "regler", window, any=["vinter"]),
        "list": lambda db, window: timelines.of_list(db, birk, lists.member_ids(row), window),
        "person": lambda db, window: timelines.of_actor(db, birk, actor(db, "anna"), window),
        "community": lambda db, window: timelines.of_actor(db, birk, group, window),
        "direct": lambda db, window: timelines.direct(db, birk, window),
    }


def prepare(db: Session) -> None:
    """Much of everything, over some weeks."""
    people = [actor(db, name) for name in ("anna", "camilla", "david", "eva")]
    written: list[Post] = []
    for number in range(24):
        clock.offset = (number - 30) * 86_400.0
        who = people[number % 4]
        if number % 5 == 0:
            draft = Draft("Tekst", f"Spørgsmål nummer {number}?")
            written.append(threads.ask(db, who, actor(db, "udfordrere"), draft))
        elif number % 3 == 0 and written:
            written.append(threads.reply(db, who, written[-1], Draft("Svar #vinter")))
        else:
            visibility = Visibility.DIRECT if number % 7 == 0 else Visibility.PUBLIC
            written.append(composing.note(db, who, Draft(f"Note {number} #vinter @birk", visibility=visibility)))
        for booster in people[: number % 3]:
            target = written[-1 - number % 2] if len(written) > 1 else written[-1]
            if target.visibility == Visibility.PUBLIC:
                reactions.boost(db, booster, target)
    clock.offset = 0.0
    birk = actor(db, "birk")
    row = lists.create(db, birk.id, "Gode folk")
    for name in ("anna", "camilla", "udfordrere"):
        follows.request(db, birk, actor(db, name))
        lists.add(db, row, [actor(db, name).id])
    tag_follows.follow(db, birk.id, "vinter")


@pytest.fixture
def time_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids follow a clock that goes back; else they only ever grow."""
    monkeypatch.setattr(base, "_last", 0)


@pytest.fixture
def prepared(lived_in: Database, time_travel: None) -> Database:
    """The world with much of everything in it."""
    lived_in.write(prepare)
    return lived_in


@pytest.mark.parametrize("name", ["home", "public", "tag", "list", "person", "community", "direct"])
def test_leafing_either_way_meets_everything_exactly_once(prepared: Database, name: str) -> None:
    with prepared.reading() as db:
        read = reads(db)[name]
        everything = [at(one) for one in read(db, Window(limit=500))]
        assert everything
        assert everything == sorted(set(everything), reverse=True)
        for limit in (1, 3, 7):
            assert downwards(db, read, limit) == everything
            assert upwards(db, read, limit) == everything


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_is_cut_out_of_the_whole(prepared: Database, data: st.DataObject) -> None:
    """Whatever bounds a client sends, it gets what one would cut out of the whole list by hand."""
    with prepared.reading() as db:
        read = reads(db)[data.draw(st.sampled_from(["home", "list", "public", "community"]))]
        everything = [at(one) for one in read(db, Window(limit=500))]
        bounds = st.none() | st.sampled_from([*everything, 0, everything[0] + 1, everything[-1] - 1])
        before, since, after = data.draw(bounds), data.draw(bounds), data.draw(bounds)
        limit = data.draw(st.integers(1, 10))
        left = [one for one in everything if before is None or one < before]
        left = [one for one in left if (since is None or one > since) and (after is None or one > after)]
        wanted = left[-limit:] if after is not None else left[:limit]
        assert [at(one) for one in read(db, Window(before, since, after, limit))] == wanted


def test_no_post_stands_in_home_twice_within_three_days(prepared: Database) -> None:
    with prepared.reading() as db:
        items = timelines.home(db, actor(db, "birk"), Window(limit=500))
    seen: dict[int, int] = {}
    for item in reversed(items):
        last = seen.get(item.post.id)
        assert last is None or made_at(item.at) - made_at(last) >= feeds.AGAIN
        seen[item.post.id] = item.at


def test_an_old_post_comes_again_when_somebody_boosts_it(lived_in: Database, time_travel: None) -> None:
    def work(db: Session) -> tuple[int, int]:
        clock.offset = -5 * 86_400.0
        old = composing.note(db, actor(db, "anna"), Draft("Gammelt"))
        clock.offset = 0.0
        follows.request(db, actor(db, "birk"), actor(db, "anna"))
        follows.request(db, actor(db, "birk"), actor(db, "eva"))
        fresh = composing.note(db, actor(db, "anna"), Draft("Nyt"))
        reactions.boost(db, actor(db, "eva"), old)
        reactions.boost(db, actor(db, "eva"), fresh)
        home = [item.post.id for item in timelines.home(db, actor(db, "birk"), Window(limit=200))]
        return home.count(old.id), home.count(fresh.id)

    assert lived_in.write(work) == (2, 1)


def _home(db: Session, name: str = "birk") -> set[int]:
    return {item.post.id for item in timelines.home(db, actor(db, name), Window(limit=100))}


def test_posts_with_a_followed_tag_come_home(lived_in: Database) -> None:
    def work(db: Session) -> None:
        eva = actor(db, "eva")
        follows.undo(db, actor(db, "birk"), eva)
        post = composing.note(db, eva, Draft("Sne #Vinter"))
        quiet = composing.note(db, eva, Draft("Sne #Vinter", visibility=Visibility.UNLISTED))
        assert post.id not in _home(db)
        tag_follows.follow(db, actor(db, "birk").id, "vinter")
        assert post.id in _home(db)
        assert quiet.id not in _home(db)

    lived_in.write(work)


def test_whom_one_has_on_an_exclusive_list_comes_only_there(lived_in: Database) -> None:
    def work(db: Session) -> None:
        birk, anna = actor(db, "birk"), actor(db, "anna")
        follows.request(db, birk, anna)
        post = composing.note(db, anna, Draft("Hej"))
        assert post.id in _home(db)
        row = lists.create(db, birk.id, "Anna", exclusive=True)
        lists.add(db, row, [anna.id])
        assert post.id not in _home(db)
        assert post.id in [item.post.id for item in timelines.of_list(db, birk, lists.member_ids(row), Window())]

    lived_in.write(work)


def test_wishes_of_a_follow_hold_for_boosts_and_languages(lived_in: Database) -> None:
    def work(db: Session) -> None:
        birk, anna = actor(db, "birk"), actor(db, "anna")
        wishes = follows.Wishes(show_boosts=False, languages=["da"])
        follows.request(db, birk, anna, wishes=wishes)
        danish = composing.note(db, anna, Draft("Hej", language="da"))
        english = composing.note(db, anna, Draft("Hello", language="en"))
        unsaid = composing.note(db, anna, Draft("?"))
        stranger = composing.note(db, actor(db, "farid"), Draft("Fra en anden"))
        reactions.boost(db, anna, stranger)
        assert {danish.id, unsaid.id} <= _home(db)
        assert not {english.id, stranger.id} & _home(db)

    lived_in.write(work)


@pytest.mark.parametrize(
    ("policy", "shown"), [("none", set()), ("list", {"member"}), ("followed", {"member", "followed"})]
)
def test_a_list_shows_replies_as_its_owner_wants(lived_in: Database, policy: str, shown: set[str]) -> None:
    def work(db: Session) -> set[str]:
        birk, anna, camilla = actor(db, "birk"), actor(db, "anna"), actor(db, "camilla")
        for one in (anna, camilla, actor(db, "eva")):
            follows.request(db, birk, one)
        follows.undo(db, birk, actor(db, "farid"))
        row = lists.create(db, birk.id, "To", replies_policy=policy)
        lists.add(db, row, [anna.id, camilla.id])
        answers = {
            name: composing.note(db, anna, Draft("Svar"), reply_to=composing.note(db, actor(db, to), Draft("Noget"))).id
            for name, to in (("member", "camilla"), ("followed", "eva"), ("stranger", "farid"), ("herself", "anna"))
        }
        found = timelines.of_list(db, birk, lists.member_ids(row), Window(limit=50), replies=policy)
        ids = {item.post.id for item in found}
        assert answers["herself"] in ids
        return {name for name, post_id in answers.items() if post_id in ids} - {"herself"}

    assert lived_in.write(work) == shown


def test_tags_are_combined(lived_in: Database) -> None:
    def work(db: Session) -> None:
        anna = actor(db, "anna")
        a = composing.note(db, anna, Draft("#aa")).id
        b = composing.note(db, anna, Draft("#bb")).id
        both = composing.note(db, anna, Draft("#aa #bb")).id

        def found(name: str, **how: list[str]) -> set[int]:
            return {post.id for post in timelines.tag(db, None, name, Window(limit=50), **how)}  # type: ignore[arg-type]

        assert found("aa") == {a, both}
        assert found("aa", any=["bb"]) == {a, b, both}
        assert found("AA", all=["bb"]) == {both}
        assert found("aa", none=["bb"]) == {a}

    lived_in.write(work)


def test_public_lists_can_be_narrowed(lived_in: Database) -> None:
    def work(db: Session) -> None:
        here = composing.note(db, actor(db, "anna"), Draft("Her"))
        there = composing.note(db, actor(db, "anna"), Draft("Der"))
        there.local = False
        there.attachments = [{"type": "Image", "url": "https://b.example/1.png"}]
        db.flush()

        def found(**how: bool) -> set[int]:
            return {post.id for post in timelines.public(db, None, Window(limit=100), **how)} & {here.id, there.id}

        assert found() == {here.id, there.id}
        assert found(local=True) == {here.id}
        assert found(remote=True) == {there.id}
        assert found(only_media=True) == {there.id}

    lived_in.write(work)


def test_a_muted_person_is_in_nobodys_way(lived_in: Database) -> None:
    def work(db: Session) -> None:
        from models import blocks

        birk, anna = actor(db, "birk"), actor(db, "anna")
        follows.request(db, birk, anna)
        post = composing.note(db, anna, Draft("Hej #vinter"))
        blocks.mute(db, birk, anna)
        assert post.id not in _home(db)
        assert post.id not in [one.id for one in timelines.public(db, birk)]
        assert post.id not in [one.id for one in timelines.tag(db, birk, "vinter")]

    lived_in.write(work)


def test_a_boost_for_followers_is_on_the_profile_for_followers_only(lived_in: Database) -> None:
    def work(db: Session) -> None:
        birk, anna, eva = actor(db, "birk"), actor(db, "anna"), actor(db, "eva")
        follows.request(db, birk, anna)
        post = composing.note(db, eva, Draft("Hej"))
        reactions.boost(db, anna, post, visibility=Visibility.FOLLOWERS)
        assert post.id in [item.post.id for item in timelines.of_actor(db, birk, anna)]
        assert post.id not in [item.post.id for item in timelines.of_actor(db, None, anna)]

    lived_in.write(work)


def test_home_costs_the_same_however_much_is_in_it(prepared: Database) -> None:
    counted: list[str] = []

    def count(*call: Any) -> None:
        if call[2].lstrip().startswith(("SELECT", "WITH")) and "pg_notify" not in call[2]:
            counted.append(call[2])

    costs = []
    for limit in (2, 40):
        with prepared.reading() as db:
            birk = actor(db, "birk")
            event.listen(db.get_bind(), "before_cursor_execute", count)
            counted.clear()
            assert timelines.home(db, birk, Window(limit=limit))
            costs.append(len(counted))
            event.remove(db.get_bind(), "before_cursor_execute", count)
    assert max(costs) <= 14  # four sources, each looked at and then, at most once here, further; posts and people
