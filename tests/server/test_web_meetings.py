"""Meetings on the pages: planned, read, signed up for, full, changed, cancelled; whatever is sent."""

import csv
import io
import json
import re
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import attending, blocks, composing, meetings, planning, posts, sanctions
from models.base import clock
from models.drafts import KeptDraft
from models.meetings import Attendee, Meeting, Way
from models.posts import Draft, Post
from tests.models.test_meetings import plan, states
from tests.server.page_queries import queries
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio

FORM: dict[str, Any] = {
    "title": "Når jura siger nej",
    "theme": "Tre korte *oplæg*.",
    "agenda": "1. Velkomst",
    "starts": "2031-12-02T16:00",
    "ends": "2031-12-02T18:00",
    "timezone": "Europe/Copenhagen",
    "place": "Rådhuset",
    "street": "Torvet 1",
    "postal_code": "1234",
    "town": "Eksempelby",
    "accessibility": "Elevator.",
    "latitude": "56,15",
    "longitude": "10.21",
    "online_url": "https://meet.example/x",
    "joining": "free",
    "join_url": "",
    "capacity": "1",
    "by_reply": "1",
    "remind_hours": "24",
    "visibility": "public",
    "language": "da",
}


def written(visiting: Visiting) -> Post:
    with visiting.database.reading() as db:
        return db.scalars(select(Post).where(Post.kind == "event").order_by(Post.id.desc())).first()  # type: ignore[return-value]


def held(visiting: Visiting, name: str = "birk", **changed: Any) -> Post:
    return visiting.database.write(lambda db: plan(db, name, **changed))


