"""Dates as people say them, who is at the other end of the wire, and counting tries."""

import asyncio
import ipaddress
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from models import domains, moderation, settings
from models.database import Database
from server import dates
from server.clients import address, network
from server.federating import Blocked
from server.i18n import translator
from server.security import local_path

PRESENT = datetime(2026, 11, 24, 13, 5, tzinfo=UTC)
COPENHAGEN = dates.zone("Europe/Copenhagen")


@pytest.mark.parametrize(
    ("at", "danish", "english"),
    [
        (datetime(2026, 11, 24, 13, 4, 30, tzinfo=UTC), "lige nu", "just now"),
        (datetime(2026, 11, 24, 12, 45, tzinfo=UTC), "for 20 min. siden", "20 min. ago"),
        (datetime(2026, 11, 24, 7, 0, tzinfo=UTC), "i dag kl. 08.00", "today at 08:00"),
        (datetime(2026, 11, 23, 13, 5, tzinfo=UTC), "i går kl. 14.05", "yesterday at 14:05"),
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "i går kl. 00.30", "yesterday at 00:30"),
        (datetime(2026, 11, 20, 9, 0, tzinfo=UTC), "fredag kl. 10.00", "Friday at 10:00"),
        (datetime(2026, 3, 1, 9, 0, tzinfo=UTC), "1. marts", "1 March"),
        (datetime(2024, 3, 1, 9, 0, tzinfo=UTC), "1. mar. 2024", "1 Mar 2024"),
        (datetime(2026, 11, 24, 15, 0, tzinfo=UTC), "i dag kl. 16.00", "today at 16:00"),
        (datetime(2026, 11, 30, 15, 0, tzinfo=UTC), "30. november kl. 16.00", "30 November at 16:00"),
        (datetime(2027, 1, 3, 15, 0, tzinfo=UTC), "3. jan. 2027", "3 Jan 2027"),
    ],
)
def test_times_are_said_as_people_say_them(at: datetime, danish: str, english: str) -> None:
    assert dates.said(at, PRESENT, "da", COPENHAGEN, translator("da")) == danish
    assert dates.said(at, PRESENT, "en", COPENHAGEN, translator("en")) == english


def test_the_full_date_is_there_too() -> None:
    assert dates.full(PRESENT, "da", COPENHAGEN) == "tirsdag den 24. november 2026 kl. 14.05"
    assert dates.full(PRESENT, "en", COPENHAGEN) == "Tuesday 24 November 2026 at 14:05"


def connection(peer: str, *forwarded: str) -> HTTPConnection:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return HTTPConnection({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", (), "203.0.113.7"),
        ("203.0.113.7", ("192.0.2.1",), "203.0.113.7"),  # not a proxy of ours: the header is his own invention
        ("127.0.0.1", ("192.0.2.1",), "192.0.2.1"),
        ("127.0.0.1", ("6.6.6.6, 192.0.2.1",), "192.0.2.1"),  # the left part was written by the client
        ("127.0.0.1", ("6.6.6.6", "192.0.2.1, 10.0.0.5"), "192.0.2.1"),
        ("127.0.0.1", ("garbage",), "127.0.0.1"),
        ("127.0.0.1", ("192.0.2.1, garbage",), "127.0.0.1"),
        ("127.0.0.1", (), "127.0.0.1"),
        ("::ffff:127.0.0.1", ("192.0.2.1",), "192.0.2.1"),
    ],
)
def test_a_forwarded_address_counts_only_from_our_own_proxies(
    peer: str, forwarded: tuple[str, ...], client: str
) -> None:
    ours = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8")]
    assert address(connection(peer, *forwarded), ours) == client


def test_a_customer_with_a_whole_network_is_one_client() -> None:
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2:ffff::") != network("2001:db8:1:3::4")
    assert network("203.0.113.7") == network("::ffff:203.0.113.7") == "203.0.113.7"


@given(st.text(max_size=60))
def test_whatever_is_asked_for_one_stays_on_this_node(wanted: str) -> None:
    path = local_path(wanted)
    assert path.startswith("/")
    assert not path.startswith("//")
    assert "\\" not in path
    assert path.isprintable()


def test_whom_the_node_does_not_ask_follows_from_all_rules_as_from_each(database: Database) -> None:
    hosts = ("m.example", "sub.m.example", "friend.sub.m.example", "n.example", "x.limited.example", "not a host")

    def set_rules(db: Session) -> None:
        moderation.set_rule(db, "m.example", "block")
        moderation.set_rule(db, "friend.sub.m.example", "allow")
        moderation.set_rule(db, "limited.example", "limit")

    def asked_one_by_one(db: Session) -> list[bool]:
        return [domains.is_blocked(db, host) for host in hosts]

    def kept_from() -> list[bool]:
        blocked = Blocked(database)

        async def ask() -> list[bool]:
            return [await blocked(host) for host in hosts]

        return asyncio.run(ask())

    assert kept_from() == [False] * 5 + [True]
    database.write(set_rules)
    assert kept_from() == database.write(asked_one_by_one)
    assert kept_from() == [True, True, False, False, False, True]
    database.write(lambda db: settings.put(db, "allow_list", True))
    assert kept_from() == database.write(asked_one_by_one)
    assert kept_from()[hosts.index("n.example")]


def test_nobody_waits_while_the_rules_are_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    read_in: list[threading.Thread] = []
    real = domains.all_rules

    def all_rules(db: Session) -> domains.Rules:
        read_in.append(threading.current_thread())
        return real(db)

    monkeypatch.setattr(domains, "all_rules", all_rules)

    async def ask() -> None:
        blocked = Blocked(database)
        await asyncio.gather(*(blocked(f"h{number}.example") for number in range(5)))

    asyncio.run(ask())
    assert len(read_in) == 1
    assert read_in[0] is not threading.current_thread()
