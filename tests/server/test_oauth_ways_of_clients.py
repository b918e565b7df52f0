"""What real clients do on their way to a token, beyond what the standards lead one to expect."""

from base64 import b64encode
from collections.abc import AsyncIterator

import pytest

from models.redirects import OUT_OF_BAND
from tests.server.apps_asking import PLACE, AskingApp, code_for, decide, register
from tests.server.visiting import Browser, Visiting, words

pytestmark = pytest.mark.anyio

OPEN_ADDRESSES = ("/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/.well-known/oauth-authorization-server")


@pytest.fixture
async def birk(visiting: Visiting) -> AsyncIterator[Browser]:
    """A browser in which Birk is signed in."""
    async with visiting.browser("birk") as browser:
        yield browser


@pytest.fixture
async def app(visiting: Visiting) -> AsyncIterator[AskingApp]:
    """A registered app."""
    async with visiting.browser(client="198.51.100.9") as browser:
        yield await register(browser.http)


async def test_toot_puts_a_slash_behind_the_address(birk: Browser, app: AskingApp) -> None:
    asked = app.address(redirect_uri=OUT_OF_BAND, code_challenge=None, code_challenge_method=None, state=None)
    address = asked.replace("/oauth/authorize?", "/oauth/authorize/?")
    answer = await decide(birk, address)
    assert answer.status_code == 200
    code = answer.text.partition('id="code">')[2].partition("<")[0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": OUT_OF_BAND, **app.named}
    token = (await app.http.post("/oauth/token/", data=form)).json()["access_token"]
    assert (await app.me(token)).status_code == 200


async def test_elk_registers_by_json_and_has_its_own_origin_encoded_in_the_path(
    visiting: Visiting, birk: Browser
) -> None:
    place = "https://elk.example/api/a.example/oauth/https%3A%2F%2Felk.example"
    registered = {"client_name": "Elk", "redirect_uris": place, "scopes": "read write follow push"}
    made = (await birk.http.post("/api/v1/apps", json={**registered, "website": "https://elk.example"})).json()
    app = AskingApp(birk.http, made["client_id"], made["client_secret"])
    asked = {"redirect_uri": place, "scope": "read write follow push", "code_challenge": None, "state": None}
    answer = await decide(birk, app.address(**asked, code_challenge_method=None))
    went_to, _, code = answer.headers["location"].partition("?code=")
    assert went_to == place
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": place, "scope": asked["scope"]}
    answer = await birk.http.post("/oauth/token", json={**form, **app.named})
    assert answer.json()["scope"] == "read write follow push"


@pytest.mark.parametrize("scope", ["read write follow push", "admin:write", "nonsense"])
async def test_t107_a_scope_told_with_the_code_widens_nothing(birk: Browser, app: AskingApp, scope: str) -> None:
    code = await code_for(birk, app, scope="read:statuses")
    token = (await app.exchange(code, scope=scope)).json()
    assert token["scope"] == "read:statuses"
    answer = await birk.http.get("/api/v1/lists", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert answer.status_code == 403


@pytest.mark.alike
@pytest.mark.parametrize("path", OPEN_ADDRESSES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_client_in_a_browser_may_read_every_answer_refusals_too(app: AskingApp, method: str, path: str) -> None:
    answer = await app.http.request(method, path, headers={"Origin": "https://phanpy.example", "Accept": "text/html"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/json"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.alike
@pytest.mark.parametrize("path", OPEN_ADDRESSES)
async def test_a_browser_that_asks_first_is_told_yes(app: AskingApp, path: str) -> None:
    asked = {
        "Origin": "https://phanpy.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = await app.http.options(path, headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")


async def test_no_other_site_may_read_the_question_itself(birk: Browser, app: AskingApp) -> None:
    answer = await birk.open(app.address(), Origin="https://phanpy.example")
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("name", ["a\0b", "a%00b", "a%0Ab", "\x7f"])
async def test_a_client_name_no_database_takes_is_no_client(app: AskingApp, name: str) -> None:
    header = "Basic " + b64encode(f"{name}:secret".encode()).decode()
    for path in ("/oauth/token", "/oauth/revoke"):
        answer = await app.http.post(
            path, data={"grant_type": "client_credentials", "token": "x"}, headers={"Authorization": header}
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.alike
@pytest.mark.parametrize("website", ["https://[", "https://bank.example@evil.example/", "javascript:alert(1)"])
async def test_a_website_that_misleads_is_not_registered(app: AskingApp, website: str) -> None:
    form = {"client_name": "App", "redirect_uris": PLACE, "website": website}
    answer = await app.http.post("/api/v1/apps", data=form)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("website")


async def test_the_website_of_an_app_is_told_by_its_host(birk: Browser) -> None:
    app = await register(birk.http, website="https://bank.example.evil.example/bank.example")
    assert "hjemmeside: bank.example.evil.example ." in words(await birk.read(app.address()))


async def test_a_client_that_logs_out_without_its_secret_still_does(birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app))).json()["access_token"]
    answer = await app.post("/oauth/revoke", client_id=app.client_id, token=token)
    assert (answer.status_code, answer.json()) == (200, {})
    assert (await app.me(token)).status_code == 401
