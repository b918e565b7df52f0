"""Conversations are kept while direct posts are written, arrive and go."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, arriving, blocks, composing, conversations, events, leaving, removing
from models.actors import PUBLIC, Actor
from models.arriving import RemotePost
from models.conversations import Conversation
from models.database import Database
from models.events import Event, EventKind
from models.posts import Draft, Post, Visibility, get
from tests.federation.elsewhere import remote
from tests.server.visiting import person


def direct(author: Actor, to: list[Actor], number: int = 1, **what: Any) -> RemotePost:
    uris = [actor.uri for actor in to]
    values = {
        "uri": f"{author.uri}/statuses/{number}",
        "author": author,
        "visibility": Visibility.DIRECT,
        "published": datetime(2026, 11, 20, 12, number, tzinfo=UTC),
        "content": "<p>Kaffe?</p>",
        "to": uris,
        "mentions": uris,
        **what,
    }
    return RemotePost(**values)


def of(db: Session, name: str) -> list[tuple[int, bool]]:
    """(last post, unread) of somebody's conversations, newest first."""
    me = person(db, name)
    return [(post.id, row.unread) for row, post in conversations.page(db, me)]


def do(database: Database, work: Callable[[Session], None]) -> None:
    database.write(work)


def test_a_direct_post_from_elsewhere_is_unread_for_each_it_names(lived_in: Database) -> None:
    def work(db: Session) -> None:
        jonas = remote(db, "b.example")
        post, _ = arriving.record_remote(db, direct(jonas, [person(db, "anna"), person(db, "birk")]))
        assert of(db, "anna") == of(db, "birk") == [(post.id, True)]
        assert of(db, "eva") == []
        rows = conversations.page(db, person(db, "anna"))
        (others,) = conversations.participants(db, rows).values()
        assert {actor.handle for actor in others} == {jonas.handle, person(db, "birk").handle}

    do(lived_in, work)


def test_what_is_not_direct_makes_no_conversation(lived_in: Database) -> None:
    def work(db: Session) -> None:
        jonas = remote(db, "b.example")
        for number, visibility in enumerate(set(Visibility) - {Visibility.DIRECT}, 1):
            post = direct(jonas, [person(db, "anna")], number, visibility=visibility)
            arriving.record_remote(db, replace(post, to=[PUBLIC, *post.to]))
        assert of(db, "anna") == []

    do(lived_in, work)


def test_the_same_post_twice_is_one_conversation_that_was_read(lived_in: Database) -> None:
    def work(db: Session) -> None:
        post = direct(remote(db, "b.example"), [person(db, "anna")])
        row, _ = arriving.record_remote(db, post)
        found = conversations.page(db, person(db, "anna"))[0][0]
        conversations.set_unread(db, found, False)
        arriving.record_remote(db, post)
        assert of(db, "anna") == [(row.id, False)]

    do(lived_in, work)


def test_an_older_post_that_comes_late_does_not_become_the_last(lived_in: Database) -> None:
    def work(db: Session) -> None:
        jonas, anna = remote(db, "b.example"), person(db, "anna")
        first, _ = arriving.record_remote(db, direct(jonas, [anna], 1))
        third, _ = arriving.record_remote(db, direct(jonas, [anna], 30, in_reply_to_uri=first.uri))
        arriving.record_remote(db, direct(jonas, [anna], 2, in_reply_to_uri=first.uri))
        assert of(db, "anna") == [(third.id, True)]

    do(lived_in, work)


def test_two_threads_that_turn_out_to_be_one_become_one_conversation(lived_in: Database) -> None:
    def work(db: Session) -> None:
        jonas, anna = remote(db, "b.example"), person(db, "anna")
        early = direct(jonas, [anna], 1)
        late, _ = arriving.record_remote(db, direct(jonas, [anna], 2, in_reply_to_uri=early.uri))
        first, _ = arriving.record_remote(db, early)
        db.expire_all()
        assert late.thread_id == first.id
        assert of(db, "anna") == [(late.id, True)]
        assert db.scalars(select(Conversation.thread_id).where(Conversation.account_id == anna.id)).all() == [first.id]

    do(lived_in, work)


