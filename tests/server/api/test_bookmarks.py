"""Bookmarks and favourites: kept for oneself, in pages, and never another's."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, bookmarks, composing, favourites, posts, removing
from models.database import Database
from models.posts import Draft, Post
from server.api import show_statuses
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person, question

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def number(api: Api, title: str) -> str:
    with api.database.reading() as db:
        return str(question(db, title).id)


async def test_a_bookmark_shows_in_the_list_and_on_the_status_until_it_is_taken_back(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        status = number(api, "Må vi")
        assert (await api.post(f"/api/v1/statuses/{status}/bookmark"))["bookmarked"] is True
        assert (await api.post(f"/api/v1/statuses/{status}/bookmark"))["bookmarked"] is True
        assert [one["id"] for one in await api.get("/api/v1/bookmarks")] == [status]
        assert (await api.post(f"/api/v1/statuses/{status}/unbookmark"))["bookmarked"] is False
        assert await api.get("/api/v1/bookmarks") == []


async def test_nobody_sees_what_another_keeps(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client("eva") as eva:
        await birk.post(f"/api/v1/statuses/{number(birk, 'Må vi')}/bookmark")
        assert await eva.get("/api/v1/bookmarks") == []
        assert (await eva.get(f"/api/v1/statuses/{number(eva, 'Må vi')}"))["bookmarked"] is False


async def test_what_one_may_not_read_cannot_be_kept_and_leaves_the_list(world: ApiWorld) -> None:
    def followers_only() -> int:
        return world.database.write(
            lambda db: composing.note(db, person(db, "anna"), Draft(text="Kun til jer", visibility="followers")).id
        )

    note = followers_only()
    async with world.client("birk") as birk, world.client("farid") as farid:
        # birk does not follow anna; farid does
        await birk.refused(404, "POST", f"/api/v1/statuses/{note}/bookmark")
        await farid.post(f"/api/v1/statuses/{note}/bookmark")
        world.database.write(lambda db: removing.delete_post(db, person(db, "anna"), posts.get(db, note)))
        assert await farid.get("/api/v1/bookmarks") == []


async def test_pages_lead_from_one_to_the_next_and_back(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        names = ["Må vi", "Lederen", "Has anyone"]
        for name in names:
            await api.post(f"/api/v1/statuses/{number(api, name)}/bookmark")
        first = await api.call("GET", "/api/v1/bookmarks?limit=2")
        assert [one["id"] for one in first.json()] == [number(api, "Has anyone"), number(api, "Lederen")]
        following = first.links["next"]["url"]
        second = await api.call("GET", following)
        assert [one["id"] for one in second.json()] == [number(api, "Må vi")]
        back = await api.call("GET", second.links["prev"]["url"])
        assert back.json() == first.json()


async def test_favourites_are_the_votes_one_gave_last_first(world: ApiWorld) -> None:
    async with world.client("eva") as api:
        mine = await api.get("/api/v1/favourites")
        assert mine
        assert all(one["favourited"] for one in mine)
        newest = number(api, "Må vi")
        await api.post(f"/api/v1/statuses/{newest}/favourite")
        assert (await api.get("/api/v1/favourites"))[0]["id"] == newest
        await api.post(f"/api/v1/statuses/{newest}/unfavourite")
        assert await api.get("/api/v1/favourites") == mine


def test_a_long_list_costs_as_many_queries_as_a_short_one(lived_in: Database) -> None:
    def keep(count: int) -> int:
        def work(db: Session) -> None:
            me = person(db, "eva")
            for post in list(db.scalars(select(Post).order_by(Post.id).limit(count))):
                bookmarks.add(db, me.id, post)

        lived_in.write(work)
        with lived_in.reading() as db:
            me = actors.get(db, person(db, "eva").id)
            with counted(db) as asked:
                shown = show_statuses.statuses(db, me, [post for _, post in bookmarks.page(db, me)])
                show_statuses.statuses(db, me, [post for _, post in favourites.page(db, me)])
            assert len(shown) == count
            return len(asked)

    keep(1)  # what is found out once in the life of a process
    assert keep(8) == keep(16)
