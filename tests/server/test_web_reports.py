"""Reporting through the pages: the moderators here learn of it, and those of the other server if one wants them to."""

import pytest
from sqlalchemy.orm import Session

from models import arriving, cases
from models.arriving import RemotePost
from models.base import now
from models.outbox import Activity
from models.posts import Visibility
from tests.federation.elsewhere import remote
from tests.server.visiting import Visiting, person, question, words

pytestmark = pytest.mark.anyio

ALSO = "Fortæl det også til moderatorerne på by.example"


def _arrive(db: Session) -> tuple[int, int]:
    there = remote(db, "by.example")
    post = RemotePost("https://by.example/p/1", there, Visibility.PUBLIC, now(), content="<p>Køb nu</p>")
    return there.id, arriving.record_remote(db, post)[0].id


def _flags(db: Session) -> list[object]:
    return [one.data["embed"] for one in db.query(Activity).filter_by(type="Flag").order_by(Activity.id)]


async def test_somebody_elsewhere_is_reported_to_his_server_only_if_ticked(visiting: Visiting) -> None:
    jonas, post = visiting.database.write(_arrive)
    async with visiting.browser("eva") as browser:
        assert ALSO in words(await browser.read(f"/actors/{jonas}/report"))
        await browser.succeed(f"/actors/{jonas}/report", comment="Spam")
        assert browser.do(_flags) == []
        await browser.succeed(f"/actors/{jonas}/report", comment="Spam", forward="1")
        assert ALSO in words(await browser.read(f"/posts/{post}/report"))
        await browser.succeed(f"/posts/{post}/report", comment="Reklame", forward="1")
        user = "https://by.example/users/jonas"
        assert browser.do(_flags) == [[user], [user, "https://by.example/p/1"]]
    async with visiting.browser("anna") as browser:
        page = words(await browser.read("/admin/reports"))
        assert page.count("Den anden server har fået det at vide.") == 2


async def test_somebody_here_has_no_other_server_to_tell(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        birk = browser.do(lambda db: person(db, "birk").id)
        for path in (f"/actors/{birk}/report", f"/posts/{browser.do(lambda db: question(db, 'Må vi').id)}/report"):
            assert 'name="forward"' not in await browser.read(path)
        await browser.succeed(f"/actors/{birk}/report", comment="Løber for hurtigt", forward="1")
        assert browser.do(_flags) == []
        assert [row.forwarded for row, _, _ in browser.do(cases.waiting)] == [False]
