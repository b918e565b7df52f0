"""Who may make an account, and what each new one waits for."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import accounts, actors, affiliations, invitations, moderation, oauth, registrations
from models.accounts import Account
from models.actors import Actor
from models.base import clock
from models.database import Database
from models.errors import Conflict
from models.notifications import Notification
from models.registrations import Mode, Policy
from tests.server.apps import ApiWorld
from tests.server.mailing import PostOffice, link, post_office, said
from tests.server.test_signing_up import apps_own_token
from tests.server.visiting import Browser, Visiting, person, words
from tests.world import PASSWORD

pytestmark = pytest.mark.anyio
NEW = {"username": "gry", "name": "Gry", "email": "gry@havby.example", "password": "en-lang-kode-her", "language": "da"}
WHY = "Jeg arbejder med åbne data."


def choose(office: PostOffice, mode: Mode, **wishes: Any) -> None:
    values = {"domains": [], "members_invite": False} | wishes
    defaults = Policy(by_mail=bool(office.settings.smtp_host))
    office.database.write(
        lambda db: registrations.choose(db, defaults, mode=mode, by=person(db, "anna"), **values)
    )  # fmt: skip


def account(db: Session, username: str = "gry") -> Account:
    return accounts.by_username(db, username)


def look(database: Database, work: Callable[[Session], Any]) -> Any:
    with database.reading() as db:
        return work(db)


def waits(database: Database) -> str:
    return str(look(database, lambda db: account(db).waits_for))


def nobody_new(database: Database) -> bool:
    return look(database, lambda db: actors.by_handle(db, "gry")) is None


async def sign_up(browser: Browser, **fields: str) -> str:
    await browser.take_token("/sign-up")
    return await browser.succeed("/sign-up", **NEW | fields)


async def confirm_in(browser: Browser, path: str) -> None:
    await browser.take_token(path)
    await browser.succeed(path)


async def test_nobody_gets_in_before_his_address_is_confirmed(lived_in: Database) -> None:
    """T116"""
    async with post_office(lived_in, registrations="open") as office:
        visiting = Visiting(lived_in, settings=office.settings)
        async with visiting.browser() as browser, visiting.browser("anna") as anna:
            assert await sign_up(browser) == "/waiting"
            assert "gry@havby.example" in await browser.read("/waiting")
            for path in ("/settings", "/ask", "/notifications"):
                assert (await browser.open(path)).headers["location"] == "/waiting"
            assert (await browser.send("/follow", name="birk")).status_code in {401, 403}
            assert (await anna.open("/u/gry")).status_code == 404
            [letter] = await office.empty()
            await confirm_in(browser, link(letter, "/confirm/"))
            assert (await browser.open("/settings")).status_code == 200
            assert (await anna.open("/u/gry")).status_code == 200


async def test_the_link_is_sent_again_also_to_a_corrected_address(lived_in: Database) -> None:
    async with post_office(lived_in, registrations="open") as office:
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            await sign_up(browser, email="gyr@havby.example")
            [lost] = await office.empty()
            await browser.take_token("/waiting")
            taken = await browser.send("/waiting/mail", email="anna@vesterlund.example")
            assert taken.status_code == 422
            assert (await browser.send("/waiting/mail", email="gry@havby.example")).status_code == 200
            [letter] = await office.empty()
            assert letter["To"] == "gry@havby.example"
            assert (await browser.open(link(lost, "/confirm/"))).status_code == 404
            await confirm_in(browser, link(letter, "/confirm/"))
        assert waits(lived_in) == ""
        assert look(lived_in, lambda db: account(db).email) == "gry@havby.example"


async def test_an_applicant_is_let_in_by_a_moderator_and_sees_where_he_stands(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        choose(office, Mode.APPROVAL)
        visiting = Visiting(lived_in, settings=office.settings)
        async with visiting.browser() as browser, visiting.browser("anna") as anna:
            await browser.take_token("/sign-up")
            assert (await browser.send("/sign-up", **NEW)).status_code == 422
            assert nobody_new(lived_in)
            await browser.succeed("/sign-up", reason=WHY, **NEW)
            assert WHY not in await anna.read("/admin/sign-ups")
            [letter] = await office.empty()
            await confirm_in(browser, link(letter, "/confirm/"))
            assert WHY in await browser.read("/waiting")
            assert "gerne vil lukkes ind" in words(await anna.read("/notifications"))
            page = await anna.read("/admin/sign-ups")
            assert WHY in page
            id = look(lived_in, lambda db: account(db).id)
            assert await anna.succeed(f"/admin/sign-ups/{id}", verdict="approve") == "/admin/sign-ups"
            assert (await anna.send(f"/admin/sign-ups/{id}", verdict="approve")).status_code == 404
            assert (await browser.open("/settings")).status_code == 200
            [welcome] = await office.empty()
            assert "din konto er åben" in said(welcome).lower()
            assert look(lived_in, lambda db: told(db)) == 0


def told(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(Notification).where(Notification.kind == "sign_up")) or 0


async def test_who_is_refused_reads_why_and_is_forgotten_after_a_month(lived_in: Database) -> None:
    async with post_office(lived_in, smtp_host="") as office:
        choose(office, Mode.APPROVAL)
        visiting = Visiting(lived_in, settings=office.settings)
        async with visiting.browser() as browser, visiting.browser("anna") as anna:
            await browser.take_token("/sign-up")
            assert await browser.succeed("/sign-up", reason=WHY, **NEW) == "/waiting"
            id = look(lived_in, lambda db: account(db).id)
            assert (await anna.send(f"/admin/sign-ups/{id}", verdict="refuse")).status_code == 422
            assert waits(lived_in) == "approval"
            await anna.succeed(f"/admin/sign-ups/{id}", verdict="refuse", **{f"reason-{id}": "Kun for ansatte."})
            assert "Kun for ansatte." in await browser.read("/waiting")
            assert (await browser.open("/settings")).headers["location"] == "/waiting"
    clock.offset += 29 * 86400
    assert lived_in.write(lambda db: registrations.sweep(db, 100)) == 0
    clock.offset += 2 * 86400
    assert lived_in.write(lambda db: registrations.sweep(db, 100)) == 1
    assert nobody_new(lived_in)


async def test_only_moderators_answer(lived_in: Database) -> None:
    async with post_office(lived_in, smtp_host="") as office:
        choose(office, Mode.APPROVAL)
        visiting = Visiting(lived_in, settings=office.settings)
        async with visiting.browser() as browser, visiting.browser("birk") as birk:
            await browser.take_token("/sign-up")
            await browser.succeed("/sign-up", reason=WHY, **NEW)
            id = look(lived_in, lambda db: account(db).id)
            assert (await birk.open("/admin/sign-ups")).status_code == 404
            assert (await birk.send(f"/admin/sign-ups/{id}", verdict="approve")).status_code == 404
            with pytest.raises(Conflict):
                lived_in.write(lambda db: moderation.unsuspend(db, actors.get(db, id), by=person(db, "anna")))
            assert (await birk.open("/admin/registrations")).status_code == 404
            assert (await birk.send("/admin/registrations", mode="open")).status_code == 404
    assert waits(lived_in) == "approval"
    assert look(lived_in, lambda db: registrations.of(db, Policy())).mode == Mode.APPROVAL


@pytest.mark.alike
@pytest.mark.parametrize(
    ("email", "status"),
    [
        ("gry@havby.dk", 303),
        ("gry@HAVBY.DK", 303),
        ("gry@sub.havby.dk", 422),
        ("gry@havby.dk.evil.example", 422),
        ("gry@evil.example", 422),
        ("havby.dk@evil.example", 422),
        ("gry@evilhavby.dk", 422),
    ],
)
async def test_only_addresses_at_the_chosen_domains_make_an_account(
    lived_in: Database, email: str, status: int
) -> None:
    async with post_office(lived_in) as office:
        choose(office, Mode.DOMAIN, domains=["havby.dk", "@aabakke.dk"])
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            assert "havby.dk, aabakke.dk" in words(await browser.read("/sign-up"))
            await browser.take_token("/sign-up")
            assert (await browser.send("/sign-up", **NEW | {"email": email})).status_code == status
            assert nobody_new(lived_in) == (status != 303)
            if status == 303:
                await browser.take_token("/waiting")
                assert (await browser.send("/waiting/mail", email="gry@evil.example")).status_code == 422


@pytest.mark.alike
@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"mode": "domain", "domains": ""}, "Nævn mindst ét domæne."),
        ({"mode": "domain", "domains": "ikke et domæne"}, "Et domæne er det"),
        ({"mode": "everything"}, "Vælg en af dem."),
    ],
)
async def test_what_cannot_be_chosen_is_refused_and_kept_in_the_form(
    lived_in: Database, chosen: dict[str, str], says: str
) -> None:
    async with post_office(lived_in) as office, Visiting(lived_in, settings=office.settings).browser("anna") as anna:
        answer = await anna.send("/admin/registrations", **chosen)
        assert answer.status_code == 422
        assert says in words(answer.text) or "Vælg" in words(answer.text)
        assert chosen.get("domains", "") in answer.text
    assert look(lived_in, lambda db: registrations.of(db, Policy())).mode == Mode.INVITE


async def test_what_an_administrator_chooses_holds_everywhere_at_once(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        visiting = Visiting(lived_in, settings=office.settings)
        async with visiting.browser("anna") as anna, visiting.browser() as browser:
            assert (await browser.open("/sign-up")).status_code == 404
            await anna.succeed("/admin/registrations", mode="approval", members="1", domains="")
            assert 'href="/sign-up"' in await browser.read("/sign-in")
            instance = (await browser.http.get("/api/v2/instance")).json()["registrations"]
            assert (instance["enabled"], instance["approval_required"], instance["reason_required"]) == (
                True,
                True,
                True,
            )
            first = (await browser.http.get("/api/v1/instance")).json()
            assert (first["registrations"], first["approval_required"], first["invites_enabled"]) == (True, True, True)
            assert (await browser.http.get("/nodeinfo/2.1")).json()["openRegistrations"]
            await anna.succeed("/admin/registrations", mode="closed", domains="")
            assert not (await browser.http.get("/nodeinfo/2.1")).json()["openRegistrations"]
            assert (await browser.open("/sign-up")).status_code == 404


async def test_without_a_mail_server_domains_cannot_be_asked_for(lived_in: Database) -> None:
    async with Visiting(lived_in).browser("anna") as anna:
        answer = await anna.send("/admin/registrations", mode="domain", domains="havby.dk")
        assert answer.status_code == 422
        assert "sende mail" in words(answer.text)


async def test_an_app_that_signs_up_hears_403_until_its_person_is_let_in(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        choose(office, Mode.APPROVAL)
        world = ApiWorld(lived_in, settings=office.settings)
        async with world.client() as api:
            api.token = apps_own_token(lived_in)
            asked = {**NEW, "agreement": "true", "locale": "da"}
            await api.refused(422, "POST", "/api/v1/accounts", data=asked)
            made = await api.post("/api/v1/accounts", **asked, reason=WHY)
            api.token = made["access_token"]
            refusal = await api.refused(403, "GET", "/api/v1/accounts/verify_credentials")
            assert "confirmed e-mail" in str(refusal)
            await api.refused(403, "GET", "/api/v1/timelines/home")
            await api.refused(403, "POST", "/api/v1/statuses", data={"status": "Hej"})
            assert await api.get("/api/v1/emails/check_confirmation") is False
            assert len(await office.empty()) == 1
            await api.post("/api/v1/emails/confirmations")
            [letter] = await office.empty()
            lived_in.write(lambda db: confirm(db, letter))
            assert "pending approval" in str(await api.refused(403, "GET", "/api/v1/timelines/home"))
            await api.refused(403, "POST", "/api/v1/emails/confirmations")
            lived_in.write(lambda db: registrations.approve(db, account(db).id, by=person(db, "anna")))
            assert (await api.get("/api/v1/accounts/verify_credentials"))["username"] == "gry"


def confirm(db: Session, letter: Any) -> None:
    from models import email_links

    email_links.confirm(db, link(letter, "/confirm/").removeprefix("/confirm/"))


async def test_an_invitation_sent_by_mail_counts_as_confirmed_and_its_link_is_nowhere_else(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        choose(office, Mode.INVITE, members_invite=True)
        visiting = Visiting(lived_in, settings=office.settings)
        async with visiting.browser("birk") as birk, visiting.browser() as browser:
            answer = await birk.send("/invitations", email="gry@vesterlund.example", language="en")
            assert answer.status_code == 303
            assert "/invitations/" not in (await birk.read("/invitations")).replace("/invitations/withdraw", "")
            [letter] = await office.empty()
            assert letter["Subject"].startswith("Birk")
            path = link(letter, "/invitations/")
            await browser.take_token(path)
            other = await browser.send(path, **NEW | {"email": "eve@vesterlund.example"})
            assert other.status_code == 403
            assert await browser.succeed(path, **NEW | {"email": "gry@vesterlund.example"}) == "/start"
    assert look(lived_in, lambda db: account(db).email_confirmed_at) is not None


async def test_a_link_that_is_handed_on_does_not_confirm_anything(lived_in: Database) -> None:
    """T116: a member cannot make out that somebody else's address is shown to be his."""
    async with post_office(lived_in) as office:
        choose(office, Mode.INVITE, members_invite=True)
        visiting = Visiting(lived_in, settings=office.settings)
        async with visiting.browser("birk") as birk, visiting.browser() as browser:
            page = await birk.send("/invitations", email="", language="da")
            path = "/invitations/" + page.text.split("https://a.example/invitations/", 1)[1].split("<", 1)[0]
            await browser.take_token(path)
            assert await browser.succeed(path, **NEW | {"email": "boss@vesterlund.example"}) == "/waiting"
    assert waits(lived_in) == "confirmation"
    assert look(lived_in, lambda db: affiliations.of(db, account(db).id)) == []


