"""Dogmas on the pages: proposed, discussed, adopted, endorsed, changed; whatever is sent."""

import json
import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import adopting, arriving, dogmas, endorsing, polls
from models.accounts import by_username
from models.arriving import RemotePost
from models.base import now
from models.dogmas import Dogma, DogmaEndorsement, Status
from models.drafts import KeptDraft
from models.jobs import Job
from models.posts import Kind, Post, Visibility
from tests import world
from tests.federation.elsewhere import remote
from tests.models.test_dogmas import adopted, propose
from tests.server.visiting import ORIGIN, Browser, Visiting, person, words

pytestmark = pytest.mark.anyio

SAID = {"title": "Vi deler også det, der gik galt", "text": "Også når svaret blev **et nej**.", "language": "da"}


def the_dogma(browser: Browser) -> Post:
    return browser.do(lambda db: db.scalars(select(Post).where(Post.kind == Kind.DOGMA)).one())


def row(browser: Browser, post: Post) -> Dogma:
    return browser.do(lambda db: db.get_one(Dogma, post.id))


async def test_it_is_proposed_previewed_and_stands_where_it_was_sent(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk:
        group = birk.do(lambda db: person(db, "udfordrere").id)
        shown = await birk.send("/dogma/new", do="preview", community=group, **SAID)
        assert "<strong>et nej</strong>" in shown.text
        assert birk.do(lambda db: db.scalars(select(Dogma)).all()) == []
        where = await birk.succeed("/dogma/new", community=group, **SAID)
        post = the_dogma(birk)
        assert where.startswith(f"/p/{post.id}/forslag-til-dogme-vi-deler")
        said = words(await birk.read(where))
        assert "Forslag til dogme Vi deler også det, der gik galt" in said
        assert "Det har intet nummer" in said
        assert "Vi deler også det" in words(await birk.read("/dogma"))


@pytest.mark.alike
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "Nej"}, "title"),
        ({"title": "x" * 151}, "title"),
        ({"text": " "}, "text"),
        ({"text": "x" * 50_001}, "text"),
        ({"community": "99"}, "community"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    visiting: Visiting, wrong: dict[str, str], field: str
) -> None:
    async with visiting.browser("birk") as birk:
        answer = await birk.send("/dogma/new", **{**SAID, **wrong})
        assert answer.status_code in {404, 422}
        assert f'id="{field}-error"' in answer.text
        assert birk.do(lambda db: db.scalars(select(Dogma)).all()) == []
        assert birk.do(lambda db: len(db.scalars(select(KeptDraft)).all())) == 1


async def test_moderators_adopt_with_a_reason_and_nobody_else(visiting: Visiting) -> None:
    post = visiting.database.write(propose)
    async with visiting.browser("eva") as eva:
        assert (await eva.open(f"/posts/{post.id}/decide")).status_code == 404
        assert (await eva.send(f"/posts/{post.id}/decide", verdict="adopt", reason="Ja")).status_code == 404
    async with visiting.browser("camilla") as camilla:
        assert "Vedtag det" in await camilla.read(f"/posts/{post.id}/decide")
        for wrong in ({"verdict": "adopt"}, {"verdict": "withdraw", "reason": "x"}, {"reason": "x"}):
            assert (await camilla.send(f"/posts/{post.id}/decide", **wrong)).status_code == 422
        assert row(camilla, post).status == Status.PROPOSED
        await camilla.succeed(f"/posts/{post.id}/decide", verdict="adopt", reason="Vi er enige.")
        said = words(await camilla.read(f"/p/{post.id}/dogme-1-vi-deler-ogsaa-det-der-gik-galt"))
    assert "Dogme 1 Vi deler også" in said
    assert "Vi er enige." in said


async def test_its_proposer_takes_it_back(visiting: Visiting) -> None:
    post = visiting.database.write(propose)
    async with visiting.browser("birk") as birk:
        await birk.succeed(f"/posts/{post.id}/decide", verdict="withdraw", reason="Jeg tog fejl.")
        assert row(birk, post).status == Status.WITHDRAWN
        assert "Jeg tog fejl." in words(await birk.read(f"/p/{post.id}/forslag-til-dogme-trukket-tilbage-vi-deler-o"))