async def test_a_meeting_is_planned_and_stands_where_it_was_sent(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        where = await browser.succeed("/meeting/new", **FORM, community=group)
        post = written(visiting)
        assert where.startswith(f"/p/{post.id}")
        said = words(await browser.read(where))
        for part in (
            "Når jura siger nej", "tirsdag 2. december 2031 kl. 16.00–18.00", "Rådhuset",
            "Torvet 1, 1234 Eksempelby", "Elevator.", "0 af 1 plads er taget", "Aflys det",
        ):  # fmt: skip
            assert part in said
        listed = words(await browser.read("/meetings"))
        assert "Når jura siger nej" in listed
    with visiting.database.reading() as db:
        row = db.get_one(Meeting, post.id)
        assert (row.latitude, row.longitude, row.capacity, row.by_like, row.by_reply) == (56.15, 10.21, 1, False, True)
        assert post.community_id == group


@pytest.mark.alike
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "Nej"}, "title"),
        ({"theme": ""}, "theme"),
        ({"starts": ""}, "starts"),
        ({"starts": "i morgen"}, "starts"),
        ({"starts": "2031-12-02T16:00+01:00"}, "starts"),
        ({"starts": "2020-01-01T16:00", "ends": ""}, "starts"),
        ({"starts": "2031-03-30T02:30", "ends": ""}, "starts"),
        ({"ends": "2031-12-02T15:00"}, "ends"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"place": "", "street": "", "town": "", "online_url": ""}, "place"),
        ({"latitude": "nord"}, "latitude"),
        ({"latitude": "nan"}, "latitude"),
        ({"longitude": ""}, "latitude"),
        ({"online_url": "javascript:alert(1)"}, "online_url"),
        ({"joining": "alle"}, "joining"),
        ({"joining": "external"}, "join_url"),
        ({"capacity": "mange"}, "capacity"),
        ({"capacity": "0"}, "capacity"),
        ({"remind_hours": "5"}, "remind_hours"),
        ({"community": "99"}, "community"),
        ({"visibility": "direct"}, "visibility"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_everything_is_kept(
    visiting: Visiting, fields: dict[str, str], field: str
) -> None:
    async with visiting.browser("birk") as browser:
        answer = await browser.send("/meeting/new", **{**FORM, **fields})
        assert answer.status_code in {422, 404}
        assert f'href="#{field}"' in answer.text
        assert "Tre korte *oplæg*." in answer.text or field == "theme"
    with visiting.database.reading() as db:
        assert db.scalar(select(Meeting)) is None
        assert len(db.scalars(select(KeptDraft)).all()) == 1


async def test_a_draft_is_kept_and_gone_on_with(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        where = await browser.succeed("/meeting/new", **FORM, do="draft")
        form = await browser.read(where)
        assert 'value="2031-12-02T16:00"' in form
        assert "Møde" in words(await browser.read("/drafts"))
        draft = re.search(r"draft=(\d+)", where)[1]  # type: ignore[index]
        await browser.succeed("/meeting/new", **FORM, draft=draft)
    with visiting.database.reading() as db:
        assert db.scalars(select(KeptDraft)).all() == []


async def test_people_sign_up_wait_and_move_up(visiting: Visiting) -> None:
    post = held(visiting)
    async with visiting.browser("eva") as eva, visiting.browser("farid") as farid:
        assert "Jeg kommer" in words(await eva.read(f"/p/{post.id}"))
        where = await eva.succeed(f"/posts/{post.id}/sign-up")
        assert "Du er tilmeldt." in words(await eva.read(where))
        assert "Join the waiting list" in words(await farid.read(f"/p/{post.id}"))
        where = await farid.succeed(f"/posts/{post.id}/sign-up")
        assert "You are number 1 on the waiting list" in words(await farid.read(where))
        await farid.succeed(f"/posts/{post.id}/sign-up")  # twice is once
        await eva.succeed(f"/posts/{post.id}/stay-away")
        assert "You are signed up." in words(await farid.read(f"/p/{post.id}"))
        assert "has a place for you at a meeting" in words(await farid.read("/notifications"))
    assert visiting.database.write(lambda db: states(db, post)) == {"farid": "going"}


async def test_the_list_of_who_comes_is_for_those_who_come_and_the_organiser(visiting: Visiting) -> None:
    post = held(visiting, capacity=2)
    for name in ("eva", "farid", "david"):
        visiting.database.write(
            lambda db, name=name: attending.sign_up(db, person(db, name), posts.get(db, post.id), Way.WEB)
        )
    async with visiting.browser("eva") as eva:
        said = words(await eva.read(f"/posts/{post.id}/attendees"))
        assert "Farid Rahimi" in said
        assert "David Nygaard" not in said  # who waits, only the organiser sees
        assert (await eva.open(f"/posts/{post.id}/attendees.csv")).status_code == 404
        assert (await eva.send(f"/posts/{post.id}/attendees", actor="1", verdict="yes")).status_code in {403, 404}
    async with visiting.browser("david") as david:
        assert (await david.open(f"/posts/{post.id}/attendees")).status_code == 403
        assert "Eva Lindqvist" not in await david.read(f"/p/{post.id}")
    async with visiting.browser() as nobody:
        assert (await nobody.open(f"/posts/{post.id}/attendees")).status_code == 303
        page = await nobody.read(f"/p/{post.id}")
        assert "Eva Lindqvist" not in page
        assert "2 af 2 pladser er taget" in words(page)
    async with visiting.browser("birk") as birk:
        said = words(await birk.read(f"/posts/{post.id}/attendees"))
        assert "David Nygaard" in said
        answer = await birk.open(f"/posts/{post.id}/attendees.csv")
        table = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
        assert [row[3] for row in table[1:]] == ["going", "going", "waiting"]
        assert all(not row[2].startswith("@") for row in table[1:])  # no formula
        eva_id = birk.do(lambda db: person(db, "eva").id)
        await birk.succeed(f"/posts/{post.id}/attendees", actor=eva_id, verdict="no")
    assert visiting.database.write(lambda db: states(db, post)) == {
        "eva": "declined",
        "farid": "going",
        "david": "going",
    }


async def test_a_link_that_is_for_those_who_come_is_on_no_other_page(visiting: Visiting) -> None:
    post = held(visiting, online_hidden=True)
    async with visiting.browser("eva") as eva:
        assert "meet.example" not in await eva.read(f"/p/{post.id}")
        await eva.succeed(f"/posts/{post.id}/sign-up")
        assert "https://meet.example/x" in await eva.read(f"/p/{post.id}")
    async with visiting.browser() as nobody:
        assert "meet.example" not in await nobody.read(f"/p/{post.id}")


async def test_cancelling_asks_first_and_says_whom_it_tells(visiting: Visiting) -> None:
    post = held(visiting)
    visiting.database.write(lambda db: attending.sign_up(db, person(db, "eva"), posts.get(db, post.id), Way.WEB))
    async with visiting.browser("birk") as birk:
        assert (await birk.send(f"/posts/{post.id}/delete")).status_code == 409
        assert "1, der er tilmeldt eller venter, får besked" in words(await birk.read(f"/posts/{post.id}/cancel"))
        assert (await birk.send(f"/posts/{post.id}/cancel", why="x" * 1001)).status_code == 422
        where = await birk.succeed(f"/posts/{post.id}/cancel", why="Oplægsholderen er syg.")
        said = words(await birk.read(where))
        assert "Mødet er aflyst. Oplægsholderen er syg." in said
    async with visiting.browser("eva") as eva:
        assert (await eva.open(f"/posts/{post.id}/cancel")).status_code == 404
        assert (await eva.send(f"/posts/{post.id}/cancel")).status_code == 404
        assert "Jeg kommer" not in words(await eva.read(f"/p/{post.id}"))
        assert (await eva.send(f"/posts/{post.id}/sign-up")).status_code == 409


async def test_a_meeting_is_changed_on_a_page_that_shows_it_as_it_is(visiting: Visiting) -> None:
    post = held(visiting)
    async with visiting.browser("birk") as birk:
        answer = await birk.open(f"/posts/{post.id}/edit")
        assert answer.headers["location"] == f"/posts/{post.id}/meeting"
        form = await birk.read(f"/posts/{post.id}/meeting")
        assert 'value="2031-12-02T16:00"' in form
        assert 'value="1" checked' in form
        where = await birk.succeed(f"/posts/{post.id}/meeting", **{**FORM, "place": "Biblioteket", "capacity": ""})
        assert "Biblioteket" in words(await birk.read(where))
        assert (await birk.send(f"/posts/{post.id}/meeting", **{**FORM, "starts": ""})).status_code == 422
    async with visiting.browser("eva") as eva:
        assert (await eva.open(f"/posts/{post.id}/meeting")).status_code == 404
        assert (await eva.send(f"/posts/{post.id}/meeting", **FORM)).status_code == 404


async def test_search_engines_read_an_event_without_what_is_not_for_everybody(visiting: Visiting) -> None:
    post = held(visiting, online_hidden=True)
    visiting.database.write(lambda db: setattr(person(db, "birk"), "indexable", True))
    async with visiting.browser() as nobody:
        page = await nobody.read(f"/p/{post.id}")
    found = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page)[1])  # type: ignore[index]
    assert (found["@type"], found["startDate"]) == ("Event", "2031-12-02T16:00:00+01:00")
    assert found["location"][0]["address"]["addressLocality"] == "Eksempelby"
    assert found["eventAttendanceMode"] == "https://schema.org/MixedEventAttendanceMode"
    assert "meet.example" not in page
    assert '<meta property="og:title" content="Når jura siger nej">' in page


