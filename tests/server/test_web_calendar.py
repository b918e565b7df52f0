"""Meetings in lists, in a month, on a map and in calendar programs; series, the door, minutes, calendars of others."""

import json
import re
from datetime import timedelta
from typing import Any

import httpx
import icalendar
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import attending, calendars, minutes, planning
from models.base import now
from models.calendars import OutsideCalendar
from models.drafts import KeptDraft
from models.jobs import Job
from models.links import PostLink, Tie
from models.meetings import Meeting, Way
from models.planning import Around
from models.posts import Kind, Post
from server.calendars import importing
from server.calendars.occurrences import Occurrence, Read
from tests.models.test_meetings import PLAN, plan
from tests.models.test_minutes import TEXT, go_to
from tests.models.test_series import tuesdays
from tests.server.calendars.test_reading import file
from tests.server.page_queries import queries
from tests.server.test_web_people import JONAS, somebody_lives
from tests.server.visiting import ORIGIN, Visiting, person, words

pytestmark = pytest.mark.anyio

ODENSE: dict[str, Any] = {"latitude": None, "longitude": None, "town": "Odense", "capacity": None}


def held(visiting: Visiting, name: str = "birk", community: bool = True, **changed: Any) -> Post:
    def write(db: Session) -> Post:
        around = Around(community=person(db, "udfordrere")) if community else planning.HERE
        return plan(db, name, around=around, **changed)

    return visiting.database.write(write)


def begun(visiting: Visiting, **changed: Any) -> Post:
    post = held(visiting, capacity=None, **changed)
    visiting.database.write(lambda db: go_to(db, post, 150))
    return post


def events(raw: bytes) -> list[Any]:
    return list(icalendar.Calendar.from_ical(raw).walk("VEVENT"))


# Lists


async def test_the_list_is_narrowed_by_what_was_asked_for(visiting: Visiting) -> None:
    held(visiting, title="I Odense", **ODENSE)
    held(visiting, title="Kun på nettet", community=False, place="", street="", town="", postal_code="", latitude=None, longitude=None)  # fmt: skip
    held(visiting, title="I Aarhus", town="Aarhus", latitude=None, longitude=None, online_url="")
    async with visiting.browser() as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        for query, shown in (
            ("", {"I Odense", "Kun på nettet", "I Aarhus"}),
            ("?municipality=0461", {"I Odense"}),
            (f"?community={group}", {"I Odense", "I Aarhus"}),
            ("?online=yes", {"I Odense", "Kun på nettet"}),
            ("?online=no", {"I Odense", "I Aarhus"}),
            ("?period=month", set()),
            ("?municipality=nowhere&online=x&period=y&near=z&community=q", {"I Odense", "Kun på nettet", "I Aarhus"}),
        ):
            html = await browser.read(f"/meetings{query}")
            assert {title for title in ("I Odense", "Kun på nettet", "I Aarhus") if title in html} == shown, query


async def test_near_a_municipality_the_nearest_comes_first_with_its_distance(visiting: Visiting) -> None:
    held(visiting, title="I Odense", **ODENSE)
    held(visiting, title="I Aalborg", **{**ODENSE, "town": "Aalborg"})
    async with visiting.browser() as browser:
        html = await browser.read("/meetings?near=0851")
        assert html.index("I Aalborg") < html.index("I Odense")
        assert re.search(r"18\d km væk", words(html)) and "0 km væk" in words(html)


async def test_a_month_shows_each_meeting_on_its_day_at_its_hour(visiting: Visiting) -> None:
    posts = visiting.database.write(tuesdays)
    async with visiting.browser() as browser:
        html = await browser.read("/meetings/calendar?month=2031-11")
        cell = re.search(r'<time datetime="2031-11-04">.*?</td>', html, re.S)
        assert cell is not None and "16.00 Når jura siger nej" in words(cell[0]) and f"/p/{posts[2].id}" in cell[0]
        assert html.count("Når jura siger nej") == 1 and html.count("<tr>") == 6  # names of days, and five weeks
        assert "/meetings/calendar?month=2031-10" in html and "/meetings/calendar?month=2031-12" in html
        for month in ("", "2031-13", "9999-99", "x", "0001-01"):
            assert "<table" in await browser.read(f"/meetings/calendar?month={month}")


