"""Who may ask and answer in a community, with how many links and which words, and what waits for a moderator."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import (
    access,
    actors,
    admission,
    affiliations,
    arriving,
    asking,
    communities,
    composing,
    holding,
    organizations,
    outbox,
    posts,
    removing,
    threads,
    timelines,
)
from models.actors import Actor
from models.arriving import RemotePost
from models.base import clock, now
from models.communities import Ways
from models.database import Database
from models.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from models.notifications import of as notices_of
from models.organizations import Facts
from models.posts import Draft, Kind, Post, Visibility
from tests.federation.elsewhere import remote

T = TypeVar("T")
TITLE = "Hvem har prøvet det her før?"


class Scene:
    """`udfordrere`, which Camilla moderates; Birk belongs to a supplier, Eva and the others to a municipality, Jonas on
    m.example to nobody."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.do(self._supplier)
        self.jonas = self.do(lambda db: remote(db, "m.example", "jonas"))

    def _supplier(self, db: Session) -> None:
        facts = Facts("Hydrant A/S", kind="supplier", website="https://www.hydrant.example")
        firm = organizations.create(db, None, "hydrant", facts)
        affiliations.accept_invited(db, self.actor("birk"), firm, "supplier")

    def do(self, work: Callable[[Session], T]) -> T:
        return self.database.write(work)

    def read(self, work: Callable[[Session], T]) -> T:
        with self.database.reading() as db:
            return work(db)

    def actor(self, name: str) -> Actor:
        found = self.read(lambda db: actors.by_handle(db, name))
        assert found is not None
        return found

    @property
    def group(self) -> Actor:
        return self.actor("udfordrere")

    def works(self, **ways: object) -> None:
        self.do(lambda db: Ways(**ways).checked().put(communities.settings(db, self.group)))  # type: ignore[arg-type]

    def ask(self, name: str, text: str = "Vi prøver.", **draft: object) -> Post:
        said = Draft(text, TITLE, **draft)  # type: ignore[arg-type]
        return self.do(lambda db: threads.ask(db, self.actor(name), self.group, said))

    def answer(self, name: str, question: Post, text: str = "Ja.", **draft: object) -> Post:
        said = Draft(text, **draft)  # type: ignore[arg-type]
        return self.do(lambda db: threads.answer(db, self.actor(name), posts.get(db, question.id), said))

    def arrives(self, label: str, content: str = "<p>Ja.</p>", parent: Post | None = None, **more: object) -> Post:
        group = self.group
        post = RemotePost(
            f"https://m.example/p/{label}", self.jonas, Visibility.PUBLIC, now(), content=content,
            in_reply_to_uri=parent.uri if parent else "", title="" if parent else TITLE,
            community=None if parent else group, to=["https://www.w3.org/ns/activitystreams#Public", group.uri], **more,  # type: ignore[arg-type]
        )  # fmt: skip
        return self.do(lambda db: arriving.record_remote(db, post)[0])

    def fresh(self, post: Post) -> Post:
        return self.read(lambda db: posts.get(db, post.id))

    def sees(self, name: str, post: Post) -> bool:
        return self.read(lambda db: access.may_see(db, self.actor(name) if name else None, posts.get(db, post.id)))

    def listed(self, post: Post, viewer: str = "") -> bool:
        who = self.actor(viewer) if viewer else None
        return self.read(lambda db: post.id in [p.id for _, p in timelines.community(db, who, self.group)])

    def rows(self) -> tuple[int | None, int | None]:
        return self.read(
            lambda db: (
                db.scalar(select(func.count()).select_from(Post)),
                db.scalar(select(func.count()).select_from(outbox.Activity)),
            )
        )

    def refuses(self, error: type[DomainError], code: str, work: Callable[[], object]) -> None:
        before = self.rows()
        with pytest.raises(error) as raised:
            work()
        assert raised.value.code == code
        assert self.rows() == before


@pytest.fixture
def scene(lived_in: Database) -> Scene:
    return Scene(lived_in)