async def test_comments_stand_before_and_after(visiting: Visiting) -> None:
    post = held(visiting)
    async with visiting.browser("eva") as eva:
        await eva.succeed(f"/posts/{post.id}/reply", text="Er der kaffe?", visibility="public")
    clock.offset = (datetime.fromisoformat("2031-12-02T16:00Z").timestamp()) - clock.time()
    async with visiting.browser("eva") as eva:
        await eva.succeed(f"/posts/{post.id}/reply", text="Tak for i aften.", visibility="public")
        said = words(await eva.read(f"/p/{post.id}"))
    order = [said.index(part) for part in ("Før mødet", "Er der kaffe?", "Efter at mødet begyndte", "Tak for i aften.")]
    assert order == sorted(order)


async def test_what_somebody_limited_says_below_a_meeting_is_folded_away(visiting: Visiting) -> None:
    def limit(db: Session) -> int:
        post = plan(db, "birk")
        sanctions.impose(db, person(db, "david"), "limit", by=person(db, "camilla"), reason="Reklame")
        composing.note(db, person(db, "david"), Draft("Køb mit system."), reply_to=post)
        return post.id

    number = visiting.database.write(limit)
    async with visiting.browser() as nobody:
        page = words(await nobody.read(f"/p/{number}", **{"Accept-Language": "da"}))
    assert page.count("Fra en begrænset konto: vis") == 1
    assert "Køb mit system." in page