async def test_the_map_counts_and_leads_to_the_list(visiting: Visiting) -> None:
    held(visiting, **ODENSE)
    held(visiting, place="", street="", town="", postal_code="", latitude=None, longitude=None)
    async with visiting.browser() as browser:
        html = await browser.read("/meetings/map")
        assert 'href="/meetings?municipality=0461" aria-label="Odense: 1 møde"' in html
        assert "Kun på nettet 1" in words(html)


async def test_lists_cost_the_same_however_many_there_are(visiting: Visiting, nothing_kept: None) -> None:
    held(visiting)
    async with visiting.browser("eva") as browser:
        for path in (
            "/meetings",
            "/meetings/calendar?month=2031-12",
            "/meetings/map",
            "/meetings/mine",
            "/meetings.ics",
        ):
            counted = []
            for _ in range(2):
                counted.append(await queries(browser, path))
                for _ in range(3):
                    held(visiting)
            assert counted[1] == counted[0], path


# Calendar programs


async def test_every_feed_carries_what_belongs_to_it(visiting: Visiting) -> None:
    ours = held(visiting, title="I fællesskabet", **ODENSE)
    private = held(visiting, community=False, title="På egen profil", online_hidden=True)
    async with visiting.browser("birk") as browser:
        page = await browser.read("/meetings/mine")
        own = re.search(rf'value="{ORIGIN}(/meetings/mine/[^"]+\.ics)"', page)
        assert own is not None and f"webcal://a.example{own[1]}" in page
        for path, expected in (
            ("/meetings.ics", {ours.uri, private.uri}),
            ("/c/udfordrere/meetings.ics", {ours.uri}),
            ("/meetings/in/0461.ics", {ours.uri}),
            (own[1], {ours.uri, private.uri}),
        ):
            browser.http.cookies.clear()
            answer = await browser.http.get(path)
            assert answer.headers["content-type"] == "text/calendar; charset=utf-8", path
            assert {str(event["UID"]) for event in events(answer.content)} == expected, path
            assert b"ATTENDEE" not in answer.content
            again = await browser.http.get(path, headers={"If-None-Match": answer.headers["etag"]})
            assert again.status_code == 304 and "last-modified" in again.headers
        for path in ("/c/nobody/meetings.ics", "/meetings/in/9999.ics", "/meetings/in/x.ics", "/c/eva/meetings.ics"):
            assert (await browser.http.get(path)).status_code == 404, path


async def test_the_hidden_link_is_in_the_calendar_of_who_has_it_alone(visiting: Visiting) -> None:
    post = held(visiting, online_hidden=True, capacity=None)
    async with visiting.browser("eva") as eva, visiting.browser() as stranger:
        eva.do(lambda db: attending.sign_up(db, person(db, "eva"), db.get_one(Post, post.id), Way.WEB))
        assert b"https://meet.example/x" in (await eva.http.get(f"/posts/{post.id}/meeting.ics")).content
        for path in (f"/posts/{post.id}/meeting.ics", "/meetings.ics"):
            assert b"meet.example" not in (await stranger.http.get(path)).content, path


async def test_a_new_private_address_ends_the_old_one(visiting: Visiting) -> None:
    address = re.compile(rf'value="{ORIGIN}(/meetings/mine/[^"]+\.ics)"')
    async with visiting.browser("eva") as browser:
        old = address.search(await browser.read("/meetings/mine"))
        await browser.succeed("/meetings/mine/renew")
        new = address.search(await browser.read("/meetings/mine"))
        assert old and new and old[1] != new[1]
        assert (await browser.http.get(new[1])).status_code == 200
        for path in (old[1], "/meetings/mine/x.ics", new[1].replace(".ics", "x.ics"), "/meetings/mine/1-0.aaaa.ics"):
            assert (await browser.http.get(path)).status_code == 404, path


