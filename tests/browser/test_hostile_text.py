"""Hostile text in every field that people here or on other servers can fill, opened in a real browser: nothing of it runs,
nothing is loaded, and no policy has to stop it, because what arrives in the page is text."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation import reading, resolving
from federation.resolving import Budget
from models import (
    actors,
    adopting,
    announcements,
    arriving,
    attending,
    communities,
    endorsing,
    follows,
    house,
    identity,
    moderation,
    planning,
    profiles,
    proposing,
    threads,
)
from models.actors import Actor
from models.base import now
from models.errors import DomainError
from models.house import Page as HousePage
from models.meetings import Plan, Way
from models.posts import Draft, Kind, Post
from tests import keys
from tests.browser.conftest import Site
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.server.test_web_scripts import CORPUS

pytestmark = [pytest.mark.slow, pytest.mark.browser]
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def person(db: Session, handle: str) -> Actor:
    found = actors.by_handle(db, handle)
    assert found is not None
    return found


def typed(db: Session, number: int, evil: str) -> None:
    """What a member writes wherever something can be written."""
    birk, group = person(db, "birk"), person(db, "udfordrere")
    question = threads.ask(db, birk, group, Draft(evil, f"Hvad nu {evil}"[:190], summary=evil[:100]))
    threads.answer(db, person(db, "camilla"), question, Draft(evil))
    threads.comment(db, person(db, "camilla"), question, Draft(evil))
    moderation.report(db, reporter=birk, target=person(db, "camilla"), post_uris=[question.uri], comment=evil)
    announcements.announce(db, f"{number} {evil}")
    plan = Plan(
        f"Hvad nu {evil}"[:190], evil, evil, (now() + timedelta(days=9)).replace(tzinfo=None, microsecond=0),
        place=evil[:200], street=evil[:200], postal_code=evil[:200], town=evil[:200], accessibility=evil,
        latitude=1.0, longitude=1.0,
    )  # fmt: skip
    meeting = planning.publish(db, birk, plan, planning.Around(community=group))
    attending.sign_up(db, person(db, "anna"), meeting, Way.WEB)
    if number % 2:
        planning.cancel(db, birk, meeting, evil)
    principles(db, evil)


def principles(db: Session, evil: str) -> None:
    """A dogma whose every text is hostile: its line, its text, what has changed, and why it was adopted."""
    birk, camilla, group = person(db, "birk"), person(db, "camilla"), person(db, "udfordrere")
    said = proposing.Principle(f"Hvad nu {evil}"[:150], evil)
    adopted = proposing.propose(db, birk, said, group)
    proposing.change(db, birk, adopted, replace(said, text=f"{evil} igen"), evil[:500])
    adopting.adopt(db, camilla, adopted, evil[:500])
    proposing.change(db, birk, adopted, replace(said, text=f"Endelig {evil}"), evil[:500])
    endorsing.endorse(db, birk, adopted)
    voted = proposing.propose(db, birk, said, group)
    adopting.open_vote(db, camilla, voted, 3, 1)


def last_words(db: Session, evil: str) -> None:
    """The fields of which there is one only."""
    birk, group = person(db, "birk"), person(db, "udfordrere")
    profiles.change(db, birk, name=evil[:90], summary_source=evil, fields=profiles.fields([(evil[:200], evil)]))
    row = communities.settings(db, group)
    group.name, group.summary_source = evil[:90], evil
    row.rules = [evil]
    house.set_rules(db, [evil])
    for which in HousePage:
        house.set_page(db, which, evil)
    identity.choose(db, name=evil[:60], run_by=evil[:60], description=evil)


def remote(evil: str, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Somebody elsewhere, all of whose fields are hostile, and what he wrote."""
    eve = f"https://m{number}.example/users/eve"
    actor = {
        "id": eve, "type": "Person", "preferredUsername": "eve", "name": evil, "summary": evil, "url": evil,
        "inbox": f"{eve}/inbox", "icon": {"type": "Image", "url": evil}, "image": {"type": "Image", "url": evil},
        "attachment": [{"type": "PropertyValue", "name": evil, "value": evil}], "discoverable": True, "indexable": True,
        "publicKey": {"id": f"{eve}#main-key", "owner": eve, "publicKeyPem": keys.draw()[1]},
    }  # fmt: skip
    common = {
        "type": "Note", "attributedTo": eve, "to": [PUBLIC], "published": "2026-11-24T08:00:00Z", "url": evil,
        "content": f"<p>{evil}</p>", "summary": evil, "contentMap": {evil[:8]: evil}, "source": {"content": evil},
        "attachment": [{"type": "Document", "mediaType": "image/png", "url": evil, "name": evil, "blurhash": evil}],
        "tag": [
            {"type": "Hashtag", "name": f"#{evil}", "href": evil},
            {"type": "Emoji", "name": f":{evil}:", "icon": {"type": "Image", "url": evil}},
            {"type": "Mention", "name": evil, "href": evil},
        ],
    }  # fmt: skip
    poll = {"type": "Question", "oneOf": [{"type": "Note", "name": evil}, {"type": "Note", "name": "ja"}]}
    return actor, [
        {**common, "id": f"https://m{number}.example/s/1"},
        {**common, "id": f"https://m{number}.example/s/2", "name": evil},
        {**common, **poll, "id": f"https://m{number}.example/s/3"},
        {**common, **_event(evil), "id": f"https://m{number}.example/s/4", "name": evil},
        {
            **common,
            "id": f"https://m{number}.example/s/4",
            "name": evil,
            "torv:kind": "dogma",
            "torv:status": "adopted",
            "torv:number": 4,
            "torv:version": 3,
            "torv:changed": evil,
            "summary": None,
        },
    ]


