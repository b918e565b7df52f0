"""What holds for every endpoint of the client API, made from the table of routes: a new line there is tried here."""

import re

import pytest

from models import scopes
from models.database import Database
from server.api.calls import Endpoint
from server.api.routes import API
from tests.server.apps import ApiWorld

pytestmark = [pytest.mark.anyio, pytest.mark.once]


def each(endpoints: list[Endpoint]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("one", endpoints, ids=lambda one: f"{one.method} {one.path}")


EVERY = each(API)
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
ORDINARY = [scope for scope in scopes.ALL if scope != "offline_access"]


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def address(one: Endpoint, value: str = "1") -> str:
    return PARAMETER.sub(value, one.path)


def uncovering(wanted: str) -> str:
    """All the scopes there are but those that would do."""
    return " ".join(scope for scope in ORDINARY if not scopes.covers(scope, wanted))


@EVERY
async def test_without_a_token_nobody_gets_further_than_what_is_for_anybody(world: ApiWorld, one: Endpoint) -> None:
    async with world.client() as api:
        answer = await api.call(one.method, address(one))
        if one.described.who == "anybody":
            assert answer.status_code < 500
        else:
            assert answer.status_code == 401
            assert answer.json()["error"] == "The access token is invalid"


@EVERY
async def test_a_made_up_token_is_refused_even_where_none_is_needed(world: ApiWorld, one: Endpoint) -> None:
    async with world.client() as api:
        api.token = "made-up"
        await api.refused(401, one.method, address(one))


@each([one for one in API if one.described.scope is not None])
async def test_a_token_with_every_scope_but_the_right_one_is_refused(world: ApiWorld, one: Endpoint) -> None:
    async with world.client("birk", scopes=uncovering(one.described.scope or "")) as api:
        error = await api.refused(403, one.method, address(one))
        assert error["error"] == "This action is outside the authorized scopes"


@EVERY
async def test_the_right_scope_alone_opens_the_door(world: ApiWorld, one: Endpoint) -> None:
    wanted = (one.described.scope or "read").split("|")[0]
    async with world.client("birk", scopes=wanted) as api:
        answer = await api.call(one.method, address(one))
        assert answer.status_code < 500, answer.text
        if answer.status_code in {401, 403}:
            assert answer.json()["code"] not in {"invalid_token", "scope_missing"}


@each([one for one in API if "{" in one.path])
async def test_an_id_that_is_none_is_not_found(world: ApiWorld, one: Endpoint) -> None:
    async with world.client("birk") as api:
        for garbage in ("99999999999999999999", "0x1f", "-1", "%00", "%2e%2e", "a" * 3000, "%F0%9F%8C%8A", "1e3"):
            answer = await api.call(one.method, address(one, garbage))
            assert answer.status_code in {200, 400, 403, 404, 405, 422}, (garbage, answer.status_code, answer.text)
            assert answer.headers["content-type"].startswith("application/json"), garbage


@each([one for one in API if one.method != "GET"])
async def test_a_body_that_is_no_body_is_told_so(world: ApiWorld, one: Endpoint) -> None:
    async with world.client("birk") as api:
        for body in (b"{", b"[1]", b'"x"', b"\xff\xfe", b'{"a":' * 2000, b'{"id": NaN}'):
            await api.refused(422, one.method, address(one), content=body, headers={"Content-Type": "application/json"})
        for kind, body in (
            ("application/x-www-form-urlencoded", b"id=\xf8"),
            ("multipart/form-data", b""),
            ("multipart/form-data; boundary=x", b"--x\r\n0.0--x--\r\n"),
        ):
            await api.refused(422, one.method, address(one), content=body, headers={"Content-Type": kind})


@EVERY
async def test_every_answer_says_how_often_one_may_call_and_lets_browsers_read_it(
    world: ApiWorld, one: Endpoint
) -> None:
    async with world.client() as api:
        answer = await api.call(one.method, address(one) + "/")
        assert answer.status_code != 404 or one.described.who == "anybody", "a trailing slash does no harm"
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(answer.headers)
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_address_that_does_not_exist_is_not_found_as_json(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        for path in ("/api/v1/nothing", "/api/v9/statuses", "/api/", "/api/v1/statuses/1/2/3/4"):
            await api.refused(404, "GET", path, headers={"Accept": "text/html"})
        await api.refused(405, "PATCH", "/api/v1/timelines/home")


async def test_a_browser_may_ask_from_any_site(world: ApiWorld) -> None:
    async with world.client() as api:
        asked = {
            "Origin": "https://phanpy.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key,content-type",
        }
        answer = await api.call("OPTIONS", "/api/v1/statuses", headers=asked)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "idempotency-key" in answer.headers["access-control-allow-headers"]
        assert "PUT" in answer.headers["access-control-allow-methods"]


async def test_who_calls_too_often_hears_429_and_when_to_come_again(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        for _ in range(300):
            answer = await api.call("GET", "/api/torv/v1/communities/1")
        assert answer.headers["x-ratelimit-remaining"] == "0"
        error = await api.call("GET", "/api/torv/v1/communities/1")
        assert error.status_code == 429
        assert int(error.headers["retry-after"]) > 0
        assert error.json()["error"]