async def test_a_cancelled_meeting_is_cancelled_in_calendars_and_numbered_higher(visiting: Visiting) -> None:
    post = held(visiting)
    async with visiting.browser() as browser:
        (before,) = events((await browser.http.get("/meetings.ics")).content)
        browser.do(lambda db: planning.cancel(db, person(db, "birk"), db.get_one(Post, post.id)))
        (after,) = events((await browser.http.get("/meetings.ics")).content)
        assert (before["STATUS"], after["STATUS"]) == ("CONFIRMED", "CANCELLED")
        assert int(after["SEQUENCE"]) > int(before["SEQUENCE"]) and before["UID"] == after["UID"] == post.uri


async def test_what_is_not_for_everybody_is_in_no_open_feed(visiting: Visiting) -> None:
    visiting.database.write(lambda db: plan(db, around=Around(visibility="node")))
    async with visiting.browser() as browser:
        assert events((await browser.http.get("/meetings.ics")).content) == []


# Series


async def test_a_series_is_planned_from_the_page_of_its_first(visiting: Visiting) -> None:
    post = held(visiting, capacity=None)
    async with visiting.browser("birk") as browser:
        assert f"/posts/{post.id}/series" in await browser.read(f"/p/{post.id}")
        where = await browser.succeed(f"/posts/{post.id}/series", do="pattern", every="month_weekday", count="3")
        said = words(await browser.read(where))
        for day in ("2. december 2031", "6. januar 2032", "3. februar 2032"):
            assert day in said
        fields = {"starts1": "2031-12-20T10:00", "place1": "Biblioteket", "town1": "Odense"}
        await browser.succeed(f"/posts/{post.id}/series", do="places", **fields)
        assert "Biblioteket, Odense" in words(await browser.read(where))


@pytest.mark.alike
@pytest.mark.parametrize(
    "fields",
    [
        {"do": "pattern", "every": "never", "count": "3"},
        {"do": "pattern", "every": "week"},
        {"do": "pattern", "every": "week", "count": "1"},
        {"do": "pattern", "every": "week", "count": "999"},
        {"do": "pattern", "every": "week", "until": "someday"},
        {"do": "pattern", "every": "week", "until": "2020-01-01"},
        {"do": "pattern", "every": "month_last", "count": "3"},
        {"do": "places"},
        {"do": "places", "place1": "x"},
        {"do": "places", "place1": "x", "starts1": "2031-99-99T10:00"},
        {"do": "places", "place1": "x", "starts1": "2001-01-01T10:00"},
        {"do": "places", "place1": "x", "starts1": "2031-12-02T16:00", "ends1": "2031-12-02T15:00"},
    ],
)
async def test_a_series_that_is_none_is_told_beside_its_field(visiting: Visiting, fields: dict[str, str]) -> None:
    post = held(visiting)
    async with visiting.browser("birk") as browser:
        answer = await browser.send(f"/posts/{post.id}/series", **fields)
        assert answer.status_code == 422 and "form-error" in answer.text
        assert browser.do(lambda db: len(list(db.scalars(select(Meeting))))) == 1


async def test_a_change_and_a_cancellation_hold_for_later_ones_where_that_is_chosen(visiting: Visiting) -> None:
    posts = visiting.database.write(tuesdays)
    async with visiting.browser("birk") as browser:
        page = await browser.read(f"/posts/{posts[1].id}/meeting")
        assert "Kun dette" in page and "Dette og de 2 senere" in page
        form = dict(re.findall(r'name="(\w+)" type="[\w-]+" value="([^"]*)"', page))
        fields = {**form, "place": "Biblioteket", "theme": PLAN.theme, "agenda": PLAN.agenda, "joining": "free",
                  "remind_hours": "24", "language": "da", "by_reply": "1", "accessibility": "Elevator."}  # fmt: skip
        await browser.succeed(f"/posts/{posts[1].id}/meeting", **fields, scope="later")
        await browser.succeed(f"/posts/{posts[2].id}/cancel", why="Ferie", scope="later")
        rows = [browser.do(lambda db, id=post.id: db.get_one(Meeting, id)) for post in posts]  # type: ignore[misc]
        assert [row.place for row in rows] == ["Rådhuset", *["Biblioteket"] * 3]
        assert [row.cancelled for row in rows] == [False, False, True, True]