async def test_whom_the_organiser_has_blocked_hears_that_there_is_no_such_page(visiting: Visiting) -> None:
    post = held(visiting)
    visiting.database.write(lambda db: blocks.block(db, person(db, "birk"), person(db, "eva")))
    async with visiting.browser("eva") as eva:
        assert (await eva.send(f"/posts/{post.id}/sign-up")).status_code == 404


@pytest.mark.parametrize("path", ["sign-up", "stay-away", "decide", "cancel", "meeting"])
async def test_deeds_need_a_token_a_session_and_a_meeting(visiting: Visiting, path: str) -> None:
    post = held(visiting)
    note = visiting.database.write(lambda db: db.scalars(select(Post.id).where(Post.kind == "question")).first())
    async with visiting.browser() as nobody:
        assert (await nobody.send(f"/posts/{post.id}/{path}")).status_code in {401, 403}
    async with visiting.browser("eva") as eva:
        assert (await eva.send(f"/posts/{note}/{path}", actor="1", verdict="yes")).status_code == 404
        eva.token = ""
        assert (await eva.send(f"/posts/{post.id}/{path}")).status_code == 403
    with visiting.database.reading() as db:
        assert db.scalar(select(Attendee)) is None


async def test_pages_of_meetings_ask_as_often_however_many_there_are(visiting: Visiting) -> None:
    post = held(visiting, capacity=None)
    async with visiting.browser("birk") as birk:
        few = [await queries(birk, path) for path in ("/meetings", f"/p/{post.id}", f"/posts/{post.id}/attendees")]
        for name in ("anna", "camilla", "david", "eva", "farid"):
            held(visiting, name)
            visiting.database.write(
                lambda db, name=name: attending.sign_up(db, person(db, name), posts.get(db, post.id), Way.WEB)
            )
        many = [await queries(birk, path) for path in ("/meetings", f"/p/{post.id}", f"/posts/{post.id}/attendees")]
    assert many == few


async def test_the_list_of_meetings_goes_on_and_says_what_has_been(visiting: Visiting) -> None:
    for day in range(1, 29):
        held(visiting, starts=datetime.fromisoformat(f"2031-11-{day:02}T16:00"), ends=None)
    for _ in range(4):
        held(visiting, starts=datetime.fromisoformat("2031-12-01T16:00"), ends=None)
    async with visiting.browser() as nobody:
        first = await nobody.read("/meetings")
        following = re.search(r'href="(/meetings\?after=[^"]+)" rel="next"', first)
        assert following
        second = await nobody.read(following[1])
        seen = [re.findall(r'<h2 class="title"><a href="([^"]+)"', page) for page in (first, second)]
        assert [len(one) for one in seen] == [30, 2]
        assert not set(seen[0]) & set(seen[1])
        for bad in ("x", "1", "1-x", "9" * 30 + "-1", "1-" + "9" * 30):
            await nobody.read(f"/meetings?after={bad}")
        clock.offset = 20 * 365 * 86400.0
        assert "Når jura siger nej" in words(await nobody.read("/meetings?show=past"))
        assert "ikke planlagt nogen møder" in words(await nobody.read("/meetings"))


def test_every_field_of_the_form_is_kept_in_a_draft() -> None:
    from models.drafts import Wanted
    from server.web.drafting import FIELDS

    kept = set(FIELDS[Wanted.MEETING])
    assert set(FORM) <= kept
    assert set(vars(planning.Plan("x"))) <= kept
    assert set(meetings.COPIED) <= kept
