"""Anonymous questions: their askers keep their rights and are told, and nobody learns who they are."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    accounts,
    anonymity,
    asking,
    communities,
    composing,
    follows,
    leaving,
    media,
    notifications,
    pins,
    posts,
    reactions,
    removing,
    threads,
    timelines,
)
from models.actors import Actor, RemoteActor, find, record_remote
from models.anonymity import AnonymousPost
from models.database import Database
from models.errors import Forbidden, Invalid
from models.notifications import Notification
from models.outbox import Activity
from models.posts import Draft, Post

SECRET = Draft("Min chef må ikke vide det.", "Hvordan siger I det til jeres chef?", anonymous=True)


def one(db: Session, name: str) -> Actor:
    found = find(db, name)
    assert found is not None
    return found


def ask(db: Session, draft: Draft = SECRET) -> Post:
    return threads.ask(db, one(db, "eva"), one(db, "udfordrere"), draft)


def told(db: Session, name: str) -> list[tuple[str, str]]:
    rows = notifications.of(db, one(db, name).id)
    return [(row.kind, who.username) for row, who, _ in rows]


def test_the_community_asks_through_an_actor_of_its_own(lived_in: Database) -> None:
    post = lived_in.write(ask)
    with lived_in.reading() as db:
        service = db.get_one(Actor, post.author_id)
        assert (service.type, service.username, service.uri) == (
            "Service",
            "anonym-udfordrere",
            "https://a.example/u/anonym-udfordrere",
        )
        assert not service.discoverable
        again = lived_in.write(lambda db: ask(db, Draft("x", "Og hvordan siger I det igen?", anonymous=True)))
        assert again.author_id == post.author_id


def test_what_goes_out_names_the_service_alone(lived_in: Database) -> None:
    def whole_way(db: Session) -> Post:
        eva, post = one(db, "eva"), ask(db)
        answer = threads.answer(db, one(db, "farid"), post, Draft("Sig det mandag."))
        threads.accept(db, eva, post, answer)
        threads.comment(db, eva, answer, Draft("Tak!", anonymous=True))
        composing.edit(db, eva, post, Draft("Ingen må vide det.", post.title))
        threads.withdraw(db, eva, post)
        removing.delete_post(db, eva, post)
        return post

    post = lived_in.write(whole_way)
    with lived_in.reading() as db:
        eva, service = one(db, "eva"), one(db, "anonym-udfordrere")
        thread = select(Post.id).where(Post.thread_id == post.id)
        rows = db.scalars(select(Activity).where(Activity.post_id.in_(thread))).all()
        made = {(row.type, row.actor_id) for row in rows if row.actor_id == service.id}
        assert {kind for kind, _ in made} >= {"Create", "ChooseAnswer", "Update", "Undo", "Delete"}
        for row in rows:
            assert row.actor_id != eva.id
            assert "/u/eva" not in f"{row.to} {row.cc} {row.data} {row.object_uri}"


def test_the_asker_is_told_as_any_asker_and_not_of_himself(lived_in: Database) -> None:
    def happen(db: Session) -> None:
        eva, post = one(db, "eva"), ask(db)
        db.execute(Notification.__table__.delete())
        answer = threads.answer(db, one(db, "farid"), post, Draft("Sig det mandag."))
        reactions.vote(db, one(db, "birk"), post)
        own = threads.comment(db, eva, answer, Draft("Tak!", anonymous=True))
        threads.comment(db, one(db, "farid"), own, Draft("Selv tak."))
        threads.comment(db, eva, own, Draft("Én ting til", anonymous=True))

    lived_in.write(happen)
    with lived_in.reading() as db:
        assert sorted(told(db, "eva")) == [("answer", "farid"), ("comment", "farid"), ("vote", "birk")]
        assert told(db, "farid") == [("comment", "anonym-udfordrere")]


def test_the_asker_keeps_an_authors_rights(lived_in: Database) -> None:
    def use(db: Session) -> None:
        eva, post = one(db, "eva"), ask(db)
        assert anonymity.wrote(db, eva, post)
        assert asking.may_turn(db, eva, post)
        answer = threads.answer(db, one(db, "farid"), post, Draft("Sig det mandag."))
        threads.accept(db, eva, post, answer)
        assert (post.accepted_id, post.accepted_by_id) == (answer.id, post.author_id)
        threads.turn(db, eva, threads.answer(db, one(db, "birk"), post, Draft("Hvorfor?")), posts.Kind.COMMENT)
        composing.edit(db, eva, post, Draft("Anderledes.", post.title))
        assert "Anderledes" in post.content
        removing.delete_post(db, eva, post)
        assert post.deleted_at is not None
        assert db.get(AnonymousPost, post.id) is None

    lived_in.write(use)


def refused(database: Database, work: Any, error: type[Exception]) -> None:
    with database.reading() as db:
        before = [(row.id, row.up, row.content) for row in db.scalars(select(Post).order_by(Post.id))]
    with pytest.raises(error):
        database.write(work)
    with database.reading() as db:
        assert [(row.id, row.up, row.content) for row in db.scalars(select(Post).order_by(Post.id))] == before


def test_what_would_name_him_he_cannot_do(lived_in: Database) -> None:
    post = lived_in.write(ask)
    refused(lived_in, lambda db: reactions.vote(db, one(db, "eva"), posts.get(db, post.id)), Forbidden)
    refused(lived_in, lambda db: pins.pin(db, one(db, "eva"), posts.get(db, post.id)), Forbidden)


def test_nobody_else_has_those_rights(lived_in: Database) -> None:
    post = lived_in.write(ask)
    answer = lived_in.write(lambda db: threads.answer(db, one(db, "farid"), posts.get(db, post.id), Draft("Mandag.")))
    edit = Draft("Kapret", post.title)
    for name in ("birk", "anna"):  # not even who administers the node
        refused(lived_in, lambda db, n=name: composing.edit(db, one(db, n), posts.get(db, post.id), edit), Forbidden)
        refused(lived_in, lambda db, n=name: removing.delete_post(db, one(db, n), posts.get(db, post.id)), Forbidden)
        accept = lambda db, n=name: threads.accept(db, one(db, n), posts.get(db, post.id), posts.get(db, answer.id))  # noqa: E731
        refused(lived_in, accept, Forbidden)
        hidden = Draft("Som om det var mig", anonymous=True)
        refused(lived_in, lambda db, n=name: threads.comment(db, one(db, n), posts.get(db, post.id), hidden), Forbidden)


def test_one_asks_anonymously_only_in_communities_of_this_node(lived_in: Database) -> None:
    there = RemoteActor("https://b.example/c/x", "Group", "x", "b.example", "https://b.example/c/x/inbox")
    lived_in.write(lambda db: record_remote(db, there))

    def elsewhere(db: Session) -> Post:
        return threads.ask(db, one(db, "eva"), one(db, "x@b.example"), SECRET)

    refused(lived_in, elsewhere, Invalid)
    refused(lived_in, lambda db: composing.note(db, one(db, "eva"), Draft("Hej", anonymous=True)), Invalid)


def test_the_rules_of_who_may_ask_hold_for_who_really_asks(lived_in: Database) -> None:
    def close(db: Session) -> None:
        communities.settings(db, one(db, "udfordrere")).moderators_only = True

    lived_in.write(close)
    refused(lived_in, ask, Forbidden)


def test_nobody_can_take_the_name(lived_in: Database) -> None:
    def sign_up(db: Session) -> None:
        accounts.create(db, username="anonym-udfordrere", email="x@x.example", password="torvet-er-aabent", name="X")

    refused(lived_in, sign_up, Invalid)


def test_only_who_moderates_the_node_can_look_up_who_asked(lived_in: Database) -> None:
    post = lived_in.write(ask)
    with lived_in.reading() as db:
        eva = one(db, "eva")
        assert anonymity.authors(db, one(db, "anna"), [post.id]) == {post.id: eva.id}
        assert anonymity.authors(db, one(db, "camilla"), [post.id]) == {post.id: eva.id}
        for name in ("birk", "eva"):
            assert anonymity.authors(db, one(db, name), [post.id]) == {}
        assert anonymity.mine(db, eva.id, [post.id]) == {post.id}
        assert anonymity.mine(db, one(db, "anna").id, [post.id]) == set()


def test_it_stands_in_no_list_of_what_he_wrote_and_reaches_no_follower_of_his(lived_in: Database) -> None:
    post = lived_in.write(ask)
    with lived_in.reading() as db:
        eva = one(db, "eva")
        reader = next(actor for _, actor in follows.followers(db, eva.id) if actor.local)
        assert post.id not in {item.post.id for item in timelines.of_actor(db, reader, eva)}
        brought = [item for item in timelines.home(db, reader) if item.post.id == post.id]
        assert all(item.through is not None for item in brought)  # only through the community
        assert post.id not in {waiting.id for waiting in timelines.waiting(db, eva)}


def test_when_he_leaves_the_question_stays_and_is_nobodys(lived_in: Database) -> None:
    def leave(db: Session) -> int:
        eva, post = one(db, "eva"), ask(db)
        id = post.id
        row = media.Media(id=id + 1, account_id=eva.id, kind="image", purpose="post", state="ready", post_id=id)
        db.add(row)
        db.flush()
        leaving.delete_local(db, eva)
        return id

    post_id = lived_in.write(leave)
    with lived_in.reading() as db:
        assert db.get_one(Post, post_id).deleted_at is None
        assert db.scalars(select(AnonymousPost)).all() == []
        assert db.get_one(media.Media, post_id + 1).account_id is None