# The door


async def test_the_code_at_the_door_leads_to_one_button(visiting: Visiting) -> None:
    post = held(visiting, capacity=None)
    visiting.database.write(lambda db: go_to(db, post, 5))
    async with visiting.browser("birk") as birk, visiting.browser("eva") as eva, visiting.browser() as stranger:
        page = await birk.read(f"/posts/{post.id}/door")
        assert "<svg" in page and "style=" not in page
        found = re.search(rf"{ORIGIN}(/posts/{post.id}/check-in/[\w-]{{22}})", page)
        assert found is not None
        sent_on = await stranger.open(found[1])
        assert sent_on.headers["location"].startswith("/sign-in?next=")
        assert "Jeg er her" in await eva.read(found[1])
        await eva.succeed(found[1])
        assert "Du er tjekket ind" in await eva.read(found[1])
        assert "1 er her" in words(await birk.read(f"/posts/{post.id}/door"))
        assert "1 var der" in words(await stranger.read(f"/p/{post.id}"))
        for path in (f"/posts/{post.id}/check-in/{'x' * 22}", f"/posts/{post.id}/check-in/æ"):
            assert (await eva.open(path)).status_code == 404
            assert (await eva.send(path)).status_code == 404
        for name in ("eva",):
            assert (await eva.open(f"/posts/{post.id}/door")).status_code == 404, name


async def test_the_organiser_ticks_off_by_hand(visiting: Visiting) -> None:
    post = held(visiting, capacity=None)

    def come(db: Session) -> int:
        attending.sign_up(db, person(db, "eva"), db.get_one(Post, post.id), Way.WEB)
        go_to(db, post, 5)
        return person(db, "eva").id

    eva = visiting.database.write(come)
    async with visiting.browser("birk") as browser:
        await browser.succeed(f"/posts/{post.id}/door", actor=eva, there="1")
        assert "1 er her" in words(await browser.read(f"/posts/{post.id}/door"))
        await browser.succeed(f"/posts/{post.id}/door", actor=eva, there="")
        assert "0 er her" in words(await browser.read(f"/posts/{post.id}/door"))
        assert (await browser.send(f"/posts/{post.id}/door", actor="1", there="1")).status_code == 404


# Minutes


async def test_minutes_are_written_and_each_point_becomes_a_question_or_a_report(visiting: Visiting) -> None:
    post = begun(visiting)
    async with visiting.browser("birk") as birk, visiting.browser("eva") as eva:
        assert "Skriv referatet" in await birk.read(f"/p/{post.id}")
        where = await birk.succeed(f"/posts/{post.id}/minutes", text=TEXT, language="da")
        said = words(await eva.read(where))
        assert "Referat" in said and said.count("Hvem skriver til økonomi?") >= 2 and "Spørg om det" in said
        asking = await eva.succeed(f"/posts/{post.id}/minutes/2", **{"as": "question"})
        form = await eva.read(asking)
        assert asking.startswith("/ask?draft=") and "Hvem skriver til økonomi?" in form and post.uri in form
        group = eva.do(lambda db: person(db, "udfordrere").id)
        fields = {"title": "Hvem skriver til økonomi?", "community": group, "links": post.uri, "language": "da"}
        await eva.succeed("/ask", **fields, draft=asking.partition("=")[2])
        question = eva.do(lambda db: db.scalars(select(Post).where(Post.title == "Hvem skriver til økonomi?")).one())
        tie = eva.do(lambda db: db.scalars(select(PostLink).where(PostLink.from_id == question.id)).one())
        assert (tie.tie, tie.to_id) == (Tie.ABOUT, post.id)
        assert "Hvem skriver til økonomi?" in words(await eva.read(f"/p/{post.id}")).split("1 åbent spørgsmål")[1]
        reporting = await eva.succeed(f"/posts/{post.id}/minutes/1", **{"as": "report"})
        assert reporting.startswith("/experience/new?draft=")
        assert "Juraen siger ja, hvis foreningen er vært." in await eva.read(reporting)
        assert post.uri in await eva.read(f"{reporting}&step=5")


