"""Asking through the page: preview, drafts, tags, a municipality, and somebody by name."""

import re

import pytest
from sqlalchemy import select

from models import composing, notifications
from models.drafts import KeptDraft
from models.outbox import Activity
from models.posts import Draft, Post, PostTag, Recipient
from tests.federation.elsewhere import remote
from tests.server.visiting import Browser, Visiting, person, question, words

pytestmark = pytest.mark.anyio

TITLE = "Må vi låne jeres skema?"


def fields(browser: Browser, **more: object) -> dict[str, object]:
    group = browser.do(lambda db: person(db, "udfordrere").id)
    return {"title": TITLE, "text": "Vores er på **ni** sider.", "community": group, "language": "da", **more}


def written(visiting: Visiting) -> Post:
    with visiting.database.reading() as db:
        return db.scalars(select(Post).where(Post.title == TITLE)).one()


def nothing_asked(visiting: Visiting) -> bool:
    with visiting.database.reading() as db:
        return db.scalars(select(Post).where(Post.title == TITLE)).first() is None


async def test_a_preview_shows_it_as_it_will_look_and_asks_nothing(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        how = fields(browser, do="preview", barriers=["regler"], municipality="0751", to="eva", tags="skemaer")
        answer = await browser.send("/ask", **how)
        assert answer.status_code == 200
        assert "Sådan kommer det til at se ud" in answer.text
        assert "<strong>ni</strong>" in answer.text
        for kept in (f'value="{TITLE}"', "Vores er på **ni** sider.", 'value="eva"', 'value="skemaer"'):
            assert kept in answer.text
        assert re.search(r'value="0751" lang="da" selected', answer.text)
        assert re.search(r'value="regler" checked', answer.text)
    assert nothing_asked(visiting)


async def test_a_preview_of_evil_text_is_inert(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        for path in ("/ask", "/post"):
            answer = await browser.send(path, text="<script>alert(1)</script> [x](javascript:alert(1))", do="preview")
            preview = answer.text.partition('id="preview"')[2].partition("</section>")[0]
            assert "<script" not in preview
            assert 'href="javascript' not in preview


async def test_tags_of_their_own_field_are_tags_and_stand_in_the_text_once(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        await browser.succeed(
            "/ask", **fields(browser, text="Om #skemaer igen.", tags="#Skemaer, bibliotek frivillige")
        )
    post = written(visiting)
    assert post.source == "Om #skemaer igen.\n\n#bibliotek #frivillige"
    with visiting.database.reading() as db:
        tags = set(db.scalars(select(PostTag.name).where(PostTag.post_id == post.id)))
    assert tags == {"skemaer", "bibliotek", "frivillige"}


async def test_the_municipality_is_kept_shown_and_changed(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        where = await browser.succeed("/ask", **fields(browser, municipality="0751"))
        assert "om Aarhus" in words(await browser.read(where))
        number = written(visiting).id
        edit = {"title": TITLE, "text": "Kortere.", "language": "da"}
        await browser.succeed(f"/posts/{number}/edit", municipality="0147", **edit)
        assert written(visiting).extra["municipality"] == "0147"
        await browser.succeed(f"/posts/{number}/edit", municipality="", **edit)
        assert "municipality" not in written(visiting).extra


async def test_somebody_here_is_asked_by_name_and_told_so(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        await browser.succeed("/ask", **fields(browser, to="@eva"))
    with visiting.database.reading() as db:
        told = [(row.kind, who.username) for row, who, _ in notifications.of(db, person(db, "eva").id)]
        assert told[0] == ("asked", "birk")
    async with visiting.browser("eva") as eva:
        assert "spørger dig" in words(await eva.read("/notifications"))


async def test_somebody_on_another_server_is_asked_by_name_and_his_server_told(visiting: Visiting) -> None:
    jonas = visiting.database.write(lambda db: remote(db, "m.example", "jonas").uri)
    async with visiting.browser("birk") as browser:
        await browser.succeed("/ask", **fields(browser, to="jonas@m.example"))
    post = written(visiting)
    assert post.source.startswith("@jonas@m.example\n\n")
    with visiting.database.reading() as db:
        create = db.scalars(select(Activity).where(Activity.post_id == post.id, Activity.type == "Create")).one()
        assert jonas in create.cc
        assert db.scalars(select(Recipient).where(Recipient.post_id == post.id)).one().mentioned


async def test_who_is_only_named_in_the_text_is_not_asked(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        await browser.succeed("/ask", **fields(browser, text="Det sagde @eva forleden. Passer det?"))
    with visiting.database.reading() as db:
        assert notifications.of(db, person(db, "eva").id)[0][0].kind == "mention"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"to": "nobodyhere"}, "Skriv en adresse som navn@server.dk"),
        ({"to": "a b c d e f"}, "Skriv højst fem navne."),
        ({"to": "udfordrere"}, "Skriv en persons brugernavn her."),
        ({"tags": "to-ord!"}, "Et emneord er ét ord af bogstaver og tal."),
        ({"tags": "1234"}, "Et emneord er ét ord af bogstaver og tal."),
        ({"tags": " ".join(f"ord{n}" for n in range(11))}, "Skriv højst ti emneord."),
        ({"municipality": "9999"}, "Vælg en af disse."),
        ({"face": "somebody"}, "Vælg en af disse."),
    ],
)
async def test_a_mistake_is_told_what_was_typed_is_kept_and_lies_among_the_drafts(
    visiting: Visiting, changed: dict[str, str], says: str
) -> None:
    async with visiting.browser("birk") as browser:
        answer = await browser.send("/ask", **fields(browser, **changed))
        assert answer.status_code == 422
        assert says in words(answer.text)
        assert "Vores er på **ni** sider." in answer.text
        draft = re.search(r'name="draft" value="(\d+)"', answer.text)
        assert draft
        assert TITLE in await browser.read("/drafts")
        again = await browser.read(f"/ask?draft={draft[1]}")
        assert "Vores er på **ni** sider." in again
        await browser.succeed("/ask", **fields(browser, draft=draft[1]))
        with visiting.database.reading() as db:
            assert db.scalars(select(KeptDraft)).all() == []


async def test_a_draft_is_kept_by_the_button_and_gone_on_with(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        where = await browser.succeed("/ask", **fields(browser, do="draft", title="", municipality="0751"))
        page = await browser.read(where)
        assert "Din kladde er gemt." in page
        assert "Vores er på **ni** sider." in page
        assert re.search(r'value="0751" lang="da" selected', page)
        number = where.rpartition("=")[2]
        again = await browser.succeed("/ask", **fields(browser, do="draft", text="Længere nu", draft=number))
        assert again == where
        assert "Længere nu" in await browser.read(where)
        await browser.succeed(f"/drafts/{number}/drop")
        assert "Du har ingen kladder." in words(await browser.read("/drafts"))
    assert nothing_asked(visiting)


async def test_an_answer_begun_stands_in_its_field_again_until_it_is_sent(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        asked = browser.do(lambda db: question(db, "Has anyone run"))
        where = await browser.succeed(f"/posts/{asked.id}/reply", text="Yes, with", do="draft")
        assert "Yes, with" in await browser.read(where)
        page = await browser.read(f"/p/{asked.id}")
        assert "Yes, with</textarea>" in page
        number = re.search(r'name="draft" value="(\d+)"', page)
        assert number
        await browser.succeed(f"/posts/{asked.id}/reply", text="Yes, with 20.000.", draft=number[1])
        assert "Yes, with</textarea>" not in await browser.read(f"/p/{asked.id}")


async def test_the_script_hears_the_number_of_its_draft(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        answer = await browser.send("/post", text="En ny", do="draft", headers={"Accept": "application/json"})
        assert answer.status_code == 200
        number = answer.json()["draft"]
        again = await browser.send(
            "/post", text="En nyere", do="draft", draft=number, headers={"Accept": "application/json"}
        )
        assert again.json() == {"draft": number}
        empty = await browser.send("/post", text=" ", do="draft", headers={"Accept": "application/json"})
        assert empty.json() == {"draft": None}


async def test_nobody_opens_or_drops_anothers_draft(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        number = (await browser.succeed("/ask", **fields(browser, do="draft"))).rpartition("=")[2]
    async with visiting.browser("anna") as other:
        assert (await other.open(f"/ask?draft={number}")).status_code == 404
        assert (await other.send(f"/drafts/{number}/drop")).status_code == 404
        assert TITLE not in await other.read("/drafts")
    async with visiting.browser("birk") as browser:
        assert (await browser.open(f"/post?draft={number}")).status_code == 404  # a draft of another kind
        assert TITLE in await browser.read("/drafts")


async def test_a_draft_of_a_reply_to_what_one_may_not_see_is_refused(visiting: Visiting) -> None:
    def secret(db: object) -> int:
        return composing.note(db, person(db, "anna"), Draft("@eva kun dig", visibility="direct")).id  # type: ignore[arg-type]

    number = visiting.database.write(secret)
    async with visiting.browser("birk") as browser:
        assert (await browser.send(f"/posts/{number}/reply", text="Hvad?", do="draft")).status_code == 404
    with visiting.database.reading() as db:
        assert db.scalars(select(KeptDraft)).all() == []


async def test_a_person_is_asked_from_his_profile(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        assert "/ask?to=eva%40a.example" in await browser.read("/u/eva")
        assert 'value="eva@a.example"' in await browser.read("/ask?to=eva%40a.example")