def test_who_blocked_the_author_gets_no_conversation(lived_in: Database) -> None:
    def work(db: Session) -> None:
        jonas = remote(db, "b.example")
        blocks.block(db, person(db, "anna"), jonas)
        arriving.record_remote(db, direct(jonas, [person(db, "anna"), person(db, "birk")]))
        assert db.scalars(select(Conversation.account_id)).all() == [person(db, "birk").id]

    do(lived_in, work)


def test_each_of_its_people_hears_of_a_new_last_post(lived_in: Database) -> None:
    def work(db: Session) -> None:
        composing.note(db, person(db, "anna"), Draft(text="@birk Kaffe?", visibility="direct"))
        told = db.scalars(select(Event.account_id).where(Event.kind == EventKind.CONVERSATION))
        assert set(told) == {person(db, "anna").id, person(db, "birk").id}

    assert events.EventKind.CONVERSATION
    do(lived_in, work)


def test_with_its_last_post_a_conversation_is_gone(lived_in: Database) -> None:
    def work(db: Session) -> None:
        anna = person(db, "anna")
        post = composing.note(db, anna, Draft(text="@birk Kaffe?", visibility="direct"))
        removing.delete_post(db, anna, post)
        assert db.scalars(select(Conversation)).all() == []

    do(lived_in, work)


def test_when_somebody_elsewhere_is_gone_so_are_his_conversations(lived_in: Database) -> None:
    def work(db: Session) -> None:
        jonas, anna = remote(db, "b.example"), person(db, "anna")
        arriving.record_remote(db, direct(jonas, [anna], 1))
        leaving.gone(db, jonas)
        assert of(db, "anna") == []

    do(lived_in, work)


def test_many_who_answer_at_once_leave_one_conversation_each(lived_in: Database) -> None:
    names = ["birk", "camilla", "david", "eva", "farid"]
    text = " ".join(f"@{name}" for name in names) + " Kaffe?"

    def start(db: Session) -> int:
        return composing.note(db, person(db, "anna"), Draft(text=text, visibility="direct")).id

    first = lived_in.write(start)

    def answer(name: str) -> int:
        def work(db: Session) -> int:
            draft = Draft(text="Ja! @anna", visibility="direct")
            return composing.note(db, person(db, name), draft, reply_to=get(db, first)).id

        return lived_in.write(work)

    with ThreadPoolExecutor(len(names)) as pool:
        answers = list(pool.map(answer, names))
    with lived_in.reading() as db:
        assert of(db, "anna") == [(max(answers), True)]
        rows = db.scalars(select(Conversation.account_id)).all()
        assert sorted(rows) == sorted(actors.find(db, name).id for name in ["anna", *names])  # type: ignore[union-attr]
        assert db.scalar(select(Post.reply_count).where(Post.id == first)) == len(names)


def test_what_somebody_kept_for_himself_goes_with_his_account(lived_in: Database) -> None:
    from models import announcements, bookmarks, featured_tags, filters, lists, markers, tag_follows

    def keep(db: Session) -> None:
        me = person(db, "eva")
        post = composing.note(db, person(db, "anna"), Draft(text="@eva Kaffe?", visibility="direct"))
        bookmarks.add(db, me.id, post)
        row = filters.create(db, me.id, "x", ["home"])
        filters.add_keyword(db, row, "x")
        filters.add_status(db, row, post)
        lists.add(db, lists.create(db, me.id, "x"), [person(db, "anna").id])
        markers.put(db, me.id, "home", 1)
        tag_follows.follow(db, me.id, "x")
        featured_tags.add(db, me.id, "x")
        news = announcements.announce(db, "x")
        announcements.dismiss(db, me.id, news)
        announcements.react(db, me.id, news, "🎉")
        leaving.delete_local(db, me)
        tables = (
            bookmarks.Bookmark, filters.Filter, filters.FilterKeyword, filters.FilterStatus, lists.List, lists.Member,
            markers.Marker, tag_follows.TagFollow, featured_tags.FeaturedTag, announcements.Dismissal,
            announcements.Reaction,
        )  # fmt: skip
        assert [table.__tablename__ for table in tables if db.scalars(select(table)).first() is not None] == []
        assert db.scalars(select(Conversation.account_id)).all() == [person(db, "anna").id]

    do(lived_in, keep)