async def test_a_place_that_is_not_in_the_minutes_begins_nothing(visiting: Visiting) -> None:
    post = begun(visiting)
    async with visiting.browser("eva") as browser:
        for line in (1, 2**64):
            assert (await browser.send(f"/posts/{post.id}/minutes/{line}", **{"as": "question"})).status_code == 404
        browser.do(lambda db: minutes.write(db, person(db, "birk"), db.get_one(Post, post.id), TEXT))
        assert (await browser.send(f"/posts/{post.id}/minutes/99", **{"as": "question"})).status_code == 404
        assert browser.do(lambda db: db.scalar(select(KeptDraft))) is None
        assert (await browser.open(f"/posts/{post.id}/minutes")).status_code == 404


async def test_empty_minutes_are_told_and_a_preview_is_only_shown(visiting: Visiting) -> None:
    post = begun(visiting)
    async with visiting.browser("birk") as browser:
        assert (await browser.send(f"/posts/{post.id}/minutes", text=" ", language="da")).status_code == 422
        shown = await browser.send(f"/posts/{post.id}/minutes", text="*Ja*", language="da", do="preview")
        assert "<em>Ja</em>" in shown.text
        assert browser.do(lambda db: db.get_one(Meeting, post.id).minutes_post_id) is None


# Calendars of others


