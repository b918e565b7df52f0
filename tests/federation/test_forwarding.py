"""Passing a reply on to the home of its thread: our asker signs, the bytes are as they came, nothing secret in them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from federation.forwarding import forward
from models import actors, threads
from models.jobs import Job
from models.posts import Draft
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.federation.scenes import LENE, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


async def _passed_on(scene: Scene, elsewhere: Elsewhere, **more: Any) -> bytes:
    """The body of a reply by Jonas to what Lene asked in the community elsewhere; the job for it is there."""

    def ask(db):  # type: ignore[no-untyped-def]
        lene, group = actors.by_uri(db, LENE), actors.by_uri(db, scene.group.uri)
        return threads.ask(db, lene, group, Draft("Hvordan?", title="Hvordan gør I?")).uri

    uri = scene.inbox.write(ask)
    reply = scene.jonas.note("reply", inReplyTo=uri, **more)
    sent = json.dumps(scene.jonas.creates(reply), indent=1).encode()
    assert (await scene.inbox.note(scene.jonas.sends(sent))).startswith("done: ")
    (job,) = scene.inbox.read(lambda db: list(db.scalars(select(Job).where(Job.kind == "forward"))))
    await forward(federation_with(scene.inbox.database, elsewhere), job.payload)
    return sent


async def test_the_home_gets_the_bytes_as_they_came_signed_by_our_asker(scene: Scene) -> None:
    elsewhere = Elsewhere()
    sent = await _passed_on(scene, elsewhere)
    (got,) = elsewhere.posts("g.example")
    assert (got.url, got.body) == (scene.group.doc["inbox"], sent)
    assert f'keyId="{LENE}#main-key"' in got.headers["signature"]


async def test_t72_whom_a_reply_names_in_secret_is_not_passed_on(scene: Scene) -> None:
    elsewhere = Elsewhere()
    await _passed_on(scene, elsewhere, bcc=[scene.karla.uri])
    (got,) = elsewhere.posts("g.example")
    assert scene.karla.uri not in got.body.decode()
    assert got.json["object"]["content"] == "<p>Hej</p>"


async def test_a_home_that_is_not_there_just_now_is_tried_again(scene: Scene) -> None:
    elsewhere = Elsewhere()
    elsewhere.answer("g.example", 503)
    with pytest.raises(TimeoutError):
        await _passed_on(scene, elsewhere)


async def test_a_home_that_knocks_back_one_signature_is_shown_the_other(scene: Scene) -> None:
    elsewhere = Elsewhere()
    elsewhere.answer("g.example", 401)
    await _passed_on(scene, elsewhere)
    first, second = elsewhere.posts("g.example")
    assert "signature-input" not in first.headers
    assert "signature-input" in second.headers
