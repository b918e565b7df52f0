"""An anonymous question on every public surface: nothing there says whose it is. Only he and the moderators see it."""

import re
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation import writing
from federation.writing import activities, objects
from federation.writing import actors as written_actors
from models import accounts, actors, anonymity, outbox, threads
from models.actors import Actor
from models.posts import Draft, Post
from tests.federation.elsewhere import remote
from tests.server.apps import ApiWorld
from tests.server.visiting import ORIGIN, Browser, Visiting, person
from tests.world import PASSWORD

pytestmark = pytest.mark.anyio

TITLE = "Hvordan siger I det til en chef, der ikke vil høre det?"
ASKER = re.compile(r"gerda|Kvistgaard", re.IGNORECASE)
"""Who has done nothing else on the node, so that her name has no other reason to stand anywhere."""


@pytest.fixture
async def asked(visiting: Visiting) -> AsyncIterator[Post]:
    """A question that Gerda asked anonymously through the page, with an answer, her comment, a vote and an acceptance."""
    new = {"username": "gerda", "email": "gerda@x.example", "password": PASSWORD, "name": "Gerda Kvistgaard"}
    visiting.database.write(lambda db: accounts.create(db, **new))
    async with visiting.browser("gerda") as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        fields = {"title": TITLE, "text": "Tredje gang i år.", "community": group, "language": "da"}
        where = await browser.succeed("/ask", face="anonymous", tags="chefer", municipality="0101", **fields)
        number = int(where.split("/")[2])
        answer = browser.do(
            lambda db: threads.answer(db, person(db, "farid"), db.get_one(Post, number), Draft("Skriv det."))
        )
        await browser.succeed(f"/posts/{answer.id}/reply", text="Det prøver jeg.")
        await browser.succeed(f"/posts/{answer.id}/accept")
        edited = {"title": TITLE, "text": "Fjerde gang i år.", "language": "da", "municipality": "0101"}
        await browser.succeed(f"/posts/{number}/edit", **edited)
        yield browser.do(lambda db: db.get_one(Post, number))


def surfaces(visiting: Visiting, post: Post) -> list[str]:
    """Every address of the node, for strangers, that shows something of the thread."""
    with visiting.database.reading() as db:
        in_thread = list(db.scalars(select(Post.id).where(Post.thread_id == post.id)))
        activities = db.scalars(select(outbox.Activity.id).where(outbox.Activity.post_id.in_(in_thread)))
        service, group = actors.get(db, post.author_id), person(db, "udfordrere")
        found = [
            *("/", "/questions", "/questions?order=accepted", "/questions?order=top", "/c/udfordrere", "/t/chefer"),
            *("/c/udfordrere/outbox", "/c/udfordrere/outbox?page=true", "/u/anonym-udfordrere"),
            *("/u/anonym-udfordrere/outbox", "/u/anonym-udfordrere/outbox?page=true", "/u/anonym-udfordrere/followers"),
            f"/.well-known/webfinger?resource=acct:{service.handle}",
            *(f"/feeds/{name}" for name in ("questions", "public", "community/udfordrere", "tag/chefer")),
            *("/feeds/person/anonym-udfordrere", f"/feeds/thread/{post.id}"),
            f"/api/torv/v1/questions/{post.id}",
            f"/api/torv/v1/questions?community_id={group.id}",
            f"/api/v1/accounts/{service.id}",
            f"/api/v1/accounts/{service.id}/statuses",
            "/api/v1/timelines/tag/chefer",
            f"/posts/{post.id}/history",
            f"/posts/{post.id}/from-home",
        ]
        for number in in_thread:
            found += [f"/p/{number}", f"/p/{number}/context", f"/p/{number}/replies", f"/p/{number}/likes"]
            found += [f"/p/{number}/shares", f"/api/v1/statuses/{number}", f"/api/v1/statuses/{number}/history"]
            found += [f"/api/v1/statuses/{number}/{what}" for what in ("context", "favourited_by", "reblogged_by")]
        return [*found, *(f"/activities/{number}" for number in activities)]


async def names_her(browser: Browser, path: str, accept: str) -> str:
    answer = await browser.http.get(path, headers={"Accept": accept}, follow_redirects=True)
    assert answer.status_code in {200, 401, 406}, f"{path} {answer.status_code}"
    found = ASKER.search(answer.text)
    return f"{path} ({accept}): …{answer.text[max(0, found.start() - 80) : found.end() + 40]}…" if found else ""


async def test_no_public_surface_says_who_asked(visiting: Visiting, asked: Post) -> None:
    paths = surfaces(visiting, asked)
    leaks = []
    async with visiting.browser() as stranger:
        for path in paths:
            for accept in ("text/html", "application/activity+json", "application/json"):
                leaks.append(await names_her(stranger, path, accept))
        page = await stranger.read(f"/p/{asked.id}")
        assert "Anonym" in page
        assert "Fjerde gang i år." in page
    for name in ("birk", "farid"):
        async with visiting.browser(name) as member:
            leaks += [await names_her(member, path, "text/html") for path in (*paths, "/notifications")]
    assert [leak for leak in leaks if leak] == []


