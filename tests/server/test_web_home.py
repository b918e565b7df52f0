"""Home: people, communities and tags one follows all come there, and an empty one shows the way on."""

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from models import accounts, actors, composing, follows, tag_follows, threads
from models.database import Database
from models.follows import Follow
from models.posts import Draft
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio


def lonely(db: Session) -> None:
    """Farid follows nobody and nothing."""
    db.execute(delete(Follow).where(Follow.follower_id == person(db, "farid").id))


async def test_an_empty_home_leads_to_where_one_chooses(lived_in: Database) -> None:
    def join(db: Session) -> None:
        accounts.create(db, username="gry", email="gry@havby.example", password="en lang adgangskode", language="en")

    lived_in.write(join)
    async with Visiting(lived_in).browser("gry") as gry:
        page = await gry.read("/")
        assert "It is quiet here." in words(page)
        assert 'href="/start"' in page.split('class="empty"')[1]


@pytest.mark.parametrize("way", ["person", "community", "tag"])
async def test_what_one_follows_comes_home(lived_in: Database, way: str) -> None:
    def fill(db: Session) -> None:
        lonely(db)
        farid, anna, group = person(db, "farid"), person(db, "anna"), actors.by_handle(db, "udfordrere")
        assert group is not None
        if way == "tag":
            tag_follows.follow(db, farid.id, "brandhaner")
        else:
            follows.request(db, farid, anna if way == "person" else group)
        if way == "community":
            threads.ask(db, anna, group, Draft(text="Fortæl.", title="Hvem har prøvet borgerbudget?"))
        else:
            composing.note(db, anna, Draft(text="Hvem har prøvet borgerbudget? #brandhaner"))

    lived_in.write(fill)
    async with Visiting(lived_in).browser("farid") as farid:
        assert "Hvem har prøvet borgerbudget?" in words(await farid.read("/"))
    async with Visiting(lived_in).browser("camilla") as camilla:
        lived_in.write(lambda db: db.execute(delete(Follow).where(Follow.follower_id == person(db, "camilla").id)))
        assert "Hvem har prøvet borgerbudget?" not in words(await camilla.read("/"))


async def test_a_thread_stands_once_with_what_else_is_new_in_it(lived_in: Database) -> None:
    def talk(db: Session) -> None:
        group = actors.by_handle(db, "udfordrere")
        assert group is not None
        asked = threads.ask(db, person(db, "anna"), group, Draft(text="Fortæl.", title="Hvem har en bænk?"))
        for said in ("Det har vi.", "Den er grøn.", "Den er våd."):
            threads.comment(db, person(db, "birk"), asked, Draft(text=said))

    lived_in.write(talk)
    async with Visiting(lived_in).browser("anna") as anna:
        page = await anna.read("/")
    first = page.partition('<ul class="stream">')[2].partition("</details>")[0]
    assert words(first).count("Hvem har en bænk?") == 2, "once above the newest comment, once among the rest"
    assert "3 mere i samme tråd" in words(first)
    assert "Den er våd." in words(first.partition("<details")[0])


WAYS_ON = {
    "/": "/communities/new",
    "/ask": "/communities/new",
    "/start": "/communities/new",
    "/organizations": "/admin/organizations",
}
"""What an administrator makes first, from where it is missed."""


async def test_who_looks_after_an_empty_place_is_shown_what_comes_first(database: Database) -> None:
    for name, role in (("anna", "admin"), ("birk", "member")):
        given = {"username": name, "email": f"{name}@havby.example", "password": "en lang adgangskode", "role": role}
        database.write(lambda db, given=given: accounts.create(db, **given))
    async with Visiting(database).browser("anna") as anna:
        for path, way in WAYS_ON.items():
            assert f'href="{way}"' in (await anna.read(path)).partition("<main")[2], path
    async with Visiting(database).browser("birk") as birk:
        for path, way in WAYS_ON.items():
            assert f'href="{way}"' not in await birk.read(path), path
        assert "Her er stille." in words(await birk.read("/"))
