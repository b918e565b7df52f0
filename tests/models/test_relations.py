"""Follows, blocks, communities and twins, and who may read what."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    access,
    actors,
    arriving,
    blocks,
    communities,
    composing,
    follows,
    leaving,
    listings,
    moderation,
    outbox,
    posts,
    reactions,
    removing,
    threads,
    timelines,
    twinning,
)
from models.actors import PUBLIC, Actor, RemoteActor
from models.arriving import RemotePost
from models.database import Database
from models.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from models.notifications import of as notices_of
from models.posts import Draft, Visibility

T = TypeVar("T")


@pytest.fixture
def do(lived_in: Database) -> Callable[[Callable[[Session], T]], T]:
    return lived_in.write


def local(db: Session, name: str) -> Actor:
    actor = actors.by_handle(db, name)
    assert actor is not None
    return actor


def stranger(db: Session, name: str = "tove", host: str = "m.example", **what: Any) -> Actor:
    uri = f"https://{host}/users/{name}"
    known = RemoteActor(
        uri=uri,
        type=what.pop("type", "Person"),
        username=name,
        domain=host,
        inbox=f"{uri}/inbox",
        shared_inbox=f"https://{host}/inbox",
        followers_uri=f"{uri}/followers",
        **what,
    )
    return actors.record_remote(db, known)


def remote_post(author: Actor, number: int = 1, **what: Any) -> RemotePost:
    return RemotePost(
        **{
            "uri": f"{author.uri}/statuses/{number}",
            "author": author,
            "visibility": Visibility.PUBLIC,
            "published": datetime(2026, 11, 20, 12, number % 60, tzinfo=UTC),
            "content": "<p>Sådan gør vi i Malmö.</p>",
            "to": [PUBLIC],
            **what,
        }
    )


def told(db: Session, type: str) -> list[outbox.Activity]:
    return list(db.scalars(select(outbox.Activity).where(outbox.Activity.type == type).order_by(outbox.Activity.id)))


def test_an_open_person_is_followed_at_once_and_says_accept(do: Any) -> None:
    def work(db: Session) -> None:
        tove = stranger(db)
        follow = follows.request(db, tove, local(db, "anna"), uri="https://m.example/follow/1")
        assert follow.state == "accepted"
        accept = told(db, "Accept")[-1]
        assert accept.data["embed"] == {
            "id": "https://m.example/follow/1",
            "type": "Follow",
            "actor": tove.uri,
            "object": "https://a.example/u/anna",
        }

    do(work)


def test_a_repeated_follow_hears_accept_again_and_counts_once(do: Any) -> None:
    def work(db: Session) -> None:
        tove, anna = stranger(db), local(db, "anna")
        before = follows.count_followers(db, anna.id)
        for number in (1, 2):
            follows.request(db, tove, anna, uri=f"https://m.example/follow/{number}")
        assert follows.count_followers(db, anna.id) == before + 1
        assert [a.data["embed"]["id"] for a in told(db, "Accept")][-2:] == [
            f"https://m.example/follow/{n}" for n in (1, 2)
        ]

    do(work)


def test_a_locked_person_is_asked_first_and_a_pending_follow_opens_nothing(do: Any) -> None:
    def work(db: Session) -> None:
        tove, anna = stranger(db), local(db, "anna")
        actors.update_profile(db, anna, locked=True)
        post = composing.note(db, anna, Draft("Kun for dem, der følger mig.", visibility="followers"))
        follow = follows.request(db, tove, anna, uri="https://m.example/follow/1")
        assert follow.state == "pending"
        assert not access.may_see(db, tove, post)
        follows.accept(db, follow)
        assert access.may_see(db, tove, post)

    do(work)


def test_a_block_ends_following_both_ways_and_hides_both(do: Any) -> None:
    def work(db: Session) -> None:
        tove, anna = stranger(db), local(db, "anna")
        follows.request(db, tove, anna, uri="https://m.example/follow/1")
        follows.request(db, anna, tove)
        blocks.block(db, anna, tove)
        assert follows.state(db, tove.id, anna.id) is None
        assert follows.state(db, anna.id, tove.id) is None
        note = composing.note(db, anna, Draft("Hej"))
        assert not access.may_see(db, tove, note)
        with pytest.raises(Forbidden):
            follows.request(db, tove, anna, uri="https://m.example/follow/2")
        assert blocks.unblock(db, anna, tove)
        assert told(db, "Undo")[-1].data["embed"]["type"] == "Block"

    do(work)


@pytest.mark.parametrize(
    ("visibility", "reader", "sees"),
    [
        ("public", None, True),
        ("unlisted", None, True),
        ("followers", None, False),
        ("followers", "follower", True),
        ("followers", "tove", False),
        ("direct", "follower", False),
        ("direct", "tove", True),
        ("direct", None, False),
        ("node", None, False),
        ("node", "tove", False),
        ("node", "birk", True),
    ],
)
def test_visibility_decides_who_reads(do: Any, visibility: str, reader: str | None, sees: bool) -> None:
    def work(db: Session) -> None:
        tove, follower, anna = stranger(db), stranger(db, "fie"), local(db, "anna")
        follows.request(db, follower, anna, uri="https://m.example/follow/1")
        text = "Hej @tove@m.example" if visibility == "direct" else "Hej"
        post = composing.note(db, anna, Draft(text, visibility=visibility))
        who = {None: None, "tove": tove, "follower": follower, "birk": local(db, "birk")}[reader]
        assert access.may_see(db, who, post) is sees

    do(work)


def test_an_answer_from_outside_is_marked_until_kept(do: Any) -> None:
    def work(db: Session) -> None:
        question = threads.ask(db, local(db, "anna"), local(db, "udfordrere"), Draft("?", title="Hvem har prøvet?"))
        answer, new = arriving.record_remote(db, remote_post(stranger(db), in_reply_to_uri=question.uri))
        assert new
        assert (answer.kind, answer.unreviewed, answer.community_id) == ("answer", True, question.community_id)
        assert question.answer_count == 1
        threads.keep(db, local(db, "anna"), answer)
        assert not answer.unreviewed

    do(work)


def test_a_member_elsewhere_answers_like_anybody(do: Any) -> None:
    def work(db: Session) -> None:
        group, tove = local(db, "udfordrere"), stranger(db)
        follows.request(db, tove, group, uri="https://m.example/follow/1")
        question = threads.ask(db, local(db, "anna"), group, Draft("?", title="Hvem har prøvet?"))
        answer, _ = arriving.record_remote(db, remote_post(tove, in_reply_to_uri=question.uri))
        assert not answer.unreviewed

    do(work)


def test_the_home_wraps_an_answer_exactly_as_it_came(do: Any) -> None:
    def work(db: Session) -> None:
        question = threads.ask(db, local(db, "anna"), local(db, "udfordrere"), Draft("?", title="Hvem har prøvet?"))
        inner = {
            "@context": "x",
            "id": "https://m.example/a/1",
            "type": "Create",
            "signature": {},
            "object": {"id": "y"},
        }
        arriving.record_remote(db, remote_post(stranger(db), in_reply_to_uri=question.uri), inner=inner)
        wrap = told(db, "Announce")[-1]
        assert wrap.data == {
            "only": "wraps",
            "embed": {"id": "https://m.example/a/1", "type": "Create", "object": {"id": "y"}},
        }

    do(work)


def test_the_same_post_twice_is_once(do: Any) -> None:
    def work(db: Session) -> None:
        post = remote_post(stranger(db))
        first, new = arriving.record_remote(db, post)
        again, second = arriving.record_remote(db, post)
        assert (new, second, first.id == again.id) == (True, False, True)

    do(work)


def test_replies_that_come_before_their_question_take_their_place_later(do: Any) -> None:
    def work(db: Session) -> None:
        group = stranger(db, "hjem", "b.example", type="Group")
        asker = stranger(db, "ida", "b.example")
        question = remote_post(asker, 1, title="Hvad gør I?", community=group)
        answer = remote_post(stranger(db), 2, in_reply_to_uri=question.uri)
        comment = remote_post(asker, 3, in_reply_to_uri=answer.uri)
        late, _ = arriving.record_remote(db, comment)
        middle, _ = arriving.record_remote(db, answer)
        first, _ = arriving.record_remote(db, question)
        db.expire_all()
        assert (first.kind, middle.kind, late.kind) == ("question", "answer", "comment")
        assert {late.thread_id, middle.thread_id} == {first.id}
        assert late.community_id == group.id
        assert (first.answer_count, middle.reply_count) == (1, 1)

    do(work)


def test_what_was_deleted_never_comes_back(do: Any) -> None:
    def work(db: Session) -> None:
        post = remote_post(stranger(db))
        row, _ = arriving.record_remote(db, post)
        removing.tombstone(db, row)
        with pytest.raises(Gone):
            arriving.record_remote(db, post)

    do(work)


def test_only_a_newer_edition_counts_and_only_from_the_author(do: Any) -> None:
    def work(db: Session) -> None:
        tove, other = stranger(db), stranger(db, "per")
        row, _ = arriving.record_remote(db, remote_post(tove, updated=datetime(2026, 11, 21, tzinfo=UTC)))
        older = remote_post(tove, content="<p>Gammelt</p>", updated=datetime(2026, 11, 20, 23, tzinfo=UTC))
        newer = remote_post(tove, content="<p>Nyt</p>", updated=datetime(2026, 11, 22, tzinfo=UTC))
        assert not arriving.update_remote(db, older)
        assert arriving.update_remote(db, newer)
        assert (row.content, len(posts.editions(db, row))) == ("<p>Nyt</p>", 1)
        with pytest.raises(Forbidden):
            arriving.update_remote(db, remote_post(other, uri=row.uri, updated=datetime(2026, 11, 23, tzinfo=UTC)))

    do(work)


def test_an_update_never_widens_the_audience(do: Any) -> None:
    def work(db: Session) -> None:
        tove = stranger(db)
        row, _ = arriving.record_remote(
            db, remote_post(tove, visibility=Visibility.DIRECT, to=["https://a.example/u/anna"])
        )
        arriving.update_remote(db, remote_post(tove, updated=datetime(2026, 11, 22, tzinfo=UTC), content="<p>Ny</p>"))
        assert row.visibility == "direct"

    do(work)


def test_a_twin_waits_for_a_moderator_and_then_shows_the_others_threads(do: Any) -> None:
    def work(db: Session) -> None:
        group, twin = local(db, "udfordrere"), stranger(db, "naboer", "b.example", type="Group")
        moderator = communities.moderators(db, group)[0]
        follow = follows.request(db, twin, group, uri="https://b.example/follow/9")
        assert follow.state == "pending"
        assert notices_of(db, moderator.id)[0][0].kind == "twin_request"
        with pytest.raises(Forbidden):
            twinning.answer(db, local(db, "david"), group, twin, accept=True)
        twinning.answer(db, moderator, group, twin, accept=True)
        back = twinning.ask(db, moderator, group, twin)
        follows.accept(db, back)
        question, _ = arriving.record_remote(
            db, remote_post(stranger(db, "ida", "b.example"), 5, title="Hvad gør I?", community=twin)
        )
        assert listings.announced(db, twin, question, "https://b.example/announce/1")
        assert listings.announced(db, twin, question, "https://b.example/announce/2")
        shown = [
            (row.through_id, post.id) for row, post in timelines.community(db, None, group) if post.id == question.id
        ]
        assert shown == [(twin.id, question.id)]
        before = len(told(db, "Announce"))
        arriving.record_remote(db, remote_post(stranger(db), 6, in_reply_to_uri=question.uri), inner={"id": "x"})
        assert len(told(db, "Announce")) == before, "a thread is announced by its home only"
        listings.hide(db, moderator, group, question)
        assert question.id not in [post.id for _, post in timelines.community(db, None, group)]

    do(work)


def test_the_askers_server_forwards_a_reply_that_missed_the_community(do: Any) -> None:
    def work(db: Session) -> None:
        elsewhere = stranger(db, "hjem", "b.example", type="Group")
        question = threads.ask(db, local(db, "anna"), elsewhere, Draft("?", title="Hvem har prøvet?"))
        reply, _ = arriving.record_remote(db, remote_post(stranger(db), in_reply_to_uri=question.uri))
        pair = threads.forwarding(db, reply, {PUBLIC})
        assert pair is not None
        assert (pair[0].username, pair[1].id) == ("anna", elsewhere.id)
        assert threads.forwarding(db, reply, {elsewhere.uri}) is None

    do(work)


def test_an_account_that_is_gone_takes_its_posts_votes_and_follows(do: Any) -> None:
    def work(db: Session) -> None:
        tove, anna = stranger(db), local(db, "anna")
        note = composing.note(db, anna, Draft("Hej"))
        follows.request(db, tove, anna, uri="https://m.example/follow/1")
        reactions.vote(db, tove, note, uri="https://m.example/like/1")
        row, _ = arriving.record_remote(db, remote_post(tove))
        leaving.gone(db, tove)
        assert row.deleted_at is not None
        assert (note.up, follows.state(db, tove.id, anna.id)) == (0, None)

    do(work)


def test_a_name_is_never_given_twice_and_belongs_to_persons_and_communities_alike(do: Any) -> None:
    def work(db: Session) -> None:
        leaving.delete_local(db, local(db, "farid"))
        for type in (actors.ActorType.PERSON, actors.ActorType.GROUP):
            with pytest.raises(Conflict):
                actors.create_local(db, "farid", type)
            with pytest.raises(Conflict):
                actors.create_local(db, "udfordrere", type)
        for name in ("аdmin", "a b", "", "x" * 31, "æble"):
            with pytest.raises(Invalid):
                actors.create_local(db, name, actors.ActorType.PERSON)
        with pytest.raises(Conflict):
            actors.create_local(db, "admin", actors.ActorType.PERSON)

    do(work)


@pytest.mark.parametrize("written", ["evil.example", "EVIL.example", "evil.example.", "evil.example:443"])
@pytest.mark.parametrize("host", ["evil.example", "sub.evil.example", "EVIL.example.", "evil.example:8443"])
def test_a_domain_rule_holds_for_every_spelling_and_everything_below(do: Any, written: str, host: str) -> None:
    def work(db: Session) -> None:
        eve = stranger(db, "eve", "sub.evil.example")
        post, _ = arriving.record_remote(db, remote_post(eve))
        moderation.set_rule(db, written, "block")
        assert moderation.domains.is_blocked(db, host)
        assert not moderation.domains.is_blocked(db, "notevil.example")
        db.expire_all()
        with pytest.raises(NotFound):
            access.access_post(db, None, post.id)
        moderation.drop_rule(db, written)
        db.expire_all()
        assert access.access_post(db, None, post.id)

    do(work)


def test_in_allow_list_mode_the_unknown_is_blocked(do: Any) -> None:
    def work(db: Session) -> None:
        moderation.set_rule(db, "venner.example", "allow")
        moderation.use_allow_list(db, True)
        assert moderation.domains.is_blocked(db, "andre.example")
        assert not moderation.domains.is_blocked(db, "sub.venner.example")

    do(work)


def test_a_suspended_authors_posts_do_not_show_through_a_boost(do: Any) -> None:
    def work(db: Session) -> None:
        tove, anna = stranger(db), local(db, "anna")
        post, _ = arriving.record_remote(db, remote_post(tove))
        reactions.boost(db, anna, post)
        moderation.suspend(db, tove, by=None)
        assert post.id not in [item.post.id for item in timelines.of_actor(db, None, anna)]

    do(work)
