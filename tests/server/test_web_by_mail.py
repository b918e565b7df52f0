"""Links in mail: a lost password, a confirmed address."""

import pytest
from sqlalchemy.orm import Session

from models import accounts, email_links, oauth
from models.base import clock
from models.database import Database
from models.email_links import Purpose
from server.limits import MAILS_BY_ACCOUNT
from tests.server.mailing import PostOffice, link, post_office
from tests.server.visiting import Browser, Visiting
from tests.world import PASSWORD

pytestmark = pytest.mark.anyio
NEW = "en helt ny adgangskode"
ADDRESS = "birk@havby.example"


async def lose(browser: Browser, office: PostOffice, email: str = ADDRESS) -> str:
    """Ask for a new password; the path of the link that came."""
    await browser.take_token("/password")
    answer = await browser.send("/password", email=email)
    assert answer.status_code == 200
    [letter] = await office.empty()
    return link(letter, "/password/")


async def test_a_lost_password_is_chosen_anew_and_everybody_is_signed_out(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        visiting = Visiting(lived_in, settings=office.settings)
        async with visiting.browser("birk") as thief, visiting.browser() as browser:
            token = lived_in.write(app_token)
            assert 'href="/password"' in await browser.read("/sign-in")
            path = await lose(browser, office)
            await browser.take_token(path)
            assert await browser.succeed(path, new=NEW) == "/sign-in"
            await browser.sign_in("birk", NEW)
            assert (await thief.open("/settings")).status_code == 303
            with lived_in.reading() as db:
                assert oauth.who(db, token) is None
            assert (await browser.open(path)).status_code == 404


def app_token(db: Session) -> str:
    return oauth.issue_for(db, accounts.by_username(db, "birk"), "read")


@pytest.mark.alike
@pytest.mark.parametrize("header", ["X-Forwarded-Host", "Forwarded", "X-Original-Host"])
async def test_the_link_leads_to_the_node_whatever_host_a_header_names(lived_in: Database, header: str) -> None:
    """T114"""
    async with post_office(lived_in) as office:
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            await browser.take_token("/password")
            named = "host=evil.example" if header == "Forwarded" else "evil.example"
            assert (await browser.send("/password", email=ADDRESS, headers={header: named})).status_code == 200
        [letter] = await office.empty()
        assert "evil.example" not in letter.as_string()
        assert link(letter, "/password/")


async def test_who_asks_another_host_is_turned_away_and_no_letter_goes(lived_in: Database) -> None:
    """T114"""
    async with post_office(lived_in) as office:
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            await browser.take_token("/password")
            answer = await browser.send("/password", email=ADDRESS, headers={"Host": "evil.example"})
            assert answer.status_code == 421
        assert await office.empty() == []


async def test_nobody_learns_who_has_an_account(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            await browser.take_token("/password")
            known = await browser.send("/password", email=ADDRESS)
            unknown = await browser.send("/password", email="nobody@vesterlund.example")
            assert known.text.replace(ADDRESS, "") == unknown.text.replace("nobody@vesterlund.example", "")
        assert len(await office.empty()) == 1


async def test_a_mailbox_cannot_be_flooded(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            await browser.take_token("/password")
            for _ in range(MAILS_BY_ACCOUNT.times):
                assert (await browser.send("/password", email=ADDRESS)).status_code == 200
            assert (await browser.send("/password", email=ADDRESS)).status_code == 429
        assert len(await office.empty()) == 1


@pytest.mark.parametrize("spoilt", ["old", "moved", "suspended", "changed"])
async def test_a_link_that_does_not_hold_any_more_changes_nothing(lived_in: Database, spoilt: str) -> None:
    async with post_office(lived_in) as office, Visiting(lived_in, settings=office.settings).browser() as browser:
        path = await lose(browser, office)
        await browser.take_token(path)
        if spoilt == "old":
            clock.offset += 2 * 3600 + 1
        else:
            lived_in.write(lambda db: spoil(db, spoilt))
        assert (await browser.open(path)).status_code == 404
        assert (await browser.send(path, new=NEW)).status_code == 404
    with lived_in.reading() as db, pytest.raises(Exception, match="wrong"):
        accounts.check_password(db, "birk", NEW)


def spoil(db: Session, how: str) -> None:
    account = accounts.by_username(db, "birk")
    if how == "moved":
        accounts.change_email(db, account, "birk@other.example")
    elif how == "suspended":
        accounts.suspend(db, account)
    else:
        accounts.set_password(db, account, PASSWORD)


async def test_a_password_that_is_too_short_is_asked_for_again_and_the_link_still_holds(lived_in: Database) -> None:
    async with post_office(lived_in) as office, Visiting(lived_in, settings=office.settings).browser() as browser:
        path = await lose(browser, office)
        await browser.take_token(path)
        assert (await browser.send(path, new="kort")).status_code == 422
        await browser.succeed(path, new=NEW)


async def test_opening_the_link_alone_confirms_nothing(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        lived_in.write(forget_confirmation)
        lived_in.write(lambda db: email_links.promise(db, accounts.by_username(db, "birk"), Purpose.CONFIRM))
        [letter] = await office.empty()
        path = link(letter, "/confirm/")
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            assert ADDRESS in await browser.read(path)
            assert not confirmed(lived_in)
            await browser.take_token(path)
            await browser.succeed(path)
            assert confirmed(lived_in)
            assert (await browser.send(path)).status_code == 404


def forget_confirmation(db: Session) -> None:
    accounts.by_username(db, "birk").email_confirmed_at = None


def confirmed(database: Database) -> bool:
    with database.reading() as db:
        return accounts.by_username(db, "birk").email_confirmed_at is not None


async def test_without_a_mail_server_there_are_no_such_pages(lived_in: Database) -> None:
    async with Visiting(lived_in).browser() as browser:
        assert (await browser.open("/password")).status_code == 404
        assert 'href="/password"' not in await browser.read("/sign-in")
