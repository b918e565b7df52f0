"""Questions, answers, and the accepted answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import (
    access,
    accounts,
    arriving,
    communities,
    composing,
    listings,
    outbox,
    posts,
    reactions,
    removing,
    threads,
    timelines,
)
from models.actors import PUBLIC, Actor, by_handle
from models.arriving import RemotePost
from models.database import Database
from models.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from models.notifications import of as notices_of
from models.posts import Draft, Kind, Post, Visibility
from tests.federation.elsewhere import remote

T = TypeVar("T")


class Scene:
    """The fictional node, with its people at hand."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def do(self, work: Callable[[Session], T]) -> T:
        return self.database.write(work)

    def actor(self, name: str) -> Actor:
        with self.database.reading() as db:
            actor = by_handle(db, name)
        assert actor is not None
        return actor

    def ask(self, **draft: object) -> Post:
        who = Draft(**{"text": "Vi prøver.", "title": "Hvem har prøvet det her før?", **draft})  # type: ignore[arg-type]
        return self.do(lambda db: threads.ask(db, self.actor("anna"), self.actor("udfordrere"), who))

    def answer(self, question: Post, name: str = "birk") -> Post:
        return self.do(
            lambda db: threads.answer(db, self.actor(name), posts.get(db, question.id), Draft("Ja, sådan her."))
        )

    def fresh(self, post: Post) -> Post:
        with self.database.reading() as db:
            return posts.get(db, post.id)

    def activities(self, type: str) -> list[outbox.Activity]:
        with self.database.reading() as db:
            return list(
                db.scalars(select(outbox.Activity).where(outbox.Activity.type == type).order_by(outbox.Activity.id))
            )


@pytest.fixture
def scene(lived_in: Database) -> Scene:
    return Scene(lived_in)


def test_a_question_is_addressed_to_its_community_and_the_world(scene: Scene) -> None:
    question = scene.ask()
    create = scene.activities("Create")[-1]
    assert create.to == ["https://a.example/c/udfordrere", PUBLIC]
    assert create.cc == ["https://a.example/u/anna/followers"]
    assert question.url == f"https://a.example/p/{question.id}/hvem-har-proevet-det-her-foer"


def test_its_community_wraps_a_question_and_announces_it_plainly(scene: Scene) -> None:
    question = scene.ask()
    create = scene.activities("Create")[-1]
    wrap, plain = scene.activities("Announce")[-2:]
    assert (wrap.data["inner"], wrap.data["only"]) == (create.id, "wraps")
    assert plain.object_uri == question.uri
    assert "only" not in plain.data


def test_an_answer_is_wrapped_but_not_announced_plainly(scene: Scene) -> None:
    question = scene.ask()
    before = len(scene.activities("Announce"))
    scene.answer(question)
    announces = scene.activities("Announce")[before:]
    assert [a.data.get("only") for a in announces] == ["wraps"]
    assert scene.fresh(question).answer_count == 1


def test_the_asker_hears_of_an_answer(scene: Scene) -> None:
    question = scene.ask()
    answer = scene.answer(question)
    with scene.database.reading() as db:
        newest = notices_of(db, question.author_id)[0]
    assert (newest[0].kind, newest[2].id if newest[2] else 0) == ("answer", answer.id)


def test_the_asker_accepts_and_every_server_is_told_in_order(scene: Scene) -> None:
    question = scene.ask()
    answer = scene.answer(question)
    with scene.database.reading() as db:
        last = db.scalar(select(func.max(outbox.Activity.id)))
    scene.do(lambda db: threads.accept(db, scene.actor("anna"), posts.get(db, question.id), posts.get(db, answer.id)))
    with scene.database.reading() as db:
        told = list(db.scalars(select(outbox.Activity).where(outbox.Activity.id > last).order_by(outbox.Activity.id)))
    assert [(a.type, a.object_uri) for a in told if "only" not in a.data] == [
        ("ChooseAnswer", answer.uri),
        ("Update", question.uri),
        ("Update", answer.uri),
        ("Announce", answer.uri),
    ]
    assert scene.fresh(question).accepted_id == answer.id


