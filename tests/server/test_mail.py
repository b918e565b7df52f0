"""Mail: what goes over the wire, and what becomes of letters that a mail server does not take."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from federation.working import GiveUp
from models import accounts, email_links, identity, jobs
from models.base import clock
from models.database import Database
from models.email_links import Purpose
from models.jobs import Job
from server import mail
from server.mail import Letter, MailFault
from server.settings import Settings
from server.web import colours
from tests.fediverse.ground import Ground
from tests.server.mailing import PostOffice, link, post_office, said

pytestmark = pytest.mark.anyio
LETTER = Letter("birk@vesterlund.example", "Hej", "Hej Birk.\n")


def promise(office: PostOffice, username: str = "birk", purpose: Purpose = Purpose.PASSWORD) -> None:
    office.database.write(lambda db: email_links.promise(db, accounts.by_username(db, username), purpose))


def rows(office: PostOffice) -> list[Job]:
    with office.database.reading() as db:
        return list(db.scalars(select(Job)))


async def test_a_letter_arrives_as_text_and_as_html_in_the_readers_language(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        promise(office)
        promise(office, "farid", Purpose.CONFIRM)
        letters = await office.empty()
    danish = next(one for one in letters if str(one["To"]).startswith("birk"))
    english = next(one for one in letters if str(one["To"]).startswith("farid"))
    assert (danish["Subject"], english["Subject"]) == ("Vælg en ny adgangskode", "Confirm your e-mail address")
    assert danish["From"].addresses[0].display_name == "Torv i a"
    assert danish["Auto-Submitted"] == "auto-generated"
    assert link(danish, "/password/") in said(danish, "html")
    assert "Hello Farid" in said(english)
    assert "background:#0b5d5e" in said(danish, "html")
    assert rows(office) == []


@pytest.mark.once
async def test_a_letter_has_the_colour_of_the_place_as_far_as_it_can_be_read(lived_in: Database) -> None:
    lived_in.write(lambda db: identity.choose(db, accent="#ffee00"))
    async with post_office(lived_in) as office:
        promise(office)
        (letter,) = await office.empty()
    tone = colours.tones("#ffee00")[0]
    assert f"background:{tone['--accent']};color:{tone['--on-accent']}" in said(letter, "html")
    assert tone["--accent"] != "#ffee00"


@pytest.mark.alike
@pytest.mark.parametrize("verb", ["HELLO", "MAIL", "RCPT", "DATA", "BODY"])
async def test_a_letter_that_is_not_taken_now_is_tried_again(lived_in: Database, verb: str) -> None:
    async with post_office(lived_in) as office:
        office.server.answers[verb] = ["450 come later"]
        promise(office)
        assert await office.empty() == []
        [waiting] = rows(office)
        assert waiting.dead_at is None
        clock.offset += 3600
        assert len(await office.empty()) == 1
        assert rows(office) == []


@pytest.mark.alike
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "BODY"])
async def test_a_letter_that_is_refused_for_good_is_given_up_and_kept_for_the_administrator(
    lived_in: Database, verb: str
) -> None:
    async with post_office(lived_in) as office:
        office.server.answers[verb] = ["550 never"]
        promise(office)
        assert await office.empty() == []
        [dead] = rows(office)
        assert dead.dead_at is not None
        assert "550" in dead.error
        assert "@" not in dead.error


async def test_what_a_mail_server_says_in_parting_does_not_make_a_letter_go_twice(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        office.server.answers["QUIT"] = ["421 no"]
        promise(office)
        assert len(await office.empty()) == 1
        assert rows(office) == []


async def test_a_mail_server_that_cannot_be_reached_loses_nothing(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        away = PostOffice(
            lived_in, office.server, Settings(origin="https://a.example", smtp_host="127.0.0.1", smtp_port=1)
        )
        promise(away)
        assert await away.empty() == []
        clock.offset += 3600
        assert len(await office.empty()) == 1


async def test_a_worker_that_dies_with_a_letter_in_its_hands_loses_nothing(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        promise(office)
        assert len(lived_in.write(lambda db: jobs.claim(db, 10, 60.0))) == 1
        clock.offset += 61
        assert len(await office.empty()) == 1


async def test_a_node_without_a_mail_server_lets_letters_go(lived_in: Database) -> None:
    async with post_office(lived_in, smtp_host="") as office:
        promise(office)
        assert await office.empty() == []
        assert rows(office) == []


@pytest.mark.once
async def test_nothing_is_sent_in_clear_where_encryption_is_demanded(lived_in: Database) -> None:
    async with post_office(lived_in, smtp_security="starttls", smtp_user="torv", smtp_password="geheim") as office:
        with pytest.raises(MailFault):
            await mail.send(office.settings, LETTER, name="Torv")
        assert not any("AUTH" in line or "MAIL" in line for line in office.server.said)


@pytest.mark.alike
@pytest.mark.parametrize(
    "bad", ["Hej\r\nBcc: eve@evil.example", "Hej\nBcc: eve@evil.example", "Hej\rBcc: x@evil.example"]
)
async def test_no_text_becomes_a_header(lived_in: Database, bad: str) -> None:
    async with post_office(lived_in) as office:
        letter = Letter(LETTER.to, bad, "x", headers=(("List-Unsubscribe", bad),))
        await mail.send(office.settings, letter, name=bad)
        [arrived] = office.server.letters
        assert arrived["Bcc"] is None
        assert [to for to, _ in office.server.taken] == [LETTER.to]
        assert "Bcc: " in arrived["Subject"]


@pytest.mark.alike
@pytest.mark.parametrize(
    "address",
    ["a@b.example\r\nBcc: eve@evil.example", "a@b.example, eve@evil.example", "<eve@evil.example>", "", "a b@x.example", "ø@b.example"],
)  # fmt: skip
async def test_an_address_that_is_none_is_never_written_to(lived_in: Database, address: str) -> None:
    async with post_office(lived_in) as office:
        with pytest.raises(GiveUp):
            await mail.send(office.settings, Letter(address, "Hej", "x"), name="Torv")
        assert office.server.taken == []


@pytest.mark.alike
@pytest.mark.parametrize(
    ("email", "kept"),
    [
        ("Gry@Havby.Example", "gry@havby.example"),
        ("gry+torv@havby.example", "gry+torv@havby.example"),
        ("gry@sønderby.dk", "gry@xn--snderby-q1a.dk"),
    ],
)
def test_an_address_is_kept_as_dns_has_it(database: Database, email: str, kept: str) -> None:
    assert database.write(lambda db: account(db, "gry", email).email) == kept


@pytest.mark.parametrize("email", ["gry@havby.example", "GRY@havby.example ", "gry+more@havby.example"])
def test_one_mailbox_has_one_account(database: Database, email: str) -> None:
    """T116"""
    database.write(lambda db: account(db, "gry", "gry+torv@havby.example").id)
    with pytest.raises(Exception, match="account with this e-mail"):
        database.write(lambda db: account(db, "gerda", email))
    with database.reading() as db:
        assert len(list(db.scalars(select(accounts.Account)))) == 1


@pytest.mark.alike
@pytest.mark.parametrize(
    "email", ["ɡry@havby.example", "gry@havby", "gry@@havby.example", "gry@-x.example", "a..b@x.example", '"a b"@x.example']
)  # fmt: skip
def test_what_mail_servers_read_differently_is_no_address(database: Database, email: str) -> None:
    """T116"""
    with pytest.raises(Exception, match="not an e-mail address"):
        database.write(lambda db: account(db, "gry", email))


def account(db: Any, username: str, email: str) -> accounts.Account:
    return accounts.create(db, username=username, email=email, password="en lang adgangskode")


HOST = "localhost"


class Authority:
    """A certificate authority of the test's own, and what a mail server shows that has a certificate of it."""

    def __init__(self, folder: Path) -> None:
        self.ground = Ground(folder)

    @property
    def trusted(self) -> str:
        return str(self.ground.ca_file)

    def serves(self, name: str = HOST) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.ground.certificate(name))
        return context