async def test_what_is_sent_to_other_servers_does_not_say_it(visiting: Visiting, asked: Post) -> None:
    with visiting.database.reading() as db:
        thread = select(Post.id).where(Post.thread_id == asked.id)
        rows = db.scalars(select(outbox.Activity).where(outbox.Activity.post_id.in_(thread))).all()
        service = actors.get(db, asked.author_id)
        sent = [writing.dumps(activities.activity(db, row) or {}).decode() for row in rows]
        sent.append(writing.dumps(objects.post(db, db.get_one(Post, asked.id))).decode())
        sent.append(writing.dumps(written_actors.actor(db, service)).decode())
    assert len(sent) > 8
    assert not [text for text in sent if ASKER.search(text)]
    assert any('"ChooseAnswer"' in text and service.uri in text for text in sent)


async def test_the_client_api_does_not_say_it_to_members_either(visiting: Visiting, asked: Post) -> None:
    apps = ApiWorld(visiting.database)
    async with apps.client("birk") as birk, apps.client("farid") as farid:
        for api in (birk, farid):
            for path in [path for path in surfaces(visiting, asked) if path.startswith("/api/")]:
                answer = await api.call("GET", path)
                assert answer.status_code == 200, path
                assert not ASKER.search(answer.text), path
        for path in ("/api/v1/notifications", "/api/v2/notifications", "/api/v1/timelines/home"):
            answer = await farid.call("GET", path)
            assert "anonym-udfordrere" in answer.text, path
            assert not ASKER.search(answer.text), path


async def test_the_asker_and_the_moderators_see_whose_it_is(visiting: Visiting, asked: Post) -> None:
    async with visiting.browser("gerda") as gerda:
        page = await gerda.read(f"/p/{asked.id}")
        assert "Det er dit. Det kan kun du og moderatorerne på denne server se." in page
        assert f"/posts/{asked.id}/edit" in page
        assert f'action="/posts/{asked.id}/vote"' not in page
        assert "Stadig anonymt" in page
    for name in ("anna", "camilla"):
        async with visiting.browser(name) as moderator:
            page = await moderator.read(f"/p/{asked.id}")
            assert "Hvem har skrevet det? Det kan kun moderatorer se" in page
            assert "@gerda@a.example" in page


async def test_below_his_own_question_the_asker_stays_anonymous_unless_he_says_otherwise(
    visiting: Visiting, asked: Post
) -> None:
    async with visiting.browser("gerda") as gerda:
        for face, author in (("", "anonym-udfordrere"), ("anonymous", "anonym-udfordrere"), ("self", "gerda")):
            where = await gerda.succeed(f"/posts/{asked.id}/reply", text="En ting mere", face=face)
            written = int(where.rpartition("#p")[2])
            with visiting.database.reading() as db:
                assert db.get_one(Actor, db.get_one(Post, written).author_id).username == author
    async with visiting.browser("birk") as birk:
        await birk.succeed(f"/posts/{asked.id}/reply", text="Prøv igen", face="anonymous")
        with visiting.database.reading() as db:
            last = db.scalars(select(Post).where(Post.source == "Prøv igen")).one()
            assert last.author_id == person(db, "birk").id


async def test_asking_anonymously_elsewhere_is_refused_and_nothing_is_lost(visiting: Visiting) -> None:
    def group_elsewhere(db: Session) -> int:
        found = remote(db, "b.example", "x", type="Group")
        return found.id

    number = visiting.database.write(group_elsewhere)
    async with visiting.browser("eva") as eva:
        fields = {"title": TITLE, "text": "Tredje gang.", "community": number, "language": "da"}
        answer = await eva.send("/ask", face="anonymous", **fields)
        assert answer.status_code == 422
        assert "Du kan kun spørge anonymt i et fællesskab på denne server." in answer.text
        assert "Tredje gang." in answer.text
    with visiting.database.reading() as db:
        assert db.scalars(select(anonymity.AnonymousPost)).all() == []
        assert db.scalars(select(Post).where(Post.title == TITLE)).all() == []


async def test_the_service_is_there_for_other_servers(visiting: Visiting, asked: Post) -> None:
    async with visiting.browser() as stranger:
        found = await stranger.http.get("/u/anonym-udfordrere", headers={"Accept": "application/activity+json"})
        assert found.json()["type"] == "Service"
        assert found.json()["id"] == f"{ORIGIN}/u/anonym-udfordrere"
        post = await stranger.http.get(f"/p/{asked.id}", headers={"Accept": "application/activity+json"})
        assert post.json()["attributedTo"] == f"{ORIGIN}/u/anonym-udfordrere"
        assert post.json()["torv:municipality"] == "0101"