def test_only_those_ask_whom_the_community_lets(scene: Scene) -> None:
    scene.works(askers=("public-body",))
    assert scene.ask("eva").kind == Kind.QUESTION
    scene.refuses(Forbidden, "class_asks", lambda: scene.ask("birk"))
    group = scene.group
    assert not scene.read(lambda db: admission.may(db, scene.actor("birk"), group, Kind.QUESTION))
    assert scene.read(lambda db: admission.may(db, scene.actor("eva"), group, Kind.QUESTION))
    found = scene.read(lambda db: admission.askable(db, scene.actor("birk"), communities.all_local(db)))
    assert group.id not in [one.id for one in found]


def test_only_those_answer_whom_the_community_lets_and_everybody_comments(scene: Scene) -> None:
    question = scene.ask("eva")
    scene.works(answerers=("public-body",))
    scene.refuses(Forbidden, "class_answers", lambda: scene.answer("birk", question))
    scene.do(lambda db: threads.comment(db, scene.actor("birk"), posts.get(db, question.id), Draft("Og så?")))
    assert scene.answer("anna", question).kind == Kind.ANSWER


def test_who_belongs_to_a_supplier_counts_as_nothing_else(scene: Scene) -> None:
    assert scene.read(lambda db: admission.classes(db, scene.actor("birk"))) == {"supplier"}
    assert scene.read(lambda db: admission.classes(db, scene.actor("eva"))) == {"public-body"}
    assert scene.read(lambda db: admission.classes(db, scene.jonas)) == {"without"}


def test_a_moderator_may_do_everything(scene: Scene) -> None:
    scene.works(askers=("citizen",), answerers=("citizen",), max_links=0, held_words=("prøver",))
    assert scene.ask("camilla", "Vi prøver https://x.example og https://y.example").held_for == ""


def test_a_closed_community_takes_no_threads_and_says_so_but_answers_go_on(scene: Scene) -> None:
    question = scene.ask("eva")
    scene.do(lambda db: communities.close(db, scene.actor("camilla"), scene.group))
    scene.refuses(Forbidden, "community_closed", lambda: scene.ask("eva"))
    scene.refuses(Forbidden, "community_closed", lambda: scene.ask("camilla"))
    assert scene.answer("anna", question).kind == Kind.ANSWER
    assert scene.read(lambda db: communities.restricted(db, scene.group))
    scene.do(lambda db: communities.close(db, scene.actor("camilla"), scene.group, closed=False))
    assert scene.ask("eva").kind == Kind.QUESTION


def test_where_only_questions_are_wanted_a_note_merely_mentions_the_community(scene: Scene) -> None:
    scene.works(questions_only=True)
    note = scene.do(
        lambda db: asking.post(db, scene.actor("eva"), Draft("Tak til @udfordrere for i går\nDet var godt."))
    )
    assert (note.kind, note.community_id) == (Kind.NOTE, None)


def test_suppliers_say_what_their_interest_is_and_it_stays_through_an_edit(scene: Scene) -> None:
    scene.works(wants_disclosure=True)
    scene.refuses(Invalid, "disclosure_missing", lambda: scene.ask("birk"))
    post = scene.ask("birk", disclosure="Jeg  sælger\nbrandhaner.")
    assert post.extra["disclosure"] == "Jeg sælger brandhaner."
    edit = Draft("Nyt.", TITLE)
    scene.do(lambda db: composing.edit(db, scene.actor("birk"), posts.get(db, post.id), edit))
    assert scene.fresh(post).extra["disclosure"] == "Jeg sælger brandhaner."
    blank = Draft("Nyt.", TITLE, disclosure="")
    scene.refuses(
        Invalid,
        "disclosure_missing",
        lambda: scene.do(lambda db: composing.edit(db, scene.actor("birk"), posts.get(db, post.id), blank)),
    )
    assert "disclosure" not in scene.ask("eva").extra


def test_suppliers_and_new_members_link_no_more_than_allowed(scene: Scene) -> None:
    scene.works(max_links=1)
    two = "Se https://x.example/1 og [her](https://y.example/2)."
    scene.refuses(Invalid, "text_links", lambda: scene.ask("birk", two))
    assert scene.ask("birk", "Se https://x.example/1 og https://a.example/about").held_for == ""
    assert scene.ask("eva", two).held_for == ""  # a member of long standing
    scene.do(lambda db: communities.follows.undo(db, scene.actor("eva"), scene.group))
    scene.refuses(Invalid, "text_links", lambda: scene.ask("eva", two))