SIGNED_IN = {"smtp_host": HOST, "smtp_user": "torv", "smtp_password": "geheim"}


@pytest.mark.once
@pytest.mark.parametrize("way", ["tls", "starttls"])
async def test_a_letter_goes_encrypted_to_a_server_whose_certificate_holds(
    lived_in: Database, tmp_path: Path, way: str
) -> None:
    authority = Authority(tmp_path)
    ways: dict[str, Any] = {way: authority.serves()}
    async with post_office(lived_in, smtp_security=way, ca_file=authority.trusted, **SIGNED_IN, **ways) as office:
        await mail.send(office.settings, LETTER, name="Torv")
        assert [to for to, _ in office.server.taken] == [LETTER.to]
        assert any(line.upper().startswith("AUTH") for line in office.server.said)
        assert set(office.server.in_clear) == (set() if way == "tls" else {"EHLO", "STARTTLS"})


@pytest.mark.alike
@pytest.mark.parametrize("way", ["tls", "starttls"])
@pytest.mark.parametrize("fault", ["another name", "another authority"])
async def test_a_certificate_that_does_not_hold_is_refused_and_the_letter_kept(
    lived_in: Database, tmp_path: Path, way: str, fault: str
) -> None:
    authority = Authority(tmp_path)
    shown = authority.serves("mail.test" if fault == "another name" else HOST)
    trusted = "" if fault == "another authority" else authority.trusted
    ways: dict[str, Any] = {way: shown}
    async with post_office(lived_in, smtp_security=way, ca_file=trusted, **SIGNED_IN, **ways) as office:
        promise(office)
        assert await office.empty() == []
        [waiting] = rows(office)
        assert waiting.dead_at is None
        assert "SSLCertVerificationError" in waiting.error
        said = {line.split()[0].upper() for line in office.server.said}
        assert said <= {"EHLO", "STARTTLS"}


@pytest.mark.once
async def test_a_server_that_offers_no_encryption_gets_nothing_where_tls_is_demanded(lived_in: Database) -> None:
    async with post_office(lived_in, smtp_security="tls", **SIGNED_IN) as office:
        with pytest.raises(MailFault):
            await asyncio.wait_for(mail.send(office.settings, LETTER, name="Torv"), 30)
        assert office.server.taken == []
        assert not any(line.upper().startswith(("AUTH", "MAIL", "EHLO")) for line in office.server.said)
