"""An app asks somebody for access: registering, the question, the answer, and the page where it is taken back."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from models import accounts, oauth
from models.base import clock
from models.oauth import AccessToken, Grant
from models.oauth_apps import App
from models.redirects import OUT_OF_BAND
from server.security import CSP_OPEN_FORMS
from tests.server.apps import ApiWorld
from tests.server.apps_asking import PLACE, AskingApp, code_for, decide, register, told
from tests.server.visiting import TOKEN, Browser, Visiting, words
from tests.world import PASSWORD

pytestmark = pytest.mark.anyio


@pytest.fixture
async def birk(visiting: Visiting) -> AsyncIterator[Browser]:
    async with visiting.browser("birk") as browser:
        yield browser


@pytest.fixture
async def app(visiting: Visiting) -> AsyncIterator[AskingApp]:
    async with visiting.browser(client="198.51.100.9") as elsewhere:
        yield await register(elsewhere.http)


def grants(browser: Browser) -> int:
    return browser.do(lambda db: db.scalar(select(func.count()).select_from(Grant))) or 0


async def test_a_yes_gives_the_app_a_code_and_the_code_a_token(birk: Browser, app: AskingApp) -> None:
    answer = await decide(birk, app.address())
    heard = told(answer)
    assert heard["state"] == "s t&=æ"
    assert answer.headers["cache-control"] == "no-store"
    answer = await app.exchange(heard["code"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()
    assert token["token_type"] == "Bearer"
    assert token["scope"] == "read write"
    assert abs(token["created_at"] - clock.time()) < 60
    assert set(token) == {"access_token", "token_type", "scope", "created_at"}
    assert (await app.me(token["access_token"])).json()["name"] == "Prøveapp"


async def test_a_no_is_told_to_the_app_and_gives_it_nothing(birk: Browser, app: AskingApp) -> None:
    heard = told(await decide(birk, app.address(), "deny"))
    assert heard == {"error": "access_denied", "error_description": "The person said no.", "state": "s t&=æ"}
    assert grants(birk) == 0


async def test_a_state_that_was_not_given_is_not_made_up(birk: Browser, app: AskingApp) -> None:
    assert set(told(await decide(birk, app.address(state=None)))) == {"code"}


async def test_the_question_says_who_asks_what_for_and_where_it_leads(birk: Browser, app: AskingApp) -> None:
    page = words(await birk.read(app.address(scope="read read:lists write:statuses", lang="en")))
    assert "Give Prøveapp access to your account?" in page
    assert "You are signed in as @birk@a.example" in page
    assert "You are sent to app.example afterwards." in page
    assert "See everything you can see here" in page
    assert "Write, change, delete and pass on posts in your name" in page
    assert "See your lists" not in page  # said with the broader one
    assert "Act as you in everything" not in page


async def test_the_app_chooses_the_language_of_the_question(birk: Browser, app: AskingApp) -> None:
    assert '<html lang="en">' in await birk.read(app.address(lang="en-GB"))
    assert '<html lang="da">' in await birk.read(app.address(lang="da"))
    assert '<html lang="da">' in await birk.read(app.address(lang="tlh"))


async def test_whoever_is_not_signed_in_signs_in_and_comes_back(visiting: Visiting, app: AskingApp) -> None:
    async with visiting.browser() as browser:
        sent = await browser.open(app.address(lang="en"))
        assert sent.status_code == 303
        form = sent.headers["location"]
        assert form.startswith("/sign-in?next=%2Foauth%2Fauthorize%3F")
        page = await browser.read(form)
        assert '<html lang="en">' in page
        back = parse_qs(urlsplit(form).query)["next"][0]
        browser.token = TOKEN.findall(page)[0]
        assert await browser.succeed("/sign-in", login="birk", password=PASSWORD, next=back) == back
        heard = told(await decide(browser, back))
        assert heard["state"] == "s t&=æ"
        assert (await app.exchange(heard["code"])).status_code == 200


async def test_force_login_asks_who_is_there_once_more(birk: Browser, app: AskingApp) -> None:
    sent = await birk.open(app.address(force_login="true"))
    form = sent.headers["location"]
    assert form.startswith("/sign-in?")
    assert 'name="password"' in await birk.read(form)
    back = parse_qs(urlsplit(form).query)["next"][0]
    assert "force_login" not in back
    old = birk.http.cookies["__Host-torv"]
    await birk.take_token(form)
    birk.http.cookies.set("__Host-torv", old, domain="a.example", path="/")
    await birk.succeed("/sign-in", login="eva", password=PASSWORD, next=back)
    assert birk.do(lambda db: accounts.who(db, old)) is None
    assert "@eva" in await birk.read(back)


async def test_a_slash_too_many_does_no_harm(birk: Browser, app: AskingApp) -> None:
    heard = told(await decide(birk, app.address().replace("/authorize?", "/authorize/?")))
    assert (await app.exchange(heard["code"])).status_code == 200


async def test_out_of_band_shows_the_code_on_a_page(birk: Browser, app: AskingApp) -> None:
    address = app.address(redirect_uri=OUT_OF_BAND)
    answer = await decide(birk, address)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    code = answer.text.partition('id="code">')[2].partition("<")[0]
    assert (await app.exchange(code, redirect_uri=OUT_OF_BAND)).status_code == 200
    refused = await decide(birk, address, "deny")
    assert refused.status_code == 400
    assert "location" not in refused.headers
    assert "Du sagde nej" in refused.text


@pytest.mark.alike
@pytest.mark.parametrize(
    "other",
    [
        "https://app.example/back",
        "https://app.example/back?from=torv2",
        "https://app.example/back?from=torv&x=1",
        "https://app.example/back?from=torv#",
        "https://app.example/back?from=torv/",
        "https://app.example/back?from=tor",
        "https://APP.example/back?from=torv",
        "http://app.example/back?from=torv",
        "https://app.example:443/back?from=torv",
        "https://app.example\\back?from=torv",
        "https://evil@app.example/back?from=torv",
        "https://app.example@evil.example/back?from=torv",
        "https://evil.example/",
        "javascript:alert(1)",
        "//evil.example",
        "",
        None,
    ],
)
async def test_t104_another_place_to_come_back_to_is_shown_and_never_followed(
    birk: Browser, app: AskingApp, other: str | None
) -> None:
    address = app.address(redirect_uri=other)
    for answer in (await birk.open(address), await birk.send(address, decision="allow")):
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "sendes du ingen steder hen" in answer.text


async def test_t104_the_place_of_another_app_is_no_place_of_this_one(birk: Browser, app: AskingApp) -> None:
    await register(app.http, redirect_uris="https://other.example/back")
    assert (await birk.open(app.address(redirect_uri="https://other.example/back"))).status_code == 400


@pytest.mark.alike
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_a_link_that_names_two_apps_or_places_leads_nowhere(birk: Browser, app: AskingApp, name: str) -> None:
    answer = await birk.open(f"{app.address()}&{name}=https%3A%2F%2Fevil.example")
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_an_unknown_app_gets_a_page(birk: Browser, app: AskingApp) -> None:
    answer = await birk.open(app.address(client_id="unknown"))
    assert answer.status_code == 400
    assert "ukendt på denne server" in answer.text


@pytest.mark.alike
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "read admin:write"}, "invalid_scope"),
        ({"scope": "read everything"}, "invalid_scope"),
    ],
)
async def test_what_else_is_wrong_is_told_to_the_app(
    birk: Browser, app: AskingApp, changed: dict[str, str | None], error: str
) -> None:
    for answer in (await birk.open(app.address(**changed)), await birk.send(app.address(**changed), decision="allow")):
        heard = told(answer)
        assert heard["error"] == error
        assert heard["state"] == "s t&=æ"
        assert "code" not in heard


async def test_a_parameter_that_stands_there_twice_is_an_error(birk: Browser, app: AskingApp) -> None:
    assert told(await birk.open(app.address() + "&scope=write"))["error"] == "invalid_request"


async def test_t107_more_than_the_app_registered_for_cannot_be_asked_for(birk: Browser, visiting: Visiting) -> None:
    async with visiting.browser() as elsewhere:
        small = await register(elsewhere.http, scopes="read:statuses write:statuses")
        for scope in ("read", "write", "read:statuses read:lists", "follow", "push"):
            assert told(await birk.open(small.address(scope=scope)))["error"] == "invalid_scope"
        assert told(await decide(birk, small.address(scope="write:statuses")))["code"]


async def test_t108_without_our_form_nobody_says_yes(birk: Browser, app: AskingApp) -> None:
    await birk.take_token(app.address())
    ours = birk.token
    for token, headers in (
        ("", {}),
        ("0" * 64, {}),
        (ours, {"Origin": "https://evil.example"}),
        (ours, {"Origin": "null"}),
        (ours, {"Sec-Fetch-Site": "cross-site"}),
    ):
        birk.token = token
        answer = await birk.send(app.address(), headers=headers, decision="allow")
        assert answer.status_code == 403
        assert "location" not in answer.headers
    assert grants(birk) == 0


async def test_t108_the_question_changes_nothing_and_stands_in_no_frame(birk: Browser, app: AskingApp) -> None:
    answer = await birk.open(app.address() + "&decision=allow")
    assert answer.status_code == 200
    assert grants(birk) == 0
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["content-security-policy"] == CSP_OPEN_FORMS
    assert answer.headers["cache-control"] == "no-store"


async def test_an_apps_name_is_text_and_cannot_turn_the_line_around(birk: Browser, app: AskingApp) -> None:
    odd = await register(app.http, client_name="<b>Torv</b> \u202eppa")
    page = await birk.read(odd.address())
    assert "<b>Torv" not in page
    assert "\u202e" not in page


async def test_a_scheme_of_the_apps_own_may_stand_alone(birk: Browser, app: AskingApp) -> None:
    bare = await register(app.http, redirect_uris="icecubesapp://")
    answer = await decide(birk, bare.address(redirect_uri="icecubesapp://"))
    assert answer.headers["location"].startswith("icecubesapp://?code=")


async def test_the_page_of_apps_shows_what_each_may_do_and_takes_it_back(birk: Browser, app: AskingApp) -> None:
    page = words(await birk.read("/settings/apps"))
    assert "Ingen app har adgang." in page
    token = (await app.exchange(await code_for(birk, app, scope="write:media"))).json()["access_token"]
    html = await birk.read("/settings/apps")
    assert "Lægge billeder og andre filer op" in html
    assert "Prøveapp" in html
    path = html.partition('action="/settings/apps/')[2].partition('"')[0]
    await birk.take_token("/settings/apps")
    assert await birk.succeed(f"/settings/apps/{path}") == "/settings/apps"
    assert (await app.me(token)).status_code == 401
    assert "Prøveapp" not in await birk.read("/settings/apps")


async def test_t115_nobody_takes_back_what_another_gave(visiting: Visiting, birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app))).json()["access_token"]
    number = birk.do(lambda db: db.scalars(select(App.id).where(App.client_id == app.client_id)).one())
    async with visiting.browser("eva") as eva:
        assert (await eva.send(f"/settings/apps/{number}/revoke")).status_code == 404
    assert (await app.me(token)).status_code == 200


async def test_t101_a_new_password_ends_what_apps_may_do(birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app))).json()["access_token"]
    waiting = await code_for(birk, app)
    await birk.take_token("/settings/account")
    await birk.succeed("/settings/password", old=PASSWORD, new="en ny lang adgangskode")
    assert (await app.me(token)).status_code == 401
    assert (await app.exchange(waiting)).json()["error"] == "invalid_grant"


async def test_t101_a_suspension_ends_what_apps_may_do(birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app))).json()["access_token"]
    waiting = await code_for(birk, app)
    birk.do(lambda db: accounts.suspend(db, accounts.by_username(db, "birk")))
    assert (await app.me(token)).status_code == 401
    assert (await app.exchange(waiting)).json()["error"] == "invalid_grant"


async def test_the_last_use_is_written_down_once_an_hour(birk: Browser, app: AskingApp) -> None:
    token = (await app.exchange(await code_for(birk, app))).json()["access_token"]

    def used() -> float:
        return birk.do(lambda db: db.scalars(select(AccessToken.used_at)).one()).timestamp()  # type: ignore[union-attr]

    first = used()
    clock.offset = 3000
    await app.me(token)
    assert used() == first
    clock.offset = 4000
    await app.me(token)
    assert used() - first > 3900
    again = used()
    clock.offset = 5000
    await app.me(token)
    assert used() == again


async def test_a_script_gets_a_token_that_its_owner_sees(visiting: Visiting) -> None:
    world = ApiWorld(visiting.database)
    visiting.database.write(
        lambda db: oauth.issue_for(db, accounts.by_username(db, "eva"), "write:statuses", app_name="natlig rapport")
    )
    async with visiting.browser("eva") as eva, world.client("eva", scopes="read") as api:
        assert (await api.get("/api/v1/apps/verify_credentials"))["name"] == "tests"
        assert "natlig rapport" in await eva.read("/settings/apps")


async def test_a_place_is_registered_to_the_letter(app: AskingApp, birk: Browser) -> None:
    assert birk.do(lambda db: db.scalars(select(App.redirect_uris)).first()) == [PLACE, OUT_OF_BAND]
