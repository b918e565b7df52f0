"""What holds for every page and every form: whose forms count, what browsers may do, and what is too much."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import func, select
from starlette.routing import Route

from models.notifications import Notification
from models.posts import Post
from models.reactions import Vote
from models.tables import metadata
from server.app import ACCOUNT, ADMINISTRATION, COMMUNITY_MANAGEMENT, CONSENT, DEEDS, PAGES
from server.security import CSP, FORM_BYTES, Bounded
from server.settings import Settings
from tests.server.visiting import ORIGIN, Visiting, person, question
from tests.world import PASSWORD

pytestmark = pytest.mark.anyio

WEB = [*PAGES, *DEEDS, *COMMUNITY_MANAGEMENT, *ACCOUNT, *CONSENT, *ADMINISTRATION]
PROVEN = "/unsubscribe/{token}"
"""Mail programs send it by themselves, from anywhere (RFC 8058): the address in the letter is the proof."""
FORMS = [route for route in WEB if "POST" in (route.methods or ()) and route.path != PROVEN]
VIEWS = [route for route in WEB if "GET" in (route.methods or ())]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def app_routes(visiting: Visiting) -> list[Route]:
    """The whole table."""
    return [route for route in visiting.app.routes if isinstance(route, Route)]


def address(route: Route, visiting: Visiting) -> str:
    """A real address of the route: a question, a person and a community that are there."""
    with visiting.database.reading() as db:
        post, actor = question(db, "Hvordan fik I").id, person(db, "eva").id
    number = actor if "/actors/" in route.path else post
    return (
        route.path.replace("{id:int}", str(number))
        .replace("{name}", "udfordrere")
        .replace("{handle}", "birk")
        .replace("{tag}", "regler")
        .replace("{token}", "x")
        .replace("{line:int}", "0")
        .replace("{code}", "x")
    )


def rows(visiting: Visiting) -> dict[str, int]:
    """How many rows each table has."""
    with visiting.database.reading() as db:
        return {table.name: db.scalar(select(func.count()).select_from(table)) or 0 for table in metadata.sorted_tables}


async def test_a_form_without_our_token_does_nothing(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        before = rows(visiting)
        for route in FORMS:
            if route.path == "/language":
                continue  # it stands on every page, and changes nothing but itself
            for token in ("", "0" * 64):
                browser.token = token
                fields = {"value": "1", "verdict": "accept", "login": "a", "password": "b"}
                answer = await browser.send(address(route, visiting), **fields)
                assert answer.status_code == 403, route.path
        assert rows(visiting) == before


@pytest.mark.alike
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://a.example", "https://a.example.evil.example"]
)
async def test_a_form_from_another_site_does_nothing(visiting: Visiting, origin: str) -> None:
    async with visiting.browser("camilla") as browser:
        before = rows(visiting)
        for route in FORMS:
            headers = {"Origin": origin}
            answer = await browser.send(address(route, visiting), headers=headers, value="1", language="en")
            assert answer.status_code == 403, route.path
            assert "set-cookie" not in answer.headers, route.path
        assert rows(visiting) == before


@pytest.mark.once
async def test_a_browser_that_says_cross_site_is_believed(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        answer = await browser.send("/sign-out", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403


async def test_anothers_token_is_no_token(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        birk.token = anna.token
        assert (await birk.send("/sign-out")).status_code == 403


async def test_no_get_changes_anything(visiting: Visiting) -> None:
    before = rows(visiting)
    async with visiting.browser("anna") as anna, visiting.browser() as nobody:
        logins = {"logins": before["logins"] + 1}
        for route in VIEWS:
            for browser in (anna, nobody):
                answer = await browser.open(address(route, visiting) + "?uri=anna&value=1&verdict=accept")
                assert answer.status_code < 500
        assert rows(visiting) == {**before, **logins}


@pytest.mark.once
async def test_what_is_only_a_form_is_no_link(visiting: Visiting) -> None:
    pages = {route.path for route in app_routes(visiting) if "GET" in (route.methods or ())}
    async with visiting.browser("anna") as browser:
        for route in FORMS:
            if route.path not in pages:
                answer = await browser.open(address(route, visiting))
                assert answer.status_code in {404, 405}, route.path


@pytest.mark.once
async def test_every_answer_carries_the_policy(visiting: Visiting) -> None:
    assert CSP == POLICY
    async with visiting.browser("anna") as browser:
        for path in ("/", "/questions", "/no-such-page", "/healthz", "/c/udfordrere"):
            answer = await browser.open(path)
            assert answer.headers["content-security-policy"] == POLICY
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.once
async def test_the_doors_for_other_sites_leave_out_form_action_alone(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        answer = await browser.open("/intents/follow?uri=birk")
        assert answer.headers["content-security-policy"] == POLICY.replace("form-action 'self'; ", "")


@pytest.mark.alike
@pytest.mark.parametrize(
    "host", ["evil.example", "a.example.evil.example", "a.example:8443", "", "a.example@evil.example"]
)
async def test_a_made_up_host_gets_nothing(visiting: Visiting, host: str) -> None:
    async with visiting.browser("anna") as browser:
        answer = await browser.open("/", Host=host, **{"X-Forwarded-Host": "evil.example"})
        assert answer.status_code == 421
        assert "evil" not in answer.text


@pytest.mark.once
async def test_a_forwarded_host_is_not_believed(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        answer = await browser.open("/", **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
        assert answer.status_code == 200
        assert "evil" not in answer.text


@pytest.mark.once
async def test_a_form_of_half_a_megabyte_is_too_much(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        answer = await browser.send("/post", text="x" * FORM_BYTES)
        assert answer.status_code == 413
        assert "Det var for meget på én gang" in answer.text


@pytest.mark.once
async def test_a_body_that_lies_about_its_length_is_stopped_as_it_comes(visiting: Visiting) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 1000

    async with visiting.browser("anna") as browser:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN, "Accept": "text/html"}
        answer = await browser.http.post("/post", content=endless(), headers=headers)
        assert answer.status_code == 413


@pytest.mark.once
async def test_a_request_that_trickles_in_is_let_go(visiting: Visiting) -> None:
    settings = Settings(origin=ORIGIN, data_dir="unused", receive_deadline=0.2)
    slow = Visiting(visiting.database, settings=settings)

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x"
            await asyncio.sleep(0.1)

    async with slow.browser("anna") as browser:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN, "Accept": "text/html"}
        answer = await browser.http.post("/post", content=trickle(), headers=headers)
        assert answer.status_code == 408


async def test_what_waits_for_the_visitor_to_leave_has_no_deadline() -> None:
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, object]:
        if messages:
            return dict(messages.pop())
        await asyncio.sleep(0.3)
        return {"type": "http.disconnect"}

    seen: list[str] = []

    async def app(scope: object, receive: object, send: object) -> None:
        for _ in range(2):
            seen.append((await receive())["type"])  # type: ignore[operator]

    async def send(message: object) -> None:
        raise AssertionError

    scope = {"type": "http", "headers": [], "path": "/"}
    await Bounded(app, max_bytes=10, seconds=0.1)(scope, receive, send)  # type: ignore[arg-type]
    assert seen == ["http.request", "http.disconnect"]


async def test_an_unforeseen_error_is_a_page_with_a_number_and_no_details(
    visiting: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("secret: the password is hunter2")

    monkeypatch.setattr("models.timelines.questions", break_down)
    async with visiting.browser() as browser:
        answer = await browser.open("/questions")
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] in answer.text
        assert "hunter2" not in answer.text
        assert answer.headers["content-security-policy"] == POLICY


async def test_a_locked_database_is_503_and_says_that_nothing_was_lost(
    visiting: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.errors import Unavailable

    def busy(*_: object, **__: object) -> None:
        raise Unavailable

    async with visiting.browser("anna") as browser:
        monkeypatch.setattr(visiting.database, "write", busy)
        answer = await browser.send("/post", text="Mit lange indlæg")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "Mit lange indlæg" in answer.text


async def test_a_page_that_a_busy_server_could_not_give_may_be_asked_for_again(
    visiting: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a link to the same place; what a form sends is not sent again by one."""
    from models.errors import Unavailable
    from server.web import question_lists

    def busy(*_: object, **__: object) -> None:
        raise Unavailable

    async with visiting.browser("anna") as browser:
        monkeypatch.setattr(question_lists, "to_choose", busy)
        answer = await browser.open("/questions?order=top")
        assert answer.status_code == 503
        assert 'href="/questions?order=top">Prøv igen' in answer.text
        monkeypatch.setattr(visiting.database, "write", busy)
        assert "Prøv igen</a>" not in (await browser.send("/post", text="Mit indlæg")).text