async def test_a_moderator_shows_a_calendar_and_takes_it_away(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser, visiting.browser("eva") as eva:
        assert "/c/udfordrere/calendars" in await browser.read("/c/udfordrere/manage")
        await browser.succeed("/c/udfordrere/calendars", url="webcal://bibliotek.example/k.ics", name="Biblioteket")
        row = browser.do(lambda db: db.scalars(select(OutsideCalendar)).one())
        assert row.url == "https://bibliotek.example/k.ics"
        assert "Biblioteket" in await browser.read("/c/udfordrere/calendars")
        for url in ("", "ftp://x.example", "http://", "https://bibliotek.example/k.ics"):
            assert (await browser.send("/c/udfordrere/calendars", url=url)).status_code in {409, 422}, url
        await browser.succeed("/c/udfordrere/calendars/read", calendar=row.id)
        assert (await browser.send("/c/aabne_data/calendars/remove", calendar=row.id)).status_code == 404
        for path in ("/c/udfordrere/calendars", "/c/udfordrere/calendars/remove"):
            assert (await eva.send(path, url="https://y.example/a.ics", calendar=row.id)).status_code == 404
        await browser.succeed("/c/udfordrere/calendars/remove", calendar=row.id)
        assert browser.do(lambda db: db.scalar(select(OutsideCalendar))) is None


def event(begins: str, title: str = "Café") -> str:
    return f"UID:1\nSUMMARY:{title}\nDTSTART;TZID=Europe/Copenhagen:{begins}\nLOCATION:Biblioteket\nURL:https://b.example/e"


async def test_the_worker_reads_a_calendar_through_the_client_and_notes_what_goes_wrong(visiting: Visiting) -> None:
    fed, elsewhere = visiting.app.state.fed, visiting.elsewhere

    def subscribe(db: Session) -> int:
        return calendars.add(db, person(db, "camilla"), person(db, "udfordrere"), "https://b.example/k.ics").id

    row_id = visiting.database.write(subscribe)
    with visiting.database.reading() as db:
        assert db.scalar(select(Job.kind).where(Job.kind == "read_calendar")) == "read_calendar"
    run = importing.jobs(visiting.settings)["read_calendar"]
    at = f"{now() + timedelta(days=7):%Y%m%dT%H%M%S}"
    served: list[tuple[int, bytes, str]] = [
        (200, file(event(at)), "text/calendar; charset=utf-8"),
        (200, file(event(at, "Andet navn")), "text/calendar"),
        (500, b"", "text/plain"),
        (200, b"<html>", "text/html"),
        (200, b"no calendar", "text/plain"),
        (200, b"x" * (importing.MAX_BYTES + 1), "text/calendar"),
        (200, file(), "text/calendar"),
    ]
    said = []
    for status, body, kind in served:

        async def say(_: httpx.Request, answer: tuple[int, bytes, str] = (status, body, kind)) -> httpx.Response:
            return httpx.Response(answer[0], content=answer[1], headers={"Content-Type": answer[2]})

        elsewhere.answers["b.example"] = say
        await run(fed, {"calendar": row_id})
        with visiting.database.reading() as db:
            row = db.get_one(OutsideCalendar, row_id)
            found = [(post.title, db.get_one(Meeting, post.id).cancelled) for post in db.scalars(select(Post).where(Post.kind == Kind.EVENT))]  # fmt: skip
            said.append((bool(row.error), found))
    assert said == [
        (False, [("Café – Biblioteket", False)]),
        *[(False, [("Andet navn", False)])],
        *[(True, [("Andet navn", False)])] * 4,
        (False, [("Andet navn", True)]),
    ]


def test_a_long_calendar_says_nothing_of_what_was_cut_off() -> None:
    begins = now() + timedelta(days=1)
    found = Read("x", [Occurrence("k", begins, begins + timedelta(hours=1), "Nowhere/Zone", "Café", url="https://b.example")], 0, True)  # fmt: skip
    (listed,) = importing.listed_of(found, begins + timedelta(days=1), "Europe/Copenhagen", "da")
    assert (listed.plan.timezone, listed.plan.place, listed.plan.join_url) == (
        "Europe/Copenhagen",
        "x",
        "https://b.example",
    )


async def test_the_address_of_an_event_of_another_server_is_looked_up_from_the_search(visiting: Visiting) -> None:
    somebody_lives(visiting.elsewhere)
    people, at = visiting.elsewhere.answers["m.example"], "https://m.example/events/7"
    doc = {
        "@context": "https://www.w3.org/ns/activitystreams", "id": at, "type": "Event", "attributedTo": JONAS,
        "to": ["https://www.w3.org/ns/activitystreams#Public"], "name": "Gadefest på Amager", "content": "<p>Kom!</p>",
        "published": "2026-11-01T08:00:00Z", "startTime": "2031-12-02T16:00:00+01:00", "timezone": "Europe/Copenhagen",
        "location": {"type": "Place", "name": "Torvet", "address": {"addressLocality": "Odense"}}, "joinMode": "free",
    }  # fmt: skip

    async def answer(request: httpx.Request) -> httpx.Response:
        if str(request.url) == at:
            return httpx.Response(200, content=json.dumps(doc), headers={"Content-Type": "application/activity+json"})
        return await people(request)

    visiting.elsewhere.answers["m.example"] = answer
    async with visiting.browser("eva") as eva, visiting.browser() as nobody:
        page = await eva.read(f"/search?q={at}")
        assert f'<input type="hidden" name="uri" value="{at}">' in page
        assert "Slå det op der" not in await nobody.read(f"/search?q={at}")
        where = await eva.succeed("/follow", uri=at)
        assert "tirsdag 2. december 2031 kl. 16.00" in words(await eva.read(where))
        assert eva.do(lambda db: db.scalars(select(Meeting.municipality)).one()) == "0461"
        assert at in {str(one["UID"]) for one in events((await eva.http.get("/posts/" + where.split("/")[2] + "/meeting.ics")).content)}  # fmt: skip
