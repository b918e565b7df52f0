"""Founding, changing and closing communities, their members, twins and figures."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from models import (
    actors,
    base,
    communities,
    community_statistics,
    follows,
    posts,
    removing,
    settings,
    threads,
    twinning,
)
from models.accounts import Role
from models.actors import Actor
from models.communities import Community, Ways
from models.database import Database
from models.errors import Conflict, Forbidden, Invalid
from models.jobs import Job
from models.outbox import Activity
from models.posts import Draft
from models.windows import Window
from tests.federation.elsewhere import remote
from tests.world import days_ago

T = TypeVar("T")


class Scene:
    """The fictional node."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def do(self, work: Callable[[Session], T]) -> T:
        return self.database.write(work)

    def read(self, work: Callable[[Session], T]) -> T:
        with self.database.reading() as db:
            return work(db)

    def actor(self, name: str) -> Actor:
        found = self.read(lambda db: actors.by_handle(db, name))
        assert found is not None
        return found

    def count(self, table: type = Community) -> int | None:
        return self.read(lambda db: db.scalar(select(func.count()).select_from(table)))


@pytest.fixture
def scene(lived_in: Database) -> Scene:
    return Scene(lived_in)


def test_administrators_found_communities_and_members_where_they_are_let(scene: Scene) -> None:
    before = scene.count()
    with pytest.raises(Forbidden):
        scene.do(lambda db: communities.found(db, scene.actor("birk"), "byhaver", "Byhaver"))
    assert scene.count() == before
    scene.do(lambda db: communities.let_found(db, Role.MEMBER))
    group = scene.do(lambda db: communities.found(db, scene.actor("birk"), "byhaver", "Byhaver", rules=["Vær god"]))
    assert scene.read(lambda db: communities.is_moderator(db, scene.actor("birk").id, group.id))
    assert scene.read(lambda db: communities.settings(db, group).rules) == ["Vær god"]
    assert scene.do(lambda db: communities.found(db, scene.actor("anna"), "veje", "Veje")).username == "veje"


def test_who_founds_is_nobody_else_than_members_or_administrators(scene: Scene) -> None:
    with pytest.raises(Invalid):
        scene.do(lambda db: communities.let_found(db, Role.MODERATOR))
    assert scene.read(lambda db: settings.get(db, communities.FOUNDERS)) is None


@pytest.mark.parametrize(("username", "name"), [("udfordrere", "To"), ("Æ Ø", "To"), ("admin", "To"), ("byhaver", " ")])
def test_a_community_without_a_name_or_with_anothers_handle_is_refused(scene: Scene, username: str, name: str) -> None:
    before = scene.count(Actor)
    with pytest.raises((Conflict, Invalid)):
        scene.do(lambda db: communities.found(db, scene.actor("anna"), username, name))
    assert scene.count(Actor) == before


def test_a_new_picture_replaces_the_one_before_whose_file_goes(scene: Scene) -> None:
    def show(icon: str | None) -> None:
        def change(db: Session) -> None:
            group, camilla = actors.by_handle(db, "udfordrere"), actors.by_handle(db, "camilla")
            assert group is not None
            communities.change(db, camilla, group, name="U", summary="", rules=(), ways=Ways(), icon=icon)

        scene.do(change)

    show("first.png")
    assert scene.actor("udfordrere").icon_url == "https://a.example/media/first.png"
    show(None)
    assert scene.actor("udfordrere").icon_url == "https://a.example/media/first.png"
    show("")
    assert scene.actor("udfordrere").icon_url == ""
    gone = scene.read(
        lambda db: [job.payload["files"] for job in db.scalars(select(Job).where(Job.kind == "media_gone"))]
    )
    assert gone == [["first.png"]]


def test_only_moderators_change_and_close(scene: Scene) -> None:
    group = scene.actor("udfordrere")
    with pytest.raises(Forbidden):
        scene.do(lambda db: communities.close(db, scene.actor("eva"), group))
    with pytest.raises(Forbidden):
        scene.do(
            lambda db: communities.change(db, scene.actor("eva"), group, name="X", summary="", rules=(), ways=Ways())
        )
    assert scene.read(lambda db: communities.settings(db, group).closed_at) is None
    assert scene.actor("udfordrere").name == group.name


def test_closing_twice_is_once_and_the_world_is_told(scene: Scene) -> None:
    before = scene.count(Activity) or 0
    for _ in range(2):
        scene.do(lambda db: communities.close(db, scene.actor("camilla"), scene.actor("udfordrere")))
    assert scene.count(Activity) == before + 1


def test_a_twinned_community_does_not_go_into_hiding(scene: Scene) -> None:
    group = scene.actor("udfordrere")

    def twin(db: Session) -> None:
        other = remote(db, "b.example", "nabo")
        other.type = actors.ActorType.GROUP
        twinning.ask(db, scene.actor("camilla"), group, other)

    scene.do(twin)
    with pytest.raises(Conflict):
        scene.do(
            lambda db: communities.change(
                db, scene.actor("camilla"), group, name="U", summary="", rules=(), ways=Ways(node_only=True)
            )
        )
    assert not scene.read(lambda db: communities.settings(db, group).node_only)