def test_a_supplier_links_to_his_own_site_so_often_a_week(scene: Scene) -> None:
    scene.works(own_links_a_week=1)
    own = "Se https://shop.hydrant.example/9"
    post = scene.ask("birk", own)
    scene.refuses(Invalid, "text_own_links", lambda: scene.ask("birk", own))
    assert scene.ask("birk", "Se https://nothydrant.example").held_for == ""
    scene.do(lambda db: composing.edit(db, scene.actor("birk"), posts.get(db, post.id), Draft(own + " nu", TITLE)))
    clock.offset += timedelta(days=8).total_seconds()
    assert scene.ask("birk", own).kind == Kind.QUESTION


def test_a_listed_word_has_a_post_wait_unseen_until_a_moderator_lets_it_in(scene: Scene) -> None:
    scene.works(held_words=("Tilbud",))
    question = scene.ask("eva", "Et godt TILBUD til jer.")
    activities = scene.rows()[1]
    assert question.held_for == "words"
    assert [scene.sees(who, question) for who in ("", "anna", "eva", "camilla")] == [False, False, True, True]
    assert not scene.listed(question)
    assert [p.id for p in scene.read(lambda db: holding.waiting(db, scene.group))] == [question.id]
    scene.do(lambda db: holding.let_in(db, scene.actor("camilla"), posts.get(db, question.id)))
    assert scene.sees("", question)
    assert scene.listed(question)
    assert scene.rows()[1] == (activities or 0) + 3  # Create, the wrap, the plain Announce
    assert scene.ask("eva", "Et tilbuddet er noget andet.").held_for == ""


def test_a_waiting_answer_counts_for_nothing_and_nobody_is_told(scene: Scene) -> None:
    question = scene.ask("eva")
    scene.works(held_words=("tilbud",))
    answer = scene.answer("birk", question, "Vi har et tilbud.")
    assert (scene.fresh(question).answer_count, scene.fresh(question).answered_after) == (0, None)
    assert not scene.read(lambda db: [n for n, *_ in notices_of(db, scene.actor("eva").id) if n.post_id == answer.id])
    scene.do(lambda db: holding.let_in(db, scene.actor("camilla"), posts.get(db, answer.id)))
    assert scene.fresh(question).answer_count == 1
    assert scene.read(
        lambda db: [n.kind for n, *_ in notices_of(db, scene.actor("eva").id) if n.post_id == answer.id]
    ) == ["answer"]


def test_what_is_kept_out_stays_unseen_and_its_author_is_told(scene: Scene) -> None:
    scene.works(held_words=("tilbud",))
    question = scene.ask("eva", "Tilbud")
    scene.do(lambda db: holding.keep_out(db, scene.actor("camilla"), posts.get(db, question.id)))
    assert not scene.sees("", question)
    assert scene.read(lambda db: holding.waiting(db, scene.group)) == []
    assert "removed" in scene.read(lambda db: [n.kind for n, *_ in notices_of(db, scene.actor("eva").id)])


def test_only_a_moderator_decides_and_only_on_what_waits(scene: Scene) -> None:
    scene.works(held_words=("tilbud",))
    question, open_one = scene.ask("eva", "Tilbud"), scene.ask("eva")
    for error, name, post in ((Forbidden, "anna", question), (NotFound, "camilla", open_one)):
        with pytest.raises(error):
            scene.do(lambda db, name=name, post=post: holding.let_in(db, scene.actor(name), posts.get(db, post.id)))  # type: ignore[misc]
        with pytest.raises(error):
            scene.do(lambda db, name=name, post=post: holding.keep_out(db, scene.actor(name), posts.get(db, post.id)))  # type: ignore[misc]
    assert scene.fresh(question).held_for == "words"
    assert scene.fresh(open_one).held_for == ""


