"""What somebody elsewhere says he is to an organisation elsewhere: shown only when both sides say it (T145)."""

from urllib.parse import quote

import httpx
import pytest

from federation.affiliating import check_affiliations
from federation.documents import Passing
from models import actors, affiliations, organizations
from models.actors import ActorType
from models.database import Database
from models.organizations import Facts
from server.app import create_app
from server.settings import Settings
from tests.conftest import NODE
from tests.dumping import dumped
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.federation.neighbours import Fediverse, Inbox, Json, neighbour

pytestmark = pytest.mark.anyio

ORG = "https://o.example/users/kommune"
MEMBERS = "https://o.example/org/kommune/members"
TOVE = "https://m.example/users/tove"


def claim(organization: str = ORG, kind: str = "public-body") -> list[Json]:
    return [{"torv:organization": organization, "torv:affiliationClass": kind}]


class Town:
    """Tove on m.example, a municipality on o.example, and our node, which knows neither."""

    def __init__(self, database: Database) -> None:
        self.fediverse = Fediverse()
        self.inbox = Inbox(database, self.fediverse)
        self.tove = neighbour(self.fediverse, "tove", "m.example", **{"torv:affiliation": claim()})
        self.org = neighbour(self.fediverse, "kommune", "o.example", "Organization", **{"torv:members": MEMBERS})
        self.lists(TOVE)

    def lists(self, *members: str, at: str = MEMBERS, person: str = TOVE) -> None:
        body = {"id": MEMBERS, "type": "Collection", "totalItems": len(members), "items": list(members)}
        self.fediverse.documents[f"{at}?actor={quote(person, safe='')}"] = body

    async def check(self) -> dict[str, str]:
        """What stands at Tove's name after she was met and the jobs were done."""
        found = await self.inbox.knows(self.tove)
        await check_affiliations(self.inbox.fed, {"actor": found.id})
        return self.shown()

    def shown(self) -> dict[str, str]:
        shown: dict[str, str] = self.inbox.actor(TOVE).affiliation
        return shown


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


async def test_what_both_sides_say_is_shown_with_the_organisations_server(town: Town) -> None:
    assert await town.check() == {"class": "public-body", "name": "kommune", "uri": ORG, "host": "o.example"}


async def test_nothing_is_shown_before_the_organisation_was_asked(town: Town) -> None:
    await town.inbox.knows(town.tove)
    assert town.shown() == {}


async def test_a_claim_that_the_organisation_does_not_confirm_is_not_shown(town: Town) -> None:
    town.lists()
    assert await town.check() == {}


async def test_a_list_that_names_somebody_else_confirms_nothing(town: Town) -> None:
    town.lists("https://m.example/users/tove2")
    assert await town.check() == {}


async def test_a_list_on_another_host_confirms_nothing_and_is_not_asked(town: Town) -> None:
    elsewhere = "https://m.example/org/kommune/members"
    town.org.doc["torv:members"] = elsewhere
    town.lists(TOVE, at=elsewhere)
    assert await town.check() == {}
    assert not any(url.startswith(elsewhere) for url in town.fediverse.asked)


async def test_an_organisation_without_a_list_confirms_nothing(town: Town) -> None:
    del town.org.doc["torv:members"]
    assert await town.check() == {}


async def test_a_person_or_a_community_is_no_organisation(town: Town) -> None:
    for kind in ("Person", "Group"):
        town.org.doc["type"] = kind
        assert await town.check() == {}


async def test_an_organisation_that_lists_somebody_who_does_not_claim_it_shows_nothing(town: Town) -> None:
    del town.tove.doc["torv:affiliation"]
    assert await town.check() == {}
    assert town.fediverse.asked == [TOVE]


async def test_what_the_organisation_takes_back_is_shown_no_longer(town: Town) -> None:
    await town.check()
    town.lists()
    assert await town.check() == {}


async def test_what_was_confirmed_stays_while_the_organisation_does_not_answer(town: Town) -> None:
    shown = await town.check()
    town.fediverse.documents[ORG] = 503
    before = dumped(town.inbox.database)
    with pytest.raises(Passing):
        await town.check()
    assert town.shown() == shown
    assert dumped(town.inbox.database) == before


async def test_only_three_claims_of_one_person_are_looked_into(town: Town) -> None:
    town.tove.doc["torv:affiliation"] = [claim(f"https://e{n}.example/org")[0] for n in range(9)]
    await town.check()
    assert len({url for url in town.fediverse.asked if ".example/org" in url}) <= 3


async def test_a_claim_of_one_of_our_organisations_is_not_confirmed_by_our_own_words(town: Town) -> None:
    def found(db: object) -> str:
        return organizations.create(db, None, "kommune", Facts("Vores Kommune")).uri  # type: ignore[arg-type]

    town.tove.doc["torv:affiliation"] = claim(town.inbox.write(found))
    assert await town.check() == {}


async def test_what_one_torv_node_publishes_another_confirms(database: Database, new_database: object) -> None:
    """Two real nodes: what `a.example` serves is what `b.example` asks for and believes."""
    from models.database import Node

    served = Elsewhere()
    app = create_app(Settings(origin=NODE.origin, data_dir="unused"), federation=federation_with(database, served))

    def live(db: object) -> int:
        org = organizations.create(db, None, "kommune", Facts("Eksempel Kommune"))  # type: ignore[arg-type]
        lene = actors.create_local(db, "lene", ActorType.PERSON)  # type: ignore[arg-type]
        affiliations.accept_invited(db, lene, org, "public-body")  # type: ignore[arg-type]
        actors.create_local(db, "omar", ActorType.PERSON)  # type: ignore[arg-type]
        return lene.id

    database.write(live)
    other: Database = new_database(Node("https://b.example", "b.example"))  # type: ignore[operator]
    asking = Elsewhere()

    async def ask(request: httpx.Request) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=NODE.origin) as http:
            answer = await http.get(request.url, headers=request.headers)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    asking.answers["a.example"] = ask
    fed = federation_with(other, asking)

    async def shown(name: str) -> dict[str, str]:
        from federation.resolving import Budget, actor

        uri = f"https://a.example/u/{name}"
        found = await actor(fed, uri, Budget(), fresh=True)
        await check_affiliations(fed, {"actor": found.id})
        with other.reading() as db:
            row = actors.by_uri(db, uri)
            assert row is not None
            known: dict[str, str] = row.affiliation
            return known

    uri = "https://a.example/org/kommune"
    assert await shown("lene") == {
        "class": "public-body",
        "name": "Eksempel Kommune",
        "uri": uri,
        "host": "a.example",
    }
    assert await shown("omar") == {}
