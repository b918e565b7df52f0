"""Passing a reply on to the followers whom it addresses, and whom only their own server knows."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from federation import JOBS
from federation.receiving import IncomingRequest
from models.jobs import Job
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import Json, said
from tests.federation.scenes import LENE, Scene

pytestmark = pytest.mark.anyio
FORWARDING = ("forward", "forward_to_followers")


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


async def passed_on(scene: Scene) -> dict[str, httpx.Request]:
    """What is posted to each inbox once all that was promised is done."""
    posted: dict[str, httpx.Request] = {}

    def take(request: httpx.Request) -> Any:
        assert str(request.url) not in posted
        posted[str(request.url)] = request
        return said(202)

    for host in ("m", "k", "g"):
        scene.fediverse.documents[f"https://{host}.example/inbox"] = take
    while jobs := scene.inbox.read(lambda db: list(db.scalars(select(Job).where(Job.kind.in_(FORWARDING))))):
        for job in jobs:
            await JOBS[job.kind](scene.inbox.fed, job.payload)
            scene.inbox.write(lambda db, job=job: db.delete(db.get(Job, job.id)))
    return posted


def reply(scene: Scene, answers: str, **more: Any) -> Json:
    return scene.fediverse.put(scene.jonas.note("reply", "<p>Ja.</p>", inReplyTo=answers, **more))


async def test_a_reply_that_addresses_the_askers_followers_reaches_them_as_it_came(scene: Scene) -> None:
    for one in (scene.karla, scene.jonas):
        scene.follows(one.uri, LENE)
    answer = reply(scene, scene.question.uri, cc=[f"{LENE}/followers"])
    sent: IncomingRequest = scene.jonas.sends(scene.jonas.creates(answer))
    assert (await scene.inbox.note(sent)).startswith("done: Recorded the answer")
    posted = await passed_on(scene)
    assert set(posted) == {"https://k.example/inbox"}  # Jonas' own server has it
    request = posted["https://k.example/inbox"]
    assert request.content == sent.body
    assert f'keyId="{LENE}#main-key"' in request.headers["signature"]
    again = {**scene.jonas.creates(answer), "id": scene.jonas.id("act/again")}
    assert (await scene.hear(scene.jonas, again)).startswith("ignored")
    assert await passed_on(scene) == {}


@pytest.mark.parametrize("named", ["nobody", "others", "in private"])
async def test_nothing_else_is_passed_on_to_followers(named: str, scene: Scene) -> None:
    scene.follows(scene.karla.uri, LENE)
    more: dict[str, Any] = {
        "nobody": {},
        "others": {"cc": [scene.jonas.followers, f"{scene.karla.uri}/followers", "https://a.example/u/omar/followers"]},
        "in private": {"to": [LENE, f"{LENE}/followers"], "cc": []},
    }[named]
    assert (await scene.hear(scene.jonas, scene.jonas.creates(reply(scene, scene.question.uri, **more)))).startswith(
        "done"
    )
    assert await passed_on(scene) == {}