def test_a_twinning_says_which_way_questions_go(scene: Scene) -> None:
    group = scene.actor("udfordrere")

    def befriend(db: Session) -> None:
        for name, ways in (("her", "out"), ("der", "in"), ("begge", "outin")):
            other = remote(db, f"{name}.example", name)
            other.type = actors.ActorType.GROUP
            db.flush()
            if "out" in ways:
                follows.accept(db, follows.request(db, group, other))
            if "in" in ways:
                follows.accept(db, follows.request(db, other, group, uri=f"https://{name}.example/f"))

    scene.do(befriend)
    found = scene.read(lambda db: twinning.of(db, group))
    assert {(one.other.username, one.theirs_here, one.ours_there) for one in found} == {
        ("her", True, False),
        ("der", False, True),
        ("begge", True, True),
    }
    listed = scene.read(lambda db: communities.members(db, group, Window(limit=40)))
    assert {one.type for _, one, _ in listed} == {"Person"}


def test_a_community_is_no_twin_of_itself_and_of_none_that_hides(scene: Scene) -> None:
    group, before = scene.actor("udfordrere"), scene.count(follows.Follow)
    hidden = scene.do(lambda db: communities.create(db, "hemmelig", "H", creator=None, ways=Ways(node_only=True)))
    for target in (group, hidden, scene.actor("eva")):
        with pytest.raises(Invalid):
            scene.do(lambda db, target=target: twinning.ask(db, scene.actor("camilla"), group, target))  # type: ignore[misc]
    assert scene.count(follows.Follow) == before


def _ask(scene: Scene, group: Actor, days: float, *answers: float) -> None:
    """A question so many days ago, answered after so many hours each."""
    base._last = 0  # ids go with the clock, here also backwards
    with days_ago(days):
        draft = Draft("?", "Hvem ved noget om det her?")
        question = scene.do(lambda db: threads.ask(db, scene.actor("eva"), group, draft))
    for number, hours in enumerate(answers):
        base._last = 0
        with days_ago(days - hours / 24):
            who = scene.actor(("birk", "farid", "david")[number])
            scene.do(lambda db, who=who: threads.answer(db, who, posts.get(db, question.id), Draft("Ja.")))  # type: ignore[misc]


def test_the_figures_say_how_well_a_community_answers(scene: Scene) -> None:
    group = scene.do(lambda db: communities.create(db, "veje", "Veje", creator=scene.actor("anna")))
    _ask(scene, group, 200, 1)
    _ask(scene, group, 100)
    _ask(scene, group, 80, 2, 30)
    _ask(scene, group, 60, 30)
    _ask(scene, group, 40, 40, 50)
    _ask(scene, group, 0.5)
    found = scene.read(lambda db: community_statistics.of(db, group.id))
    assert (found.unanswered, found.due, found.within_a_day, found.share) == (2, 3, 1, 33)
    assert found.median == pytest.approx(30 * 3600, abs=5)
    assert found.answerers == 2
    assert sum(number for _, number in found.weeks) == 4
    assert found.weeks[-1][1] + found.weeks[-2][1] == 1
    assert scene.read(lambda db: community_statistics.unanswered(db, [group.id])) == {group.id: 2}


def test_the_first_answer_counts_and_when_it_goes_the_next(scene: Scene) -> None:
    group = scene.do(lambda db: communities.create(db, "veje", "Veje", creator=scene.actor("anna")))
    _ask(scene, group, 10, 5, 3, 9)

    def question(db: Session) -> posts.Post:
        return db.scalars(
            select(posts.Post).where(posts.Post.community_id == group.id, posts.Post.kind == "question")
        ).one()

    assert scene.read(lambda db: question(db).answered_after) == pytest.approx(3 * 3600, abs=5)

    def drop(db: Session) -> None:
        farid = scene.actor("farid").id
        of = posts.Post.thread_id == question(db).id
        removing.tombstone(db, db.scalars(select(posts.Post).where(of, posts.Post.author_id == farid)).one())

    scene.do(drop)
    assert scene.read(lambda db: question(db).answered_after) == pytest.approx(5 * 3600, abs=5)
    assert scene.read(lambda db: question(db).answer_count) == 2


def test_an_empty_community_has_no_share_and_no_median(scene: Scene) -> None:
    group = scene.do(lambda db: communities.create(db, "veje", "Veje", creator=scene.actor("anna")))
    found = scene.read(lambda db: community_statistics.of(db, group.id))
    assert (found.unanswered, found.share, found.median, found.busiest) == (0, None, None, 1)


def test_the_figures_are_read_from_an_index_without_looking_at_a_post(scene: Scene) -> None:
    if not scene.database.sqlite:
        pytest.skip("PostgreSQL scans tables as small as this one")
    asked: list[tuple[str, object]] = []

    def note(connection: object, cursor: object, statement: str, given: object, *rest: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, given))

    group = scene.actor("udfordrere")
    event.listen(scene.database._reader, "before_cursor_execute", note)
    scene.read(lambda db: community_statistics.of(db, group.id))
    event.remove(scene.database._reader, "before_cursor_execute", note)
    assert len(asked) == 5

    def plan(db: Session, statement: str, given: object) -> str:
        rows = db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)  # type: ignore[arg-type]
        return " ".join(row[3] for row in rows)

    for statement, given in asked:
        assert "COVERING INDEX ix_posts_of_community" in scene.read(lambda db, s=statement, g=given: plan(db, s, g))  # type: ignore[misc]