def _event(evil: str) -> dict[str, Any]:
    address = dict.fromkeys(("streetAddress", "postalCode", "addressLocality", "addressCountry"), evil)
    place = {"type": "Place", "name": evil, "summary": evil, "address": address, "latitude": evil, "longitude": evil}
    return {
        "type": "Event", "startTime": "2031-12-01T15:00:00Z", "endTime": evil, "timezone": evil, "location": [place],
        "joinMode": "external", "externalParticipationUrl": evil, "onlineLink": evil, "eventStatus": evil,
        "maximumAttendeeCapacity": evil, "participantCount": evil,
    }  # fmt: skip


async def arrive(site: Site) -> list[int]:
    """Everything hostile from elsewhere, as a reply or a post of its own; the numbers of the posts."""
    fed = federation_with(site.database, Elsewhere())
    numbers = []
    with site.database.reading() as db:
        asked = db.scalars(select(Post).where(Post.title.startswith("Hvordan fik I"))).one().uri
    for number, evil in enumerate(CORPUS):
        actor, posts = remote(evil, number)

        def know(db: Session, actor: dict[str, Any] = actor) -> None:
            eve = actors.record_remote(db, reading.actor(actor).remote)
            follows.accept(db, follows.request(db, person(db, "anna"), eve))

        site.database.write(know)
        for document in posts:
            if document["id"].endswith("/1"):
                document = {**document, "inReplyTo": asked}
            made = await resolving.to_remote(fed, reading.note(document), Budget())
            numbers.append(site.database.write(lambda db, made=made: arriving.record_remote(db, made)[0].id))
    return numbers


@pytest.fixture
def hostile(site: Site) -> list[str]:
    """The addresses of all pages that show something of it."""
    for number, evil in enumerate(CORPUS):
        try:
            site.database.write(lambda db, number=number, evil=evil: typed(db, number, evil))
        except DomainError:  # refused at the door: that is well too
            continue
    with ThreadPoolExecutor(1) as elsewhere:  # the browser's own loop runs in this thread
        numbers = elsewhere.submit(asyncio.run, arrive(site)).result()
    with site.database.reading() as db:
        ids = db.scalars(select(Post.id).where(Post.title.startswith("Hvad nu"))).all()
        meetings = db.scalars(select(Post.id).where(Post.id.in_(ids), Post.kind == "event")).all()
        dogma_ids = db.scalars(select(Post.id).where(Post.kind == Kind.DOGMA)).all()
        actor_ids = db.scalars(select(Actor.id).where(Actor.uri.endswith("/users/eve")).limit(4)).all()
    return [
        *(
            "/",
            "/questions",
            "/notifications",
            "/t/regler",
            "/communities",
            "/start",
            "/admin/reports",
            "/admin/domains",
            "/meetings",
        ),
        *("/search?q=hvad", "/search?q=script&what=people", "/admin/announcements", "/requests", "/settings/blocks"),
        *(f"/p/{id}" for id in (*ids, *numbers)),
        *(f"/posts/{id}/{what}" for id in ids[:6] for what in ("history", "reply", "report", "from-home")),
        *(f"/posts/{id}/attendees" for id in meetings),
        "/dogma",
        "/dogma?community=1",
        "/u/birk",
        *(f"/posts/{id}/versions" for id in dogma_ids),
        *(f"/@eve@m{number}.example" for number in range(len(CORPUS))),
        *(f"/actors/{id}/report" for id in actor_ids),
    ]


def watch(page: Page, origin: str) -> list[str]:
    """What a page does that it should not, as it happens."""
    seen: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((origin, "data:")):
            seen.append(f"asked {request.url}")

    page.on("dialog", lambda dialog: (seen.append(f"said {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: seen.append(f"broke {error}"))
    page.on("console", lambda line: seen.append(line.text) if "Content Security Policy" in line.text else None)
    page.on("request", asked)
    return seen


def test_nothing_hostile_runs_or_loads_on_any_page(site: Site, hostile: list[str]) -> None:
    page = site.signed_in("anna")
    seen = watch(page, site.origin)
    for path in hostile:
        answer = page.goto(site.origin + path)
        assert answer is not None
        assert answer.status == 200, path
        assert page.locator("main").count() == 1, path
        assert seen == [], path


@pytest.mark.parametrize("evil", CORPUS, ids=lambda evil: evil[:24])
def test_nothing_hostile_runs_in_profiles_rules_and_names(site: Site, evil: str) -> None:
    site.database.write(lambda db: last_words(db, evil))
    page = site.signed_in("anna")
    seen = watch(page, site.origin)
    for path in ("/u/birk", "/c/udfordrere", "/about", "/privacy-policy", "/admin/identity"):
        answer = page.goto(site.origin + path)
        assert answer is not None
        assert answer.status == 200, path
        assert seen == [], path