async def test_an_invited_member_of_an_organisation_belongs_to_it_once_he_is_let_in(lived_in: Database) -> None:
    async with post_office(lived_in) as office:

        def invite(db: Session) -> str:
            return invitations.invite(db, organization_id=person(db, "aabakke").id, affiliation_class="public-body")

        token = lived_in.write(invite)
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            await browser.take_token(f"/invitations/{token}")
            await browser.succeed(f"/invitations/{token}", **NEW)
            assert look(lived_in, lambda db: affiliations.of(db, account(db).id)) == []
            [letter] = await office.empty()
            await confirm_in(browser, link(letter, "/confirm/"))
    rows = look(lived_in, lambda db: [(org.username, row.state) for row, org in affiliations.of(db, account(db).id)])
    assert ("aabakke", "confirmed") in rows


async def test_members_invite_only_where_they_may_and_only_so_many(lived_in: Database) -> None:
    async with post_office(lived_in, smtp_host="") as office:
        visiting = Visiting(lived_in, settings=office.settings)
        async with visiting.browser("birk") as birk:
            assert (await birk.open("/invitations")).status_code == 404
            assert (await birk.send("/invitations", email="")).status_code == 404
        choose(office, Mode.INVITE, members_invite=True)
        async with Visiting(lived_in, settings=office.settings).browser("birk") as birk:
            for _ in range(invitations.MAX_OPEN):
                assert (await birk.send("/invitations", email="", language="da")).status_code == 200
            assert (await birk.send("/invitations", email="", language="da")).status_code == 409
            [*_, last] = look(lived_in, lambda db: invitations.open_of(db, person(db, "birk").id))
            await birk.succeed("/invitations/withdraw", number=last.number)
            assert (await birk.send("/invitations/withdraw", number=last.number)).status_code == 404
            assert (await birk.send("/invitations", email="", language="da")).status_code == 200


