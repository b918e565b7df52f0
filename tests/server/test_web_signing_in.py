"""Signing in and out, sessions that end when they should, and invitations."""

import re

import pytest

from models import accounts, invitations
from models.database import Database
from server.limits import SIGN_IN_BY_ACCOUNT, SIGN_IN_BY_ADDRESS
from server.settings import Settings
from server.web.devices import described
from tests.server.visiting import ORIGIN, Visiting, words
from tests.world import PASSWORD

pytestmark = pytest.mark.anyio


async def test_name_and_password_open_the_door(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        await browser.sign_in("anna")
        assert "Anna Holm" in await browser.read("/")


async def test_the_e_mail_address_serves_as_well_as_the_name(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        await browser.sign_in("ANNA@vesterlund.example")
        assert "Anna Holm" in await browser.read("/")


@pytest.mark.parametrize("login", ["anna", "nobody", "anna@vesterlund.example"])
async def test_wrong_name_and_wrong_password_hear_the_same(visiting: Visiting, login: str) -> None:
    async with visiting.browser() as browser:
        await browser.take_token("/sign-in")
        answer = await browser.send("/sign-in", login=login, password="not this one")
        assert answer.status_code == 401
        assert "Navnet eller adgangskoden er forkert." in answer.text
        assert "set-cookie" not in answer.headers
        assert f'value="{login}"' in answer.text
        assert "not this one" not in answer.text


async def test_the_session_cookie_belongs_to_this_host_alone_and_to_no_script(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        await browser.take_token("/sign-in")
        answer = await browser.send("/sign-in", login="anna", password=PASSWORD)
        cookies = answer.headers.get_list("set-cookie")
        [session] = [cookie for cookie in cookies if cookie.startswith("__Host-torv=")]
        for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert part in session
        assert "Domain" not in session
        assert all(cookie.startswith("__Host-") for cookie in cookies)


async def test_every_login_gets_a_fresh_secret(visiting: Visiting) -> None:
    secrets = []
    for _ in range(2):
        async with visiting.browser() as browser:
            await browser.sign_in("anna")
            secrets.append(browser.http.cookies["__Host-torv"])
    assert secrets[0] != secrets[1]


async def test_a_session_somebody_planted_is_worth_nothing(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        browser.http.cookies.set("__Host-torv", "planted-by-somebody-else", domain="a.example", path="/")
        await browser.sign_in("anna")
        assert browser.http.cookies.get("__Host-torv", domain="a.example") != "planted-by-somebody-else"


async def test_signing_out_ends_the_session_on_the_server_too(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        await browser.sign_in("anna")
        secret = browser.http.cookies["__Host-torv"]
        assert await browser.succeed("/sign-out") == "/"
        browser.http.cookies.set("__Host-torv", secret, domain="a.example", path="/")
        answer = await browser.open("/settings")
        assert answer.headers["location"].startswith("/sign-in")


async def test_a_new_password_signs_every_other_device_out_at_once(visiting: Visiting) -> None:
    async with visiting.browser("anna") as other, visiting.browser("anna") as browser:
        await browser.succeed("/settings/password", old=PASSWORD, new="en helt ny adgangskode")
        assert (await other.open("/settings")).status_code == 303
        assert (await browser.open("/settings")).status_code == 200


async def test_the_present_password_is_asked_for_before_a_new_one_is_taken(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        answer = await browser.send("/settings/password", old="guess", new="en helt ny adgangskode")
        assert answer.status_code == 422
        assert "Det er ikke din adgangskode." in answer.text
        assert (await browser.send("/settings/password", old=PASSWORD, new="kort")).status_code == 422


async def test_a_suspended_account_is_out_with_its_next_request(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        browser.do(lambda db: accounts.suspend(db, accounts.by_username(db, "birk")))
        assert (await browser.open("/settings")).status_code == 303


async def test_a_device_can_be_signed_out_from_another(visiting: Visiting) -> None:
    async with visiting.browser("anna") as lost, visiting.browser("anna") as browser:
        page = await browser.read("/settings/account")
        [device] = re.findall(r'name="device" value="([0-9a-f]{64})"', page)
        await browser.succeed("/settings/devices/end", device=device)
        assert (await lost.open("/settings")).status_code == 303


async def test_nobody_signs_others_devices_out(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        own = accounts.hash_token(anna.http.cookies["__Host-torv"])
        await birk.succeed("/settings/devices/end", device=own)
        assert (await anna.open("/settings")).status_code == 200


async def test_guessing_ends_after_25_tries_from_one_address(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        await browser.take_token("/sign-in")
        for number in range(SIGN_IN_BY_ADDRESS.times):
            answer = await browser.send("/sign-in", login=f"guess{number}", password="x")
            assert answer.status_code == 401
        answer = await browser.send("/sign-in", login="anna", password=PASSWORD)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= SIGN_IN_BY_ADDRESS.seconds


async def test_guessing_ends_after_25_tries_at_one_account_from_wherever(visiting: Visiting) -> None:
    for number in range(SIGN_IN_BY_ACCOUNT.times):
        async with visiting.browser(client=f"198.51.100.{number}") as browser:
            await browser.take_token("/sign-in")
            assert (await browser.send("/sign-in", login="Anna", password="x")).status_code == 401
    async with visiting.browser(client="198.51.100.200") as browser:
        await browser.take_token("/sign-in")
        assert (await browser.send("/sign-in", login="@anna", password=PASSWORD)).status_code == 429


async def test_an_address_made_up_in_a_header_does_not_reset_the_count(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        await browser.take_token("/sign-in")
        for number in range(SIGN_IN_BY_ADDRESS.times):
            forged = {"X-Forwarded-For": f"192.0.2.{number}"}
            await browser.send("/sign-in", headers=forged, login=f"guess{number}", password="x")
        forged = {"X-Forwarded-For": "192.0.2.99"}
        assert (await browser.send("/sign-in", headers=forged, login="x", password="x")).status_code == 429


@pytest.mark.alike
@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/\t/evil",
        "",
    ],
)
async def test_nobody_is_sent_elsewhere_after_signing_in(visiting: Visiting, wanted: str) -> None:
    async with visiting.browser() as browser:
        await browser.take_token("/sign-in")
        assert await browser.succeed("/sign-in", login="anna", password=PASSWORD, next=wanted) == "/"
        assert (await browser.http.get("/sign-in", params={"next": wanted})).headers["location"] == "/"


async def test_after_signing_in_one_is_where_one_wanted_to_be(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        sent_away = await browser.open("/ask?community=7")
        assert sent_away.status_code == 303
        page = await browser.read(sent_away.headers["location"])
        assert 'name="next" value="/ask?community=7"' in page


async def test_an_invitation_makes_one_account_and_no_second(visiting: Visiting) -> None:
    token = visiting.database.write(lambda db: invitations.invite(db))
    fields = {"username": "gitte", "name": "Gitte", "email": "g@havby.example", "password": "tre tilfaeldige ord"}
    async with visiting.browser() as browser:
        await browser.take_token(f"/invitations/{token}")
        await browser.succeed(f"/invitations/{token}", language="da", **fields)
        assert "Velkommen! Din konto er klar." in await browser.read("/")
    async with visiting.browser() as browser:
        assert (await browser.open(f"/invitations/{token}")).status_code == 404


@pytest.mark.alike
@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("username", "аdmin", "Et brugernavn har 1 til 30"),  # the first letter is Cyrillic
        ("username", "gitte-hansen", "Et brugernavn har 1 til 30"),
        ("username", "", "Skriv noget her."),
        ("username", "admin", "Navnet er reserveret."),
        ("username", "anna", "Navnet er optaget."),
        ("username", "udfordrere", "Navnet er optaget."),
        ("email", "anna@vesterlund.example", "Der er allerede en konto"),
        ("email", "gitte", "Det er ikke en e-mailadresse."),
        ("password", "kort", "En adgangskode har mindst 10 tegn."),
        ("name", "x" * 101, "Det er for langt."),
    ],
)
async def test_a_mistake_in_an_invitation_form_is_told_beside_its_field_and_nothing_is_lost(
    visiting: Visiting, field: str, value: str, says: str
) -> None:
    token = visiting.database.write(lambda db: invitations.invite(db))
    fields = {"username": "gitte", "name": "Gitte G", "email": "g@havby.example", "password": "tre tilfaeldige ord"}
    async with visiting.browser() as browser:
        await browser.take_token(f"/invitations/{token}")
        answer = await browser.send(f"/invitations/{token}", **{**fields, field: value})
        assert answer.status_code in {409, 422}
        assert says in words(answer.text)
        if field != "email":
            assert 'value="g@havby.example"' in answer.text
        assert (await browser.open(f"/invitations/{token}")).status_code == 200


async def test_the_invitation_link_never_follows_the_host_header(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        answer = await browser.open("/sign-in", Host="evil.example")
        assert answer.status_code == 421
        assert "evil.example" not in answer.text
        assert ORIGIN in answer.text


async def test_who_is_sent_to_sign_in_reads_why(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        danish = {"Accept-Language": "da"}
        assert "Log ind for at stille dit spørgsmål." in words(await browser.read("/ask", **danish))
        assert "Bagefter kommer du tilbage" in words(await browser.read("/settings", **danish))
        assert "Bagefter kommer du tilbage" not in words(await browser.read("/sign-in", **danish))


@pytest.mark.parametrize(("mode", "said"), [("invite", "ved at blive inviteret"), ("closed", "ikke oprettet konti")])
async def test_where_nobody_can_sign_up_the_page_says_so(lived_in: Database, mode: str, said: str) -> None:
    visiting = Visiting(lived_in, settings=Settings(origin=ORIGIN, data_dir="unused", registrations=mode))
    async with visiting.browser() as browser:
        answer = await browser.open("/sign-up", **{"Accept-Language": "da"})
    assert answer.status_code == 404
    assert said in words(answer.text)
    assert "Vi kan ikke finde siden" not in answer.text


async def test_a_device_is_named_as_people_name_it(visiting: Visiting) -> None:
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
    for agent in (firefox, "Tusky/31"):
        visiting.database.write(
            lambda db, agent=agent: accounts.start_login(db, accounts.by_username(db, "birk"), agent)
        )
    async with visiting.browser("birk") as browser:
        page = words(await browser.read("/settings/account"))
    assert "Firefox på Windows" in page
    assert "Tusky/31" in page


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", ("Chrome", "Linux")),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", ("Edge", "Windows")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1", ("Safari", "iPhone")),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0.0.0 Mobile Safari/537.36", ("Chrome", "Android")),
        ("", ("", "")),
    ],
)
def test_browsers_are_told_apart(agent: str, named: tuple[str, str]) -> None:
    assert described(agent) == named
