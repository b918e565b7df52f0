"""A question that calls for a meeting, on its page: made one, come to, and a way to plan it."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import calls
from models.jobs import Job
from models.meetings import Way
from models.posts import Post
from tests.server.visiting import Visiting, person, question, words

pytestmark = pytest.mark.anyio


def asked(visiting: Visiting) -> tuple[Post, str]:
    """A question, and the name of who asked it."""
    with visiting.database.reading() as db:
        post = question(db, "Hvordan fik I")
        return post, next(name for name in ("anna", "birk", "camilla", "david", "eva", "farid")
                          if person(db, name).id == post.author_id)  # fmt: skip


async def test_who_asked_calls_for_a_meeting_and_others_say_that_they_would_come(visiting: Visiting) -> None:
    post, author = asked(visiting)
    other = "eva" if author != "eva" else "birk"
    async with visiting.browser(author) as mine, visiting.browser(other) as theirs:
        assert f"/posts/{post.id}/call" in await mine.read(f"/p/{post.id}")
        assert f"/posts/{post.id}/come" not in await theirs.read(f"/p/{post.id}")
        page = await mine.read(await mine.succeed(f"/posts/{post.id}/call"))
        assert f"/meeting/new?from={post.id}" in page
        page = await theirs.read(await theirs.succeed(f"/posts/{post.id}/come"))
        assert "1 vil komme" in words(page)
        assert "Du vil komme. Du får besked" in words(page)
        assert 'aria-pressed="true"' in page
        page = await theirs.read(await theirs.succeed(f"/posts/{post.id}/come", undo="1"))
        assert "1 vil komme" not in words(page)


async def test_nobody_else_makes_it_a_call_and_nobody_comes_where_there_is_none(visiting: Visiting) -> None:
    post, _ = asked(visiting)
    with visiting.database.reading() as db:
        other = next(name for name in ("eva", "farid", "birk") if not calls.may_call(db, person(db, name), post))
    async with visiting.browser(other) as browser:
        assert (await browser.send(f"/posts/{post.id}/call")).status_code == 403
        assert (await browser.send(f"/posts/{post.id}/come")).status_code == 404
        assert (await browser.send("/posts/1/come")).status_code == 404


async def test_who_calls_no_longer_asks_as_before(visiting: Visiting) -> None:
    post, author = asked(visiting)
    async with visiting.browser(author) as browser:
        await browser.succeed(f"/posts/{post.id}/call")
        page = await browser.read(await browser.succeed(f"/posts/{post.id}/call", undo="1"))
        assert "Spørgsmålet kalder ikke længere til møde." in words(page)
        assert 'id="call"' not in page


async def test_who_is_not_signed_in_sees_how_many_and_the_way_in(visiting: Visiting) -> None:
    post, author = asked(visiting)

    def make(db: Session) -> None:
        calls.call(db, person(db, author), db.get_one(Post, post.id))
        farid = person(db, "farid")
        farid.municipality = "0751"
        calls.come(db, farid, db.get_one(Post, post.id), Way.WEB)

    visiting.database.write(make)
    async with visiting.browser() as browser:
        page = words(await browser.read(f"/p/{post.id}"))
        assert "1 vil komme fra Aarhus" in page
        assert "Log ind for at sige, at du vil komme" in page
        assert (await browser.http.get(f"/p/{post.id}/coming")).json()["totalItems"] == 1
        said = await browser.http.get(f"/p/{post.id}", headers={"Accept": "application/activity+json"})
        assert said.json()["torv:wouldCome"] == {"id": f"{post.uri}/coming", "type": "Collection", "totalItems": 1}


async def test_a_meeting_is_planned_from_the_call_in_one_step_and_signed_up_for_with_one_click(
    visiting: Visiting,
) -> None:
    post, author = asked(visiting)
    other = "eva" if author != "eva" else "birk"
    async with visiting.browser(author) as mine, visiting.browser(other) as theirs:
        await mine.succeed(f"/posts/{post.id}/call")
        await theirs.succeed(f"/posts/{post.id}/come")
        page = await mine.read(f"/meeting/new?from={post.id}")
        assert f'value="{post.title}"' in page
        assert f'name="links" value="{post.uri}" checked' in page
        assert "1 person har sagt" in words(page)
        where = await mine.succeed(
            "/meeting/new", title="Lad os tale om det", theme="Om løb.", starts="2031-12-02T16:00", place="Rådhuset",
            timezone="Europe/Copenhagen", joining="free", remind_hours="24", visibility="public", language="da",
            community=str(post.community_id), links=[post.uri, ""],
        )  # fmt: skip
        meeting = visiting.database.write(
            lambda db: db.scalars(select(Post).where(Post.kind == "event").order_by(Post.id.desc())).first()
        )
        assert meeting is not None
        page = await mine.read(where)
        assert "1 åbent spørgsmål" in words(page) or "1 besvaret spørgsmål" in words(page)
        assert f"/ask?about={meeting.id}" in page
        assert "Lad os tale om det" in await theirs.read(f"/p/{post.id}")
        for job in visiting.database.write(lambda db: list(db.scalars(select(Job).where(Job.kind == calls.TELL)))):
            visiting.database.write(lambda db, job=job: calls.tell_some(db, job.payload))
        page = await theirs.read("/notifications")
        assert "planlægger det møde, du sagde, du ville komme til" in words(page)
        await theirs.succeed(f"/posts/{meeting.id}/sign-up")
        page = await theirs.read(where)
        assert "Du er tilmeldt." in words(page)


async def test_a_question_for_a_meeting_stands_at_it(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        where = await browser.succeed(
            "/meeting/new", title="Lad os tale om det", theme="Om løb.", starts="2031-12-02T16:00", place="Rådhuset",
            timezone="Europe/Copenhagen", joining="free", remind_hours="24", visibility="public", language="da",
        )  # fmt: skip
        number = where.split("/")[2]
        page = await browser.read(f"/ask?about={number}")
        assert 'checked><div><label for="tie-' in page
        group = browser.do(lambda db: person(db, "udfordrere").id)
        uri = f"https://a.example/p/{number}"
        asked = await browser.succeed(
            "/ask", title="Hvem tager mod os?", community=group, visibility="public", language="da", links=[uri, ""]
        )
        page = words(await browser.read(where))
        assert "1 åbent spørgsmål Hvem tager mod os? Ubesvaret Stil et spørgsmål til mødet" in page
        assert "Møder Lad os tale om det" in words(await browser.read(asked))