async def test_whoever_is_signed_out_while_writing_gets_his_words_back(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        browser.http.cookies.clear()
        answer = await browser.send("/ask", title="Hvem har prøvet?", text="Et langt spørgsmål")
        assert answer.status_code == 401
        assert "Hvem har prøvet?" in answer.text
        assert "Et langt spørgsmål" in answer.text


@pytest.mark.alike
@pytest.mark.parametrize("accept", ["application/activity+json", "application/json"])
async def test_programs_read_errors_as_json(visiting: Visiting, accept: str) -> None:
    async with visiting.browser() as browser:
        answer = await browser.http.get("/no-such-page", headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_vote_counts_with_the_token_so_the_tests_above_can_fail(visiting: Visiting) -> None:
    async with visiting.browser("farid") as browser:
        with visiting.database.reading() as db:
            target = question(db, "Lederen siger ja").id
            before = db.scalar(select(func.count()).select_from(Vote))
        await browser.succeed(f"/posts/{target}/vote", value="1")
        with visiting.database.reading() as db:
            assert db.scalar(select(func.count()).select_from(Vote)) == (before or 0) + 1
            assert db.scalar(select(func.count()).select_from(Notification).where(Notification.kind == "vote"))
            assert db.get(Post, target)


async def test_the_password_stands_in_no_answer(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        await browser.take_token("/sign-in")
        browser.token = "wrong"
        answer: httpx.Response = await browser.send("/sign-in", login="anna", password=PASSWORD)
        assert answer.status_code == 403
        assert PASSWORD not in answer.text