def test_accepting_the_same_answer_again_changes_nothing(scene: Scene) -> None:
    question = scene.ask()
    answer = scene.answer(question)
    choose = lambda db: threads.accept(db, scene.actor("anna"), posts.get(db, question.id), posts.get(db, answer.id))  # noqa: E731
    scene.do(choose)
    told = len(scene.activities("ChooseAnswer"))
    scene.do(choose)
    assert len(scene.activities("ChooseAnswer")) == told


def test_choosing_another_answer_withdraws_the_first(scene: Scene) -> None:
    question = scene.ask()
    first, second = scene.answer(question), scene.answer(question, "david")
    for answer in (first, second):
        scene.do(
            lambda db, a=answer: threads.accept(
                db, scene.actor("anna"), posts.get(db, question.id), posts.get(db, a.id)
            )
        )
    undone = [a.data["embed"]["object"] for a in scene.activities("Undo") if a.data["embed"]["type"] == "ChooseAnswer"]
    assert undone == [first.uri]
    assert scene.fresh(question).accepted_id == second.id


def test_a_withdrawn_acceptance_is_undone_everywhere(scene: Scene) -> None:
    question = scene.ask()
    answer = scene.answer(question)
    scene.do(lambda db: threads.accept(db, scene.actor("anna"), posts.get(db, question.id), posts.get(db, answer.id)))
    assert scene.do(lambda db: threads.withdraw(db, scene.actor("anna"), posts.get(db, question.id)))
    assert scene.fresh(question).accepted_id is None
    assert not scene.do(lambda db: threads.withdraw(db, scene.actor("anna"), posts.get(db, question.id)))


@pytest.mark.parametrize("who", ["david", "birk"])
def test_nobody_but_asker_and_moderators_accepts(scene: Scene, who: str) -> None:
    with scene.database.reading() as db:
        assert not communities.is_moderator(db, scene.actor(who).id, scene.actor("udfordrere").id)
    question = scene.ask()
    answer = scene.answer(question)
    with pytest.raises(Forbidden):
        scene.do(lambda db: threads.accept(db, scene.actor(who), posts.get(db, question.id), posts.get(db, answer.id)))
    assert scene.fresh(question).accepted_id is None


def test_an_answer_of_another_thread_cannot_be_accepted(scene: Scene) -> None:
    question, other = scene.ask(), scene.ask(title="Et helt andet spørgsmål?")
    stray = scene.answer(other)
    with pytest.raises(Invalid):
        scene.do(
            lambda db: threads.accept(db, scene.actor("anna"), posts.get(db, question.id), posts.get(db, stray.id))
        )


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        ({"title": "Kort"}, "title_missing"),
        ({"title": ""}, "title_missing"),
        ({"visibility": "followers"}, "visibility_unfit"),
        ({"barriers": ("vejret",)}, "barrier_unknown"),
        ({"text": "x" * 50_001}, "text_long"),
        ({"title": "x" * 201}, "title_long"),
        ({"visibility": "alle"}, "visibility_unfit"),
    ],
)
def test_a_question_that_breaks_a_rule_changes_nothing(scene: Scene, draft: dict[str, object], code: str) -> None:
    with scene.database.reading() as db:
        before = db.scalar(select(func.count()).select_from(Post))
    with pytest.raises(DomainError) as refused:
        scene.ask(**draft)
    assert refused.value.code == code
    with scene.database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Post)) == before


def test_a_barrier_becomes_a_hashtag_and_love_means_laws(scene: Scene) -> None:
    question = scene.ask(barriers=("love", "regler"))
    with scene.database.reading() as db:
        tags = {tag.name for tag in posts.tags_of(db, [question.id])[question.id]}
    assert tags == {"lovgivning", "regler"}