async def test_people_and_organisations_stand_behind_it_and_take_it_back(visiting: Visiting) -> None:
    post = visiting.database.write(adopted)
    async with visiting.browser("birk") as birk, visiting.browser() as nobody:
        havby = birk.do(lambda db: person(db, "havby").id)
        await birk.succeed(f"/posts/{post.id}/endorse")
        await birk.succeed(f"/posts/{post.id}/endorse", **{"as": havby})
        await birk.succeed(f"/posts/{post.id}/endorse", **{"as": havby})
        page = await nobody.read(post.url.removeprefix(ORIGIN))
        assert "1 organisation og 1 person" in words(page)
        assert page.index("Havby Kommune") < page.index("Birk Sørensen", page.index('class="plain signers"'))
        assert "Vi deler også" in words(await nobody.read("/u/birk"))
        assert "Vi deler også" in words(await nobody.read("/org/havby"))
        await birk.succeed(f"/posts/{post.id}/endorse", undo="1")
        await birk.succeed(f"/posts/{post.id}/endorse", undo="1", **{"as": havby})
        assert birk.do(lambda db: db.scalars(select(DogmaEndorsement)).all()) == []
    async with visiting.browser("eva") as eva:
        assert (await eva.send(f"/posts/{post.id}/endorse", **{"as": havby})).status_code == 403
        assert (await eva.send("/posts/99/endorse")).status_code == 404
        assert eva.do(lambda db: db.scalars(select(DogmaEndorsement)).all()) == []


async def test_who_wants_to_be_counted_and_not_named_says_so_in_the_settings(visiting: Visiting) -> None:
    post = visiting.database.write(adopted)
    async with visiting.browser("eva") as eva, visiting.browser() as nobody:
        await eva.succeed(f"/posts/{post.id}/endorse")
        where = post.url.removeprefix(ORIGIN)
        assert "Eva Lindqvist" in await nobody.read(where)
        await eva.succeed("/settings", name="Eva Lindqvist", language="da", hides_endorsements="1")
        assert eva.do(lambda db: endorsing.hides(by_username(db, "eva")))
        page = await nobody.read(where)
        assert "Eva Lindqvist" not in page
        assert "1 person" in words(page)
        assert "Vi deler" not in words(await nobody.read("/u/eva"))
        assert 'name="hides_endorsements" value="1" checked' in await eva.read("/settings")


async def test_a_new_version_says_what_changed_and_asks_for_another_look(visiting: Visiting) -> None:
    post = visiting.database.write(adopted)
    async with visiting.browser("birk") as birk, visiting.browser("eva") as eva:
        await eva.succeed(f"/posts/{post.id}/endorse")
        assert (await birk.open(f"/posts/{post.id}/edit")).headers["location"].endswith("/version")
        without = await birk.send(f"/posts/{post.id}/version", **SAID, note="")
        assert 'id="note-error"' in without.text
        where = await birk.succeed(f"/posts/{post.id}/version", **{**SAID, "text": "Altid."}, note="Kortere.")
        assert row(birk, post).version == 2
        said = words(await eva.read("/notifications"))
        assert "Står du stadig bag?" in said
        page = await eva.read(where)
        assert "Det gjaldt udgave 1" in words(page)
        await eva.succeed(f"/posts/{post.id}/endorse")
        assert "Det gjaldt udgave 1" not in words(await eva.read(where))
        versions = words(await eva.read(f"/posts/{post.id}/versions"))
        assert "Kortere." in versions
        assert "Udgave 1" in versions
        assert (await eva.open(f"/posts/{post.id}/version")).status_code == 404


async def test_one_of_another_server_has_its_figures_asked_for_when_a_member_looks(visiting: Visiting) -> None:
    def arrive(db: Session) -> Post:
        post, _ = arriving.record_remote(
            db,
            RemotePost(
                "https://m.example/p/1",
                remote(db, "m.example"),
                Visibility.PUBLIC,
                now(),
                title="Dogme 7: Vi spørger først",
                content="<p>Altid.</p>",
                kind_hint=Kind.DOGMA,
                extra={"dogma": {"number": 7, "endorsements": 118}},
            ),
        )
        return post

    post = visiting.database.write(arrive)
    async with visiting.browser() as stranger, visiting.browser("birk") as birk:
        assert "og 118 flere, siger m.example" in words(await stranger.read(f"/p/{post.id}"))
        assert birk.do(lambda db: db.query(Job).filter_by(kind="refresh_post").count()) == 0
        await birk.read(f"/p/{post.id}")
        await birk.read(f"/p/{post.id}")
        assert birk.do(lambda db: db.query(Job).filter_by(kind="refresh_post").count()) == 1


