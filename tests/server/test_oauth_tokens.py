"""Tokens: how apps prove themselves, what a code and a refresh token are good for, revoking, and what is never logged."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from sqlalchemy import update

from models import accounts, oauth
from models.base import clock
from models.errors import Unavailable
from models.oauth import AccessToken
from models.oauth_apps import App
from models.oauth_use import USE_HOURS
from server import logs
from server.api import calls
from server.limits import OAUTH_BY_ADDRESS
from server.settings import Settings
from tests.server.apps_asking import PLACE, VERIFIER, AskingApp, basic, code_for, decide, refused, register, told
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


# -- the code


@pytest.mark.parametrize("where", ["header", "form", "json"])
async def test_the_secret_may_stand_in_the_header_the_form_or_json(birk: Browser, app: AskingApp, where: str) -> None:
    asked = {"grant_type": "authorization_code", "redirect_uri": PLACE, "code_verifier": VERIFIER}
    asked["code"] = await code_for(birk, app)
    if where == "header":
        how = basic(app.client_id, app.client_secret)
        answer = await app.http.post("/oauth/token", data=asked, headers=how)
    elif where == "form":
        answer = await app.http.post("/oauth/token", data={**asked, **app.named})
    else:
        answer = await app.http.post("/oauth/token", json={**asked, **app.named})
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_app_without_a_secret_proves_itself_by_its_verifier(birk: Browser, app: AskingApp) -> None:
    answer = await app.exchange(await code_for(birk, app), client_secret="")
    assert answer.status_code == 200


async def test_neither_secret_nor_verifier_is_not_enough(birk: Browser, app: AskingApp) -> None:
    code = await code_for(birk, app, code_challenge=None, code_challenge_method=None)
    refused(await app.exchange(code, client_secret="", code_verifier=""), "invalid_client", 401)


@pytest.mark.parametrize("verifier", ["", "another-verifier-that-is-also-long-enough-to-be-one-of-them"])
async def test_t105_a_challenge_once_given_has_to_be_met(birk: Browser, app: AskingApp, verifier: str) -> None:
    refused(await app.exchange(await code_for(birk, app), code_verifier=verifier), "invalid_grant")


async def test_t105_a_verifier_without_a_challenge_is_refused(birk: Browser, app: AskingApp) -> None:
    code = await code_for(birk, app, code_challenge=None, code_challenge_method=None)
    refused(await app.exchange(code), "invalid_grant")


async def test_t106_a_code_used_twice_takes_the_first_token_with_it(birk: Browser, app: AskingApp) -> None:
    code = await code_for(birk, app)
    token = (await app.exchange(code)).json()["access_token"]
    assert (await app.me(token)).status_code == 200
    refused(await app.exchange(code), "invalid_grant")
    assert (await app.me(token)).status_code == 401


async def test_t106_of_many_who_come_with_a_code_at_once_one_gets_a_token_and_loses_it(
    birk: Browser, app: AskingApp
) -> None:
    code = await code_for(birk, app)
    answers = await asyncio.gather(*(app.exchange(code) for _ in range(10)))
    [won] = [answer for answer in answers if answer.status_code == 200]
    for answer in answers:
        if answer is not won:
            refused(answer, "invalid_grant")
    assert (await app.me(won.json()["access_token"])).status_code == 401


async def test_t106_a_code_is_the_apps_it_was_given_to(birk: Browser, app: AskingApp) -> None:
    other = await register(app.http)
    code = await code_for(birk, app)
    refused(await app.exchange(code, **other.named), "invalid_grant")
    assert (await app.exchange(code)).status_code == 200


async def test_t106_a_code_is_good_for_ten_minutes(birk: Browser, app: AskingApp) -> None:
    young, old = await code_for(birk, app), await code_for(birk, app)
    clock.offset = 595
    assert (await app.exchange(young)).status_code == 200
    clock.offset = 605
    refused(await app.exchange(old), "invalid_grant")


async def test_t104_the_code_is_bound_to_the_place_it_went_to(birk: Browser, app: AskingApp) -> None:
    code = await code_for(birk, app)
    refused(await app.exchange(code, redirect_uri="https://app.example/"), "invalid_grant")


@pytest.mark.parametrize("code", ["", "made-up", "x" * 5000])
async def test_a_made_up_code_gets_nothing(app: AskingApp, code: str) -> None:
    refused(await app.exchange(code), "invalid_grant")


# -- who asks, and how


async def test_a_wrong_secret_and_an_unknown_app_hear_the_same(app: AskingApp) -> None:
    wrong = await app.exchange("x", client_secret="wrong")
    unknown = await app.exchange("x", client_id="unknown")
    for answer in (wrong, unknown):
        refused(answer, "invalid_client", 401)
        assert answer.headers["www-authenticate"].startswith("Basic ")
    assert wrong.json() == unknown.json()


@pytest.mark.parametrize("header", ["Basic !!!", "Basic", "Basic " + "w6k="[:3]])
async def test_a_header_that_is_none_is_refused(app: AskingApp, header: str) -> None:
    answer = await app.http.post("/oauth/token", data={"grant_type": "x"}, headers={"Authorization": header})
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in {"invalid_client", "unsupported_grant_type"}


async def test_a_header_and_a_body_that_name_two_apps_are_refused(app: AskingApp) -> None:
    form = {"grant_type": "client_credentials", "client_id": "another"}
    answer = await app.http.post("/oauth/token", data=form, headers=basic(app.client_id, app.client_secret))
    refused(answer, "invalid_request")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password", "username": "birk", "password": "x"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
    ],
)
async def test_other_grants_there_are_none(app: AskingApp, form: dict[str, str], error: str) -> None:
    refused(await app.post("/oauth/token", **app.named, **form), error)


async def test_secrets_do_not_belong_into_an_address(app: AskingApp) -> None:
    answer = await app.http.post(f"/oauth/token?client_secret={app.client_secret}", data={"grant_type": "x"})
    refused(answer, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"a":' * 5000, "application/json"),
        (b'{"grant_type": {"a": 1}}', "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"grant_type=%00", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_body_nobody_can_read_is_an_invalid_request(
    app: AskingApp, path: str, body: bytes, media_type: str
) -> None:
    headers = {"Content-Type": media_type, "Accept": "text/html"}
    answer = await app.http.post(path, content=body, headers=headers)
    if path == "/oauth/revoke" and answer.status_code == 403:  # nothing in it that names an app
        refused(answer, "unauthorized_client", 403)
    else:
        refused(answer, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
async def test_programs_never_get_a_page(app: AskingApp, path: str) -> None:
    answer = await app.http.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/json"


async def test_too_many_tries_are_told_when_to_go_on(visiting: Visiting) -> None:
    async with visiting.browser(client="192.0.2.78") as elsewhere:
        for _ in range(OAUTH_BY_ADDRESS.times):
            await visiting.app.state.limits.count(OAUTH_BY_ADDRESS, "192.0.2.78")
        answer = await elsewhere.http.post("/oauth/token", data={"grant_type": "x"})
    refused(answer, "slow_down", 429)
    assert int(answer.headers["retry-after"]) > 0


# -- for the app itself


async def test_an_app_gets_a_token_for_itself_that_is_nobodys(app: AskingApp) -> None:
    answer = await app.post("/oauth/token", **app.named, grant_type="client_credentials", scope="read")
    token = answer.json()["access_token"]
    assert (await app.me(token)).json()["name"] == "Prøveapp"
    own = await app.http.get("/api/v1/accounts/verify_credentials", headers={"Authorization": f"Bearer {token}"})
    assert own.status_code == 403


async def test_t107_an_app_gets_no_more_for_itself_than_it_registered_for(app: AskingApp) -> None:
    small = await register(app.http, scopes="read")
    answer = await small.post("/oauth/token", **small.named, grant_type="client_credentials", scope="write")
    refused(answer, "invalid_scope")


async def test_an_app_without_its_secret_gets_nothing_for_itself(app: AskingApp) -> None:
    answer = await app.post("/oauth/token", client_id=app.client_id, grant_type="client_credentials")
    refused(answer, "invalid_client", 401)


async def test_an_app_has_so_many_tokens_for_itself_and_the_oldest_goes(app: AskingApp) -> None:
    asked = {**app.named, "grant_type": "client_credentials"}
    made = [(await app.post("/oauth/token", **asked)).json()["access_token"] for _ in range(oauth.MAX_OWN_TOKENS + 1)]
    assert (await app.me(made[0])).status_code == 401
    assert (await app.me(made[1])).status_code == 200
    assert (await app.me(made[-1])).status_code == 200


# -- refreshing


async def refreshable(birk: Browser, app: AskingApp, **changed: str) -> dict[str, Any]:
    answer = await app.exchange(await code_for(birk, app, scope="read write offline_access"), **changed)
    token: dict[str, Any] = answer.json()
    return token


async def test_who_asks_for_it_refreshes_his_token(birk: Browser, app: AskingApp) -> None:
    first = await refreshable(birk, app)
    assert 0 < first["expires_in"] <= 12 * 3600
    then = (
        await app.post("/oauth/token", **app.named, grant_type="refresh_token", refresh_token=first["refresh_token"])
    ).json()
    assert then["scope"] == first["scope"]
    assert (await app.me(first["access_token"])).status_code == 401
    assert (await app.me(then["access_token"])).status_code == 200
    clock.offset = 13 * 3600
    assert (await app.me(then["access_token"])).status_code == 401


async def test_t106_a_refresh_token_used_twice_ends_the_chain(birk: Browser, app: AskingApp) -> None:
    first = await refreshable(birk, app)
    asked = {**app.named, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    then = (await app.post("/oauth/token", **asked)).json()
    refused(await app.post("/oauth/token", **asked), "invalid_grant")
    assert (await app.me(then["access_token"])).status_code == 401
    last = {**asked, "refresh_token": then["refresh_token"]}
    refused(await app.post("/oauth/token", **last), "invalid_grant")


async def test_t107_refreshing_gives_less_but_never_more(birk: Browser, app: AskingApp) -> None:
    first = await refreshable(birk, app)
    asked = {**app.named, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    refused(await app.post("/oauth/token", **asked, scope="read push"), "invalid_scope")
    less = (await app.post("/oauth/token", **asked, scope="read:statuses offline_access")).json()
    assert less["scope"] == "read:statuses offline_access"
    asked["refresh_token"] = less["refresh_token"]
    refused(await app.post("/oauth/token", **asked, scope="read"), "invalid_scope")


async def test_an_app_that_showed_its_secret_shows_it_again(birk: Browser, app: AskingApp) -> None:
    first = await refreshable(birk, app)
    asked = {"client_id": app.client_id, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    refused(await app.post("/oauth/token", **asked), "invalid_client", 401)
    other = await register(app.http)
    refused(await app.post("/oauth/token", **{**asked, **other.named}), "invalid_grant")
    public = await refreshable(birk, app, client_secret="")
    asked["refresh_token"] = public["refresh_token"]
    assert (await app.post("/oauth/token", **asked)).status_code == 200


# -- giving it back


async def test_t101_a_revoked_token_is_dead_and_revoking_it_again_no_error(birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app))).json()["access_token"]
    for _ in range(2):
        answer = await app.post("/oauth/revoke", **app.named, token=token)
        assert (answer.status_code, answer.json()) == (200, {})
    assert (await app.me(token)).status_code == 401
    assert (await app.post("/oauth/revoke", **app.named, token="unknown")).status_code == 200


async def test_revoking_the_refresh_token_ends_the_access_token(birk: Browser, app: AskingApp) -> None:
    pair = await refreshable(birk, app)
    assert (await app.post("/oauth/revoke", **app.named, token=pair["refresh_token"])).status_code == 200
    assert (await app.me(pair["access_token"])).status_code == 401


async def test_nobody_revokes_another_apps_token(birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app))).json()["access_token"]
    other = await register(app.http)
    refused(await app.post("/oauth/revoke", **other.named, token=token), "unauthorized_client", 403)
    refused(await app.post("/oauth/revoke", token=token), "unauthorized_client", 403)
    wrong = {"client_id": app.client_id, "client_secret": "wrong"}
    refused(await app.post("/oauth/revoke", **wrong, token=token), "invalid_client", 401)
    assert (await app.me(token)).status_code == 200


# -- what nobody may read


async def test_t112_no_secret_code_or_token_gets_into_the_log(birk: Browser, app: AskingApp) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.set_up(Settings(log_format="json", log_level="debug"), stream)
    try:
        code = told(await decide(birk, app.address()))["code"]
        token = (await app.exchange(code)).json()["access_token"]
        await app.me(token)
        await app.http.get(f"/api/v1/apps/verify_credentials?access_token={token}")
        await app.exchange(code)
        await app.post("/oauth/revoke", **app.named, token=token)
        await birk.open(app.address(redirect_uri=f"https://evil.example/?code={code}"))
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {"/oauth/token", "/oauth/authorize", "/oauth/revoke"} <= {line.get("path") for line in lines}
    for secret in (code, token, app.client_secret, VERIFIER):
        assert secret not in stream.getvalue()


async def test_t112_nothing_in_the_database_can_be_acted_with(birk: Browser, app: AskingApp) -> None:
    code = await code_for(birk, app, scope="read offline_access")
    pair = (await app.exchange(code)).json()
    kept = birk.do(
        lambda db: repr(
            [
                [getattr(row, column.key) for column in table.__table__.columns]
                for table in (App, AccessToken, oauth.Grant)
                for row in db.query(table)
            ]
        )
    )
    for secret in (code, pair["access_token"], pair["refresh_token"], app.client_secret):
        assert secret not in kept


async def test_a_busy_database_costs_no_answer_when_the_use_is_written_down(
    birk: Browser, app: AskingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await app.exchange(await code_for(birk, app))).json()["access_token"]
    clock.offset = USE_HOURS.total_seconds() + 60
    tried: list[int] = []

    def busy(_db: object, token_id: int) -> None:
        tried.append(token_id)
        raise Unavailable()

    monkeypatch.setattr(calls, "note_use", busy)
    assert (await app.me(token)).status_code == 200
    assert len(tried) == 1


async def test_a_token_of_somebody_who_left_is_worth_nothing(birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app))).json()["access_token"]
    account = birk.do(lambda db: accounts.by_username(db, "birk").id)
    birk.do(lambda db: db.execute(update(AccessToken).where(AccessToken.account_id == account).values(revoked_at=None)))
    birk.do(lambda db: accounts.suspend(db, accounts.by_username(db, "birk")))
    assert (await app.me(token)).status_code == 401