async def test_nobody_withdraws_anothers_invitation(lived_in: Database) -> None:
    async with Visiting(lived_in).browser("birk") as birk:
        lived_in.write(lambda db: invitations.invite(db, by=person(db, "anna").id))
        [row] = look(lived_in, lambda db: invitations.open_of(db, person(db, "anna").id))
        assert (await birk.send("/invitations/withdraw", number=row.number)).status_code == 404
    assert len(look(lived_in, lambda db: invitations.open_of(db, person(db, "anna").id))) == 1


def test_an_account_nobody_confirmed_is_forgotten_with_all_that_hangs_on_it(lived_in: Database) -> None:
    def make(db: Session) -> None:
        policy = Policy(Mode.OPEN, by_mail=True)
        made = registrations.sign_up(db, policy, username="gry", email="gry@havby.example", password="en lang kode her")
        oauth.issue_for(db, made, "read")
        accounts.start_login(db, made)

    lived_in.write(make)
    before = look(lived_in, lambda db: db.scalar(select(func.count()).select_from(Actor)))
    clock.offset += 6 * 86400
    assert lived_in.write(lambda db: registrations.sweep(db, 100)) == 0
    clock.offset += 2 * 86400
    assert lived_in.write(lambda db: registrations.sweep(db, 100)) == 1
    assert look(lived_in, lambda db: db.scalar(select(func.count()).select_from(Actor))) == before - 1
    lived_in.write(make)