async def test_members_vote_on_its_page(visiting: Visiting) -> None:
    post = visiting.database.write(propose)
    async with visiting.browser("camilla") as camilla, visiting.browser("eva") as eva:
        bad = await camilla.send(f"/posts/{post.id}/decide", verdict="vote", days="7", minimum="0")
        assert 'id="minimum-error"' in bad.text
        await camilla.succeed(f"/posts/{post.id}/decide", verdict="vote", days="7", minimum="1")
        vote = camilla.do(lambda db: row_of(db, post.id).vote_id)
        page = await eva.read(post.url.removeprefix(ORIGIN))
        assert f'action="/posts/{vote}/ballot"' in page
        assert "Medlemmerne stemmer om det" in words(page)
        await eva.succeed(f"/posts/{vote}/ballot", choice=adopting.FOR)
        counted = eva.do(lambda db: [one.votes for one in polls.options(db, vote or 0)])
        assert counted == [1, 0]
        assert (await camilla.open(f"/posts/{post.id}/decide")).status_code == 404


def row_of(db: Session, post_id: int) -> Dogma:
    return db.get_one(Dogma, post_id)


async def test_search_engines_read_who_stands_behind_it(visiting: Visiting) -> None:
    def fill(db: Session) -> Post:
        post = adopted(db)
        person(db, "birk").indexable = True
        endorsing.endorse(db, person(db, "birk"), post, organization=person(db, "havby"))
        return post

    post = visiting.database.write(fill)
    async with visiting.browser() as nobody:
        page = await nobody.read(post.url.removeprefix(ORIGIN))
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found is not None
    data = json.loads(found[1])
    assert (data["@type"], data["position"], data["version"]) == ("CreativeWork", 1, 1)
    assert data["interactionStatistic"]["userInteractionCount"] == 1
    assert data["sponsor"][0]["name"] == "Havby Kommune"
    assert 'property="og:title" content="Dogme 1: Vi deler også det, der gik galt"' in page


async def test_the_demo_has_one_that_is_adopted_and_one_that_is_proposed(visiting: Visiting) -> None:
    def build(db: Session) -> None:
        made = world.World(
            people={one.username: person(db, one.username) for one in world.PEOPLE},
            organisations={name: person(db, name) for name in world.MUNICIPALITIES},
            communities={name: person(db, name) for name in world.COMMUNITIES},
        )
        world.agree(db, made)

    visiting.database.write(build)
    async with visiting.browser() as nobody:
        page = words(await nobody.read("/dogma"))
        community = words(await nobody.read("/c/udfordrere"))
    assert "2 organisationer og 4 personer" in page
    assert "Spørg, hvilken paragraf der menes" in page
    assert "1. Vi deler også det, der gik galt" in community


async def test_its_endorsements_are_a_collection_of_those_who_let_themselves_be_named(visiting: Visiting) -> None:
    def fill(db: Session) -> Post:
        post = adopted(db)
        for name in ("eva", "farid"):
            endorsing.endorse(db, person(db, name), post)
        endorsing.hide(db, by_username(db, "farid"), hidden=True)
        return post

    post = visiting.database.write(fill)
    async with visiting.browser() as server:
        accept = {"accept": "application/activity+json"}
        whole = (await server.open(f"/p/{post.id}/endorsements", **accept)).json()
        assert (whole["type"], whole["totalItems"]) == ("Collection", 2)
        page = (await server.open(whole["first"].removeprefix(ORIGIN), **accept)).json()
        assert page["items"] == [f"{ORIGIN}/u/eva"]
        assert (await server.open(f"/p/{post.id}/likes", **accept)).json()["totalItems"] == 2
        body = (await server.open(f"/p/{post.id}", **accept)).json()
        assert body["torv:endorsements"]["totalItems"] == body["likes"]["totalItems"] == 2
        asked = server.do(lambda db: db.scalars(select(Post.id).where(Post.kind == Kind.QUESTION)).first())
        assert (await server.open(f"/p/{asked}/endorsements", **accept)).status_code == 404
        assert server.do(lambda db: dogmas.get(db, db.get_one(Post, post.id)).status) == Status.ADOPTED
