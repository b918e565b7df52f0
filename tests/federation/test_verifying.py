"""Links in a profile that lead to pages which name the person back: `rel="me"` (T98, T12)."""

from collections.abc import Callable
from typing import Any

import pytest

from federation.fetch_errors import FetchError
from federation.verifying import mentions, verify_links
from models import accounts, actors, profiles
from models.database import Database
from models.jobs import Job
from tests.dumping import dumped
from tests.federation.fetching import Make
from tests.federation.hostile import Peer, answer, redirect
from tests.federation.neighbours import Fediverse, Inbox, said

pytestmark = pytest.mark.anyio
LENE = "https://a.example/u/lene"
PAGE = "https://lene.example/om"
HTML = "text/html; charset=utf-8"


def person(db: Any, *addresses: str) -> int:
    account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
    fields = profiles.fields([(f"Linje {number}", address) for number, address in enumerate(addresses)])
    profiles.change(db, actors.get(db, account.id), fields=fields)
    return account.id


class Home:
    """Lene of a.example, with addresses in her profile, and the pages behind them."""

    def __init__(self, database: Database, *addresses: str) -> None:
        self.fediverse = Fediverse()
        self.inbox = Inbox(database, self.fediverse)
        self.database = database
        self.id = database.write(lambda db: person(db, *addresses))

    def page(self, body: str, address: str = PAGE, kind: str = HTML) -> None:
        self.fediverse.documents[address] = said(200, body.encode(), content_type=kind)

    async def marks(self) -> list[bool]:
        await verify_links(self.inbox.fed, {"actor": self.id})
        return self.shown()

    def shown(self) -> list[bool]:
        return [bool(field.get("verified")) for field in self.inbox.actor(LENE).fields]


@pytest.fixture
def home(database: Database) -> Callable[..., Home]:
    return lambda *addresses: Home(database, *addresses)


@pytest.mark.parametrize(
    "body",
    [
        f'<a rel="me" href="{LENE}">mig</a>',
        f'<a href="{LENE}/" rel="nofollow ME noopener">mig</a>',
        f'<link rel="me" href="{LENE}">',
        '<a rel=me href="https://a.example/@lene">mig',
    ],
)
async def test_a_page_that_links_back_is_marked(home: Callable[..., Home], body: str) -> None:
    at = home(PAGE)
    at.page(f"<!doctype html><html><body>{body}")
    assert await at.marks() == [True]


@pytest.mark.alike
@pytest.mark.parametrize(
    "body",
    [
        f'<a href="{LENE}">mig</a>',
        f'<a rel="menu" href="{LENE}">mig</a>',
        f'<a rel="me" href="{LENE}2">mig</a>',
        '<a rel="me" href="https://evil.example/u/lene">mig</a>',
        f"<!-- <a rel=me href={LENE}> -->",
        f"<script>'<a rel=me href={LENE}>'</script>",
        f'<img rel="me" href="{LENE}">',
        "",
    ],
)
async def test_a_page_that_does_not_is_not(home: Callable[..., Home], body: str) -> None:
    at = home(PAGE)
    at.page(body)
    assert await at.marks() == [False]


async def test_saving_promises_to_look_and_only_for_what_is_an_address(database: Database) -> None:
    def queued(db: Any) -> list[str]:
        return [job.kind for job in db.query(Job) if job.kind == "verify_links"]

    database.write(lambda db: person(db, "Bare tekst", "http://usikker.example/", "Se https://lene.example/"))
    assert database.write(queued) == []
    database.write(
        lambda db: profiles.change(db, actors.by_handle(db, "lene"), fields=profiles.fields([("Blog", PAGE)]))
    )
    assert database.write(queued) == ["verify_links"]


@pytest.mark.once
async def test_what_is_not_an_address_alone_is_never_fetched(home: Callable[..., Home]) -> None:
    at = home("Se https://lene.example/om", "http://lene.example/om", "tekst")
    assert await at.marks() == [False, False, False]
    assert at.fediverse.asked == []


@pytest.mark.once
async def test_only_pages_are_read(home: Callable[..., Home]) -> None:
    at = home(PAGE)
    at.page(f'<a rel="me" href="{LENE}">', kind="application/json")
    assert await at.marks() == [False]


async def test_a_mark_goes_when_the_page_no_longer_links_back_and_with_the_address(home: Callable[..., Home]) -> None:
    at = home(PAGE)
    at.page(f'<a rel="me" href="{LENE}">')
    assert await at.marks() == [True]
    at.inbox.write(
        lambda db: profiles.change(
            db, actors.get(db, at.id), fields=profiles.fields([("Ny", PAGE), ("To", PAGE + "/2")])
        )
    )
    assert at.shown() == [True, False]
    at.page("nothing")
    at.page("nothing", PAGE + "/2")
    assert await at.marks() == [False, False]


async def test_a_server_that_is_down_is_asked_again_and_nothing_is_changed(home: Callable[..., Home]) -> None:
    at = home(PAGE)
    at.fediverse.documents[PAGE] = ConnectionError("down")
    before = dumped(at.database)
    with pytest.raises(FetchError):
        await at.marks()
    assert dumped(at.database) == before


@pytest.mark.alike
@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:{port}/me",
        "https://good.test:{port}/me",
        "https://10.0.0.7/",
        "https://[::1]:{port}/me",
        "https://localhost:{port}/me",
        "https://intranet/",
        "https://good.example@127.0.0.1:{port}/me",
        "https://169.254.169.254/latest/meta-data",
    ],
)
async def test_an_address_inside_is_never_connected_to(
    database: Database, peer: Peer, make: Make, address: str
) -> None:
    """T98, T12: the same guard as for everything else that is fetched."""
    peer.routes["/me"] = answer(200, f'<a rel="me" href="{LENE}">'.encode(), HTML)
    number = database.write(lambda db: person(db, address.format(port=peer.port)))
    inbox = Inbox(database, Fediverse())
    inbox.fed.client = make(fetch_allow=[])
    await verify_links(inbox.fed, {"actor": number})
    assert peer.connections == 0
    assert not any(field.get("verified") for field in inbox.actor(LENE).fields)


@pytest.mark.once
async def test_a_redirect_inside_is_not_followed(database: Database, peer: Peer, make: Make) -> None:
    peer.routes["/me"] = redirect("https://10.0.0.7/inside")
    number = database.write(lambda db: person(db, peer.url("/me")))
    inbox = Inbox(database, Fediverse())
    inbox.fed.client = make()
    await verify_links(inbox.fed, {"actor": number})
    assert [request.target for request in peer.log] == ["/me"]
    assert not any(field.get("verified") for field in inbox.actor(LENE).fields)


def test_the_domain_of_a_very_long_address_comes_first() -> None:
    """T98"""
    line = profiles.field("Blog", "https://lene.example/" + "x" * 470)
    assert ">lene.example/xxx" in line["value"]


@pytest.mark.parametrize("page", ["<a " * 100_000, "<" * 500_000, "<a rel=me href=x>" * 50_000])
def test_a_page_made_to_take_long_does_not(page: str) -> None:
    import time

    began = time.process_time()
    assert not mentions(page[:1_000_000], {LENE})
    assert time.process_time() - began < 2