def test_a_node_only_question_is_told_to_nobody(scene: Scene) -> None:
    before = len(scene.activities("Create")), len(scene.activities("Announce"))
    question = scene.ask(visibility="node")
    scene.answer(question)
    assert (len(scene.activities("Create")), len(scene.activities("Announce"))) == before
    with scene.database.reading() as db:
        with pytest.raises(NotFound):
            access.access_post(db, None, question.id)
        assert access.access_post(db, scene.actor("birk"), question.id).id == question.id


def test_an_answer_is_never_more_open_than_its_question(scene: Scene) -> None:
    assert scene.answer(scene.ask(visibility="node")).visibility == "node"


def test_one_actor_has_one_vote_and_not_for_his_own(scene: Scene) -> None:
    question = scene.ask()
    answer = scene.answer(question)
    for _ in range(2):
        scene.do(lambda db: reactions.vote(db, scene.actor("anna"), posts.get(db, answer.id)))
    assert scene.fresh(answer).up == 1
    with pytest.raises(Forbidden):
        scene.do(lambda db: reactions.vote(db, scene.actor("birk"), posts.get(db, answer.id)))
    with pytest.raises(Forbidden):
        scene.do(lambda db: reactions.vote(db, scene.actor("anna"), posts.get(db, answer.id), -1))
    assert scene.do(lambda db: reactions.withdraw_vote(db, scene.actor("anna"), posts.get(db, answer.id)))
    assert (scene.fresh(answer).up, scene.fresh(answer).down) == (0, 0)


def test_down_votes_count_only_where_the_community_says_so(scene: Scene) -> None:
    question = scene.ask()
    scene.do(lambda db: setattr(communities.settings(db, scene.actor("udfordrere")), "allows_down", True))
    scene.do(lambda db: reactions.vote(db, scene.actor("birk"), posts.get(db, question.id), -1))
    assert scene.fresh(question).down == 1
    scene.do(lambda db: reactions.vote(db, scene.actor("birk"), posts.get(db, question.id), 1))
    assert (scene.fresh(question).up, scene.fresh(question).down) == (1, 0)


def test_answers_stand_accepted_first_then_by_votes(scene: Scene) -> None:
    question = scene.ask()
    first, second, third = (scene.answer(question, name) for name in ("birk", "camilla", "david"))
    scene.do(lambda db: reactions.vote(db, scene.actor("eva"), posts.get(db, second.id)))
    scene.do(lambda db: threads.accept(db, scene.actor("anna"), posts.get(db, question.id), posts.get(db, third.id)))
    with scene.database.reading() as db:
        thread = threads.read(db, None, posts.get(db, question.id))
    assert [post.id for post in thread.answers] == [third.id, second.id, first.id]


def test_an_answer_turned_into_a_comment_keeps_its_address(scene: Scene) -> None:
    question = scene.ask()
    answer = scene.answer(question)
    scene.do(lambda db: threads.turn(db, scene.actor("anna"), posts.get(db, answer.id), Kind.COMMENT))
    assert (scene.fresh(answer).kind, scene.fresh(answer).uri) == ("comment", answer.uri)
    assert scene.fresh(question).answer_count == 0
    assert scene.activities("Update")[-1].post_id == answer.id


def test_a_reply_from_elsewhere_is_turned_here_alone_and_stays_so_when_it_is_edited_there(scene: Scene) -> None:
    question = scene.ask()
    at = datetime(2026, 11, 1, tzinfo=UTC)

    def arrive(db: Session, minute: int = 0, hint: str = "answer") -> int:
        inger = remote(db, "b.example", "inger")
        post = RemotePost("https://b.example/p/9", inger, Visibility.PUBLIC, at, kind_hint=hint, content="<p>x</p>")
        post = replace(post, in_reply_to_uri=question.uri, updated=at.replace(minute=minute) if minute else None)
        if minute:
            arriving.update_remote(db, replace(post, content=f"<p>{minute}</p>"))
            return 0
        return arriving.record_remote(db, post)[0].id

    number = scene.do(arrive)
    sent = len(scene.activities("Update"))
    for kind in (Kind.COMMENT, Kind.ANSWER, Kind.COMMENT):
        scene.do(lambda db, kind=kind: threads.turn(db, scene.actor("anna"), posts.get(db, number), kind))
        with scene.database.reading() as db:
            assert posts.get(db, number).kind == kind
    assert len(scene.activities("Update")) == sent
    scene.do(lambda db: arrive(db, 1))
    with scene.database.reading() as db:
        assert (posts.get(db, number).kind, posts.get(db, number).content) == (Kind.COMMENT, "<p>1</p>")
    scene.do(lambda db: arrive(db, 2, "comment"))
    scene.do(lambda db: arrive(db, 3, "answer"))  # its own author's server has changed its mind
    with scene.database.reading() as db:
        assert posts.get(db, number).kind == Kind.ANSWER
        assert posts.get(db, question.id).answer_count == 1