def test_an_account_that_was_let_in_is_never_swept(lived_in: Database) -> None:
    clock.offset += 400 * 86400
    assert lived_in.write(lambda db: registrations.sweep(db, 100)) == 0


async def test_another_address_holds_once_its_link_is_opened_and_the_old_one_is_told(lived_in: Database) -> None:
    async with post_office(lived_in) as office, Visiting(lived_in, settings=office.settings).browser("birk") as birk:
        wrong = await birk.send("/settings/email", email="b@havby.example", password="not this one")
        assert wrong.status_code == 422
        taken = await birk.send("/settings/email", email="anna@vesterlund.example", password=PASSWORD)
        assert taken.status_code == 422
        assert await office.empty() == []
        await birk.succeed("/settings/email", email="b@havby.example", password=PASSWORD)
        [letter] = await office.empty()
        assert letter["To"] == "b@havby.example"
        assert look(lived_in, lambda db: account(db, "birk").email) == "birk@havby.example"
        assert "b@havby.example" in await birk.read("/settings/account")
        await birk.succeed("/settings/email/again")
        [again] = await office.empty()
        assert again["To"] == "b@havby.example"
        await confirm_in(birk, link(again, "/confirm/"))
        assert look(lived_in, lambda db: account(db, "birk").email) == "b@havby.example"
        [told_old] = await office.empty()
        assert told_old["To"] == "birk@havby.example"
        assert (await birk.open(link(letter, "/confirm/"))).status_code == 404


async def test_without_a_mail_server_another_address_holds_at_once_and_is_not_confirmed(lived_in: Database) -> None:
    async with Visiting(lived_in).browser("birk") as birk:
        await birk.succeed("/settings/email", email="b@havby.example", password=PASSWORD)
        assert (await birk.send("/settings/email/again")).status_code == 404
    row = look(lived_in, lambda db: account(db, "birk"))
    assert (row.email, row.email_confirmed_at) == ("b@havby.example", None)
