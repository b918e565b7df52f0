"""Making an account where the node is open: on the pages and from an app."""

from typing import Any

import pytest

from models import accounts, oauth, oauth_apps
from models.database import Database
from models.redirects import OUT_OF_BAND
from server.settings import Settings
from tests.server.apps import ApiWorld
from tests.server.visiting import ORIGIN, Visiting, person

pytestmark = pytest.mark.anyio
PERSON = {"username": "gry", "email": "gry@havby.example", "password": "en-lang-kode-her"}
ASKED = {**PERSON, "agreement": "true", "locale": "da"}


def settings(registrations: str) -> Settings:
    return Settings(origin=ORIGIN, data_dir="unused", registrations=registrations, sign_ups_per_hour=2)  # type: ignore[arg-type]


def apps_own_token(database: Database) -> str:
    def make(db):  # type: ignore[no-untyped-def]
        app, _ = oauth_apps.register(db, name="toot", redirect_uris=[OUT_OF_BAND], wanted="read write")
        return oauth.for_itself(db, app, "read write").secret

    token: str = database.write(make)
    return token


async def test_an_app_makes_an_account_and_acts_for_it_at_once(lived_in: Database) -> None:
    world = ApiWorld(lived_in, settings=settings("open"))
    async with world.client() as api:
        api.token = apps_own_token(lived_in)
        made = await api.post("/api/v1/accounts", **ASKED)
        assert (made["token_type"], made["scope"]) == ("Bearer", "read write")
        api.token = made["access_token"]
        assert (await api.get("/api/v1/accounts/verify_credentials"))["username"] == "gry"
        assert (await api.get("/api/v2/instance"))["registrations"]["enabled"]


@pytest.mark.alike
@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"agreement": "false"}, {"agreement": "ERR_ACCEPTED"}),
        ({"username": "", "password": ""}, {"username": "ERR_BLANK", "password": "ERR_BLANK"}),
        ({"username": "anna"}, {"username": "ERR_TAKEN"}),
        ({"username": "admin"}, {"username": "ERR_RESERVED"}),
        ({"username": "not a name"}, {"username": "ERR_INVALID"}),
        ({"email": "nowhere"}, {"email": "ERR_INVALID"}),
        ({"email": "anna@vesterlund.example"}, {"email": "ERR_TAKEN"}),
        ({"password": "short"}, {"password": "ERR_TOO_SHORT"}),
        ({"password": "x" * 5000}, {"password": "ERR_TOO_LONG"}),
    ],
)
async def test_what_cannot_be_an_account_is_refused_with_the_reason_for_each_part(
    lived_in: Database, change: dict[str, str], reasons: dict[str, str]
) -> None:
    world = ApiWorld(lived_in, settings=settings("open"))
    async with world.client() as api:
        api.token = apps_own_token(lived_in)
        error: dict[str, Any] = await api.refused(422, "POST", "/api/v1/accounts", data=ASKED | change)
        assert error["error"].startswith("Validation failed: ")
        assert {part: why[0]["error"] for part, why in error["details"].items()} == reasons
    with lived_in.reading() as db, pytest.raises(Exception, match="no such account"):
        accounts.by_username(db, "gry")


@pytest.mark.parametrize("registrations", ["closed", "invite"])
async def test_a_node_that_is_not_open_says_so(lived_in: Database, registrations: str) -> None:
    world = ApiWorld(lived_in, settings=settings(registrations))
    async with world.client() as api:
        api.token = apps_own_token(lived_in)
        await api.refused(403, "POST", "/api/v1/accounts", data=ASKED)
        assert not (await api.get("/api/v2/instance"))["registrations"]["enabled"]
    async with Visiting(lived_in, settings=settings(registrations)).browser() as browser:
        assert (await browser.open("/sign-up")).status_code == 404
        await browser.take_token("/sign-in")
        assert (await browser.send("/sign-up", **PERSON)).status_code == 404


async def test_somebodys_token_makes_nobody_else(lived_in: Database) -> None:
    world = ApiWorld(lived_in, settings=settings("open"))
    async with world.client("birk") as api:
        await api.refused(401, "POST", "/api/v1/accounts", data=ASKED)


async def test_one_network_makes_only_so_many(lived_in: Database) -> None:
    world = ApiWorld(lived_in, settings=settings("open"))
    async with world.client() as api:
        api.token = apps_own_token(lived_in)
        for number in range(2):
            await api.post("/api/v1/accounts", **ASKED | {"username": f"gry{number}", "email": f"g{number}@a.example"})
        await api.refused(429, "POST", "/api/v1/accounts", data=ASKED)


async def test_a_visitor_makes_an_account_on_the_page(lived_in: Database) -> None:
    async with Visiting(lived_in, settings=settings("open")).browser() as browser:
        assert 'href="/sign-up"' in await browser.read("/sign-in")
        await browser.take_token("/sign-up")
        again = await browser.send("/sign-up", **PERSON | {"username": "anna"})
        assert again.status_code == 409
        assert "gry@havby.example" in again.text
        assert await browser.succeed("/sign-up", **PERSON) == "/start"
    with lived_in.reading() as db:
        assert person(db, "gry").name == ""