def test_an_edit_keeps_what_was_said_before_and_is_newer(scene: Scene) -> None:
    question = scene.ask()
    for body in ("Anden udgave.", "Tredje udgave."):
        scene.do(
            lambda db, b=body: composing.edit(
                db, scene.actor("anna"), posts.get(db, question.id), Draft(b, title=question.title)
            )
        )
    with scene.database.reading() as db:
        now = posts.get(db, question.id)
        assert [e.source for e in posts.editions(db, now)] == ["Vi prøver.", "Anden udgave."]
    assert now.updated is not None
    assert (now.updated - now.published).total_seconds() >= 2


def test_only_the_author_edits_and_deletes(scene: Scene) -> None:
    question = scene.ask()
    with pytest.raises(Forbidden):
        scene.do(
            lambda db: composing.edit(
                db, scene.actor("birk"), posts.get(db, question.id), Draft("Kapret", title="Kapret?")
            )
        )
    with pytest.raises(Forbidden):
        scene.do(lambda db: removing.delete_post(db, scene.actor("birk"), posts.get(db, question.id)))
    assert scene.fresh(question).source == "Vi prøver."


def test_a_deleted_answer_leaves_an_empty_tombstone_and_frees_the_question(scene: Scene) -> None:
    question = scene.ask()
    answer = scene.answer(question)
    scene.do(lambda db: threads.accept(db, scene.actor("anna"), posts.get(db, question.id), posts.get(db, answer.id)))
    scene.do(lambda db: removing.delete_post(db, scene.actor("birk"), posts.get(db, answer.id)))
    gone = scene.fresh(answer)
    assert gone.deleted_at is not None
    assert (gone.content, gone.source, gone.up) == ("", "", 0)
    assert (scene.fresh(question).accepted_id, scene.fresh(question).answer_count) == (None, 0)
    with pytest.raises(NotFound):
        scene.do(lambda db: removing.delete_post(db, scene.actor("birk"), posts.get(db, answer.id)))


def test_a_moderator_takes_a_post_out_of_the_community_and_back(scene: Scene) -> None:
    moderator = next(iter(scene.do(lambda db: communities.moderators(db, scene.actor("udfordrere")))))
    question = scene.ask()
    answer = scene.answer(question, "david" if moderator.username != "david" else "eva")
    scene.do(lambda db: listings.remove_post(db, moderator, posts.get(db, answer.id), "Reklame"))
    with scene.database.reading() as db:
        assert threads.read(db, None, posts.get(db, question.id)).answers == []
    scene.do(lambda db: listings.restore_post(db, moderator, posts.get(db, answer.id)))
    with scene.database.reading() as db:
        assert [p.id for p in threads.read(db, None, posts.get(db, question.id)).answers] == [answer.id]


def test_home_shows_what_one_follows_once(scene: Scene) -> None:
    question = scene.ask()
    with scene.database.reading() as db:
        items = timelines.home(db, scene.actor("birk"))
    assert [item.post.id for item in items].count(question.id) == 1


def test_the_last_administrator_stays_one(scene: Scene) -> None:
    with scene.database.reading() as db:
        admins = list(db.scalars(select(accounts.Account).where(accounts.Account.role == "admin")))
    assert len(admins) == 1
    with pytest.raises(Conflict):
        scene.do(lambda db: accounts.set_role(db, accounts.by_username(db, "anna"), "member"))