def test_an_edit_that_brings_a_listed_word_has_the_post_wait(scene: Scene) -> None:
    question = scene.ask("eva")
    answer = scene.answer("birk", question)
    scene.works(held_words=("tilbud",))
    before = scene.rows()[1]
    scene.do(lambda db: composing.edit(db, scene.actor("birk"), posts.get(db, answer.id), Draft("Et tilbud!")))
    assert scene.rows()[1] == before
    assert not scene.sees("", answer)
    assert scene.fresh(question).answer_count == 0
    scene.do(lambda db: holding.let_in(db, scene.actor("camilla"), posts.get(db, answer.id)))
    newest = scene.read(lambda db: db.scalars(select(outbox.Activity).order_by(outbox.Activity.id.desc())).all()[1])
    assert newest.type == "Update"


def test_a_waiting_answer_cannot_be_accepted_and_its_deletion_counts_nothing(scene: Scene) -> None:
    question = scene.ask("eva")
    scene.works(held_words=("tilbud",))
    answer, other = scene.answer("birk", question, "Tilbud"), scene.answer("anna", question)
    with pytest.raises(Conflict):
        scene.do(
            lambda db: threads.accept(db, scene.actor("camilla"), posts.get(db, question.id), posts.get(db, answer.id))
        )
    assert scene.fresh(question).accepted_id is None
    scene.do(lambda db: removing.delete_post(db, scene.actor("birk"), posts.get(db, answer.id)))
    assert scene.fresh(question).answer_count == 1
    scene.do(lambda db: removing.delete_post(db, scene.actor("anna"), posts.get(db, other.id)))
    assert (scene.fresh(question).answer_count, scene.fresh(question).answered_after) == (0, None)


def test_what_comes_from_elsewhere_against_the_limits_waits(scene: Scene) -> None:
    question = scene.ask("eva")
    scene.works(askers=("public-body",), answerers=("public-body",), max_links=0, held_words=("tilbud",))
    activities = scene.rows()[1]
    assert scene.arrives("1").held_for == "class"
    assert scene.arrives("2", parent=question).held_for == "class"
    scene.works(max_links=0, held_words=("tilbud",))
    mention = '<p><a href="https://a.example/c/udfordrere" class="u-url mention">@udfordrere</a> Ja.</p>'
    assert scene.arrives("3", mention, question).held_for == ""
    linked = scene.arrives("4", '<p><a href="https://x.example/">x</a></p>', question)
    assert linked.held_for == "links"
    assert scene.arrives("5", "<p>Tilbud</p>", question).held_for == "words"
    assert not scene.sees("", linked)
    assert scene.fresh(question).answer_count == 1
    assert scene.rows()[1] == (activities or 0) + 1  # the wrap of the one that was let in


def test_what_waited_for_an_affiliation_is_let_in_once_it_is_confirmed(scene: Scene) -> None:
    scene.works(askers=("association",))
    question = scene.arrives("1")
    assert question.held_for == "class"

    def confirm(db: Session) -> None:
        club = organizations.create(db, None, "klub", Facts("Klubben", kind="association"))
        affiliations.accept_invited(db, actors.get(db, scene.jonas.id), club, "association")

    scene.do(confirm)
    assert scene.fresh(question).held_for == ""
    assert scene.listed(question)


@pytest.mark.parametrize(
    ("ways", "code"),
    [
        ({"askers": ("martian",)}, "askers_unknown"),
        ({"answerers": ("martian",)}, "answerers_unknown"),
        ({"max_links": -1}, "max_links_range"),
        ({"own_links_a_week": 51}, "own_links_a_week_range"),
        ({"language": "dansk"}, "language_unknown"),
        ({"held_words": tuple(map(str, range(101)))}, "held_words_many"),
    ],
)
def test_absurd_ways_are_refused_and_change_nothing(scene: Scene, ways: dict[str, object], code: str) -> None:
    before = scene.read(lambda db: Ways.of(communities.settings(db, scene.group)))
    with pytest.raises(Invalid) as raised:
        scene.do(
            lambda db: communities.change(
                db,
                scene.actor("camilla"),
                scene.group,
                name="X",
                summary="",
                rules=(),
                ways=Ways(**ways),  # type: ignore[arg-type]
            )
        )
    assert raised.value.code == code
    assert scene.read(lambda db: Ways.of(communities.settings(db, scene.group))) == before
    assert scene.group.name != "X"
