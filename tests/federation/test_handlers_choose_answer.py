"""ChooseAnswer: the chooser is who signed it, never who wrote the answer; and it counts where the thread is at home."""

from collections.abc import Iterator
from typing import Any

import pytest

from models import actors, communities
from models.base import clock
from models.outbox import Activity
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import PUBLIC, Json, Neighbour, neighbour
from tests.federation.scenes import SPOERG, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


async def karlas_question(scene: Scene) -> tuple[Json, Json]:
    """Karla has asked in our community; Jonas has answered."""
    question = scene.karla.note("here", name="Hvad gør I?", audience=SPOERG, to=[SPOERG, PUBLIC])
    answer = scene.jonas.note("there", "<p>Sådan.</p>", inReplyTo=question["id"])
    for who, post in ((scene.karla, question), (scene.jonas, answer)):
        scene.fediverse.put(post)
        assert (await scene.hear(who, who.creates(post))).startswith("done")
    return question, answer


def accepted(scene: Scene, question: str) -> str | None:
    """The id of the accepted answer."""
    chosen = scene.post(question).accepted_id
    return scene.inbox.read(lambda db: db.get(type(scene.question), chosen).uri) if chosen else None  # type: ignore[no-any-return]


def choice(who: Neighbour, answer: Json, label: object = "choice") -> Json:
    return who.does("ChooseAnswer", answer["id"], label, audience=SPOERG, to=[PUBLIC], cc=[SPOERG])


async def test_who_asked_chooses_and_takes_back_and_the_community_passes_it_on(scene: Scene) -> None:
    question, answer = await karlas_question(scene)
    made = choice(scene.karla, answer)
    assert (await scene.hear(scene.karla, made)).startswith("done")
    assert accepted(scene, question["id"]) == answer["id"]
    wrapped = scene.inbox.read(
        lambda db: [one.data.get("embed") for one in db.query(Activity).filter_by(type="Announce")]
    )
    assert {key: value for key, value in made.items() if key != "@context"} in wrapped
    assert (await scene.hear(scene.karla, scene.karla.does("Undo", made))).startswith("done")
    assert accepted(scene, question["id"]) is None


async def test_who_wrote_the_answer_does_not_choose_it(scene: Scene) -> None:
    question, answer = await karlas_question(scene)
    assert (await scene.hear(scene.jonas, choice(scene.jonas, answer))).startswith("ignored: Only the person who asked")
    assert accepted(scene, question["id"]) is None


async def test_nobody_takes_back_what_another_chose(scene: Scene) -> None:
    question, answer = await karlas_question(scene)
    made = choice(scene.karla, answer)
    await scene.hear(scene.karla, made)
    forged = {**made, "actor": scene.jonas.uri, "id": scene.jonas.id("act/x")}
    assert (await scene.hear(scene.jonas, scene.jonas.does("Undo", forged))).startswith(
        "ignored: Only the person who asked"
    )
    assert accepted(scene, question["id"]) == answer["id"]


async def test_a_moderator_elsewhere_chooses_in_our_community(scene: Scene) -> None:
    question, answer = await karlas_question(scene)
    assert (await scene.hear(scene.mona, choice(scene.mona, answer))).startswith("ignored")
    scene.inbox.write(
        lambda db: communities.add_moderator(db, None, actors.by_uri(db, SPOERG), actors.by_uri(db, scene.mona.uri))
    )
    assert (await scene.hear(scene.mona, choice(scene.mona, answer, 2))).startswith("done")
    assert accepted(scene, question["id"]) == answer["id"]


async def test_an_answer_to_another_question_is_no_answer_to_this_one(scene: Scene) -> None:
    question, _ = await karlas_question(scene)
    elsewhere = await scene.answer(scene.jonas)
    assert (await scene.hear(scene.karla, choice(scene.karla, elsewhere))).startswith("ignored")
    assert accepted(scene, question["id"]) is None
    assert accepted(scene, scene.question.uri) is None


async def in_their_group(scene: Scene) -> Json:
    """Jonas has answered Karla's question in the community elsewhere."""
    answer = scene.fediverse.put(scene.jonas.note("a", "<p>Ja.</p>", inReplyTo=scene.theirs["id"]))
    assert (await scene.hear_wrapped(scene.jonas.creates(answer))).startswith("done")
    return answer


async def test_of_a_thread_at_home_elsewhere_we_hear_by_its_home_only(scene: Scene) -> None:
    answer = await in_their_group(scene)
    made = scene.karla.does("ChooseAnswer", answer["id"], audience=scene.group.uri)
    assert await scene.hear(scene.karla, made) == "ignored: It counts here only through the thread's own community."
    other = neighbour(scene.fediverse, "andet", "o.example", "Group")
    assert "not the thread's home" in await scene.hear(other, other.does("Announce", made))
    assert (await scene.hear_wrapped(made)).startswith("done")
    assert accepted(scene, scene.theirs["id"]) == answer["id"]
    assert (await scene.hear_wrapped(scene.karla.does("Undo", made))).startswith("done")
    assert accepted(scene, scene.theirs["id"]) is None


@pytest.mark.parametrize(("who", "counts"), [("mona", True), ("jonas", False)])
async def test_a_home_elsewhere_is_asked_who_moderates_it(who: str, counts: bool, scene: Scene) -> None:
    answer = await in_their_group(scene)
    chooser: Neighbour = getattr(scene, who)
    ended = await scene.hear_wrapped(chooser.does("ChooseAnswer", answer["id"]))
    assert ended.startswith("done" if counts else "ignored")
    assert (accepted(scene, scene.theirs["id"]) == answer["id"]) is counts


async def test_the_askers_own_server_shows_what_is_accepted(scene: Scene) -> None:
    answer = await in_their_group(scene)
    shown: dict[str, Any] = {**scene.theirs, "acceptedAnswer": answer["id"], "updated": "2030-01-01T00:00:00Z"}
    scene.fediverse.put(shown)
    clock.offset += 100
    assert (await scene.hear_wrapped(scene.karla.does("Update", shown))).startswith("done")
    assert accepted(scene, scene.theirs["id"]) == answer["id"]
