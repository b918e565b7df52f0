"""The first minute of a new member."""

import pytest

from models import follows
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio


async def test_a_new_member_follows_what_he_ticks_and_comes_home(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk:
        ids = birk.do(lambda db: [person(db, name).id for name in ("birk", "udfordrere", "anna")])
        me, wanted = ids[0], ids[1:]
        birk.do(lambda db: [follows.undo(db, person(db, "birk"), person(db, name)) for name in ("udfordrere", "anna")])
        page = await birk.read("/start")
        assert f'value="{wanted[0]}" checked' in page
        assert await birk.succeed("/start", follow=[str(id) for id in wanted]) == "/"
        assert set(birk.do(lambda db: follows.states(db, me, wanted))) == set(wanted)


async def test_nothing_ticked_follows_nobody(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk:
        before = birk.do(lambda db: follows.count_following(db, person(db, "birk").id))
        assert await birk.succeed("/start") == "/"
        assert birk.do(lambda db: follows.count_following(db, person(db, "birk").id)) == before


@pytest.mark.parametrize("wanted", ["x", "-1", "9" * 19, "9" * 30, "0"])
async def test_what_is_not_there_is_passed_over(visiting: Visiting, wanted: str) -> None:
    async with visiting.browser("birk") as birk:
        me = birk.do(lambda db: str(person(db, "birk").id))
        before = birk.do(lambda db: follows.count_following(db, int(me)))
        assert await birk.succeed("/start", follow=[wanted, me]) == "/"
        assert birk.do(lambda db: follows.count_following(db, int(me))) == before


async def test_questions_that_wait_are_offered(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser() as reader:
        assert "Has anyone run participatory budgeting" in words(await birk.read("/start"))
        assert (await reader.open("/start")).headers["location"].startswith("/sign-in")
