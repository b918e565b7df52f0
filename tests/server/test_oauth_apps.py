"""Registering an app, how the server describes itself to apps, and who somebody is."""

from collections.abc import AsyncIterator

import pytest

from server.limits import APPS_BY_ADDRESS
from tests.server.apps_asking import ALL_SCOPES, PLACE, AskingApp, code_for, refused, register
from tests.server.visiting import Browser, Visiting

pytestmark = pytest.mark.anyio


@pytest.fixture
async def birk(visiting: Visiting) -> AsyncIterator[Browser]:
    async with visiting.browser("birk") as browser:
        yield browser


@pytest.fixture
async def app(visiting: Visiting) -> AsyncIterator[AskingApp]:
    async with visiting.browser(client="198.51.100.9") as elsewhere:
        yield await register(elsewhere.http)


async def test_an_app_registers_by_form_json_and_multipart(app: AskingApp) -> None:
    uris = ["https://one.example/cb", "two://cb"]
    said = {"client_name": "En app", "scopes": "read write:statuses", "website": "https://one.example"}
    answers = [
        await app.http.post("/api/v1/apps", data={**said, "redirect_uris": "\r\n".join(uris)}),
        await app.http.post("/api/v1/apps", json={**said, "redirect_uris": uris}),
        await app.http.post("/api/v1/apps", json={**said, "redirect_uris": "\n".join(uris)}),
        await app.http.post(
            "/api/v1/apps", data={**said, "redirect_uris[]": uris}, files={"ignored": ("x.txt", b"x", "text/plain")}
        ),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        made = answer.json()
        assert made["redirect_uris"] == uris
        assert made["redirect_uri"] == "\n".join(uris)
        assert made["scopes"] == ["read", "write:statuses"]
        assert (made["name"], made["website"], made["client_secret_expires_at"]) == ("En app", "https://one.example", 0)
        assert len(made["client_secret"]) >= 40
        assert len(made["client_id"]) >= 40
        assert made["vapid_key"]
        assert isinstance(made["id"], str)


@pytest.mark.alike
@pytest.mark.parametrize(
    "changed",
    [
        {"client_name": ""},
        {"client_name": "x" * 101},
        {"redirect_uris": ""},
        {"redirect_uris": "javascript:alert(1)"},
        {"redirect_uris": "https://good@evil.example/"},
        {"redirect_uris": "https://a.example/#x"},
        {"redirect_uris": "relative/path"},
        {"scopes": "read everything"},
        {"scopes": "admin:read"},
        {"website": "javascript:alert(1)"},
    ],
)
async def test_an_app_that_is_none_is_not_registered(app: AskingApp, changed: dict[str, str]) -> None:
    good = {"client_name": "En app", "redirect_uris": PLACE}
    answer = await app.http.post("/api/v1/apps", json={**good, **changed})
    assert answer.status_code == 422
    assert answer.json()["error"]


async def test_one_network_registers_five_apps_in_ten_minutes(visiting: Visiting) -> None:
    async with visiting.browser(client="192.0.2.77") as elsewhere:
        good = {"client_name": "En app", "redirect_uris": PLACE}
        statuses = [(await elsewhere.http.post("/api/v1/apps", json=good)).status_code for _ in range(6)]
    assert statuses == [200] * APPS_BY_ADDRESS.times + [429]


async def test_the_server_describes_itself(app: AskingApp) -> None:
    answer = await app.http.get("/.well-known/oauth-authorization-server")
    assert answer.headers["access-control-allow-origin"] == "*"
    told = answer.json()
    assert told["issuer"] == "https://a.example"
    assert told["authorization_endpoint"] == "https://a.example/oauth/authorize"
    assert told["token_endpoint"] == "https://a.example/oauth/token"
    assert told["revocation_endpoint"] == "https://a.example/oauth/revoke"
    assert told["userinfo_endpoint"] == "https://a.example/oauth/userinfo"
    assert told["app_registration_endpoint"] == "https://a.example/api/v1/apps"
    assert told["response_types_supported"] == ["code"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["grant_types_supported"] == ["authorization_code", "client_credentials", "refresh_token"]
    assert told["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post", "none"]
    assert set(ALL_SCOPES.split()) < set(told["scopes_supported"])


async def test_an_app_may_know_who_its_user_is(birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app, scope="profile"))).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    for answer in (
        await app.http.get("/oauth/userinfo", headers=headers),
        await app.http.post("/oauth/userinfo", headers=headers),
    ):
        found = answer.json()
        assert set(found) == {"iss", "sub", "name", "preferred_username", "profile", "picture"}
        assert (found["sub"], found["preferred_username"]) == ("https://a.example/u/birk", "birk")


async def test_who_its_user_is_needs_its_own_scope(birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app, scope="read"))).json()["access_token"]
    answer = await app.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})
    refused(answer, "insufficient_scope", 403)
    refused(await app.http.get("/oauth/userinfo"), "invalid_token", 401)
