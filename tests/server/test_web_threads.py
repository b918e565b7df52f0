"""Asking, answering, commenting, voting, accepting, editing and deleting, through the pages."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import asking, threads
from models.communities import Community
from models.posts import Draft, Kind, Post
from tests.federation.elsewhere import remote
from tests.server.visiting import Visiting, person, question, words

pytestmark = pytest.mark.anyio

RUNNERS = "Hvordan fik I løbere"
ECONOMY = "Lederen siger ja"


async def test_a_question_is_asked_and_shown(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        where = await browser.succeed(
            "/ask",
            title="Må vi låne jeres skema?",
            text="Vores er på **ni** sider.",
            community=group,
            barriers=["regler", "vaner"],
            language="da",
        )
        assert re.fullmatch(r"/p/\d+/maa-vi-laane-jeres-skema", where)
        page = await browser.read(where)
        assert "Dit spørgsmål er stillet." in page
        assert "<strong>ni</strong>" in page
        assert "Regler" in words(page)
        assert "Vaner" in words(page)
        assert "Må vi låne jeres skema?" in await browser.read("/questions")
        assert "Må vi låne jeres skema?" in await browser.read("/c/udfordrere")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"title": "Hm?"}, "Et spørgsmål skal have en overskrift på mindst 5 tegn."),
        ({"title": ""}, "Skriv noget her."),
        ({"title": "x" * 201}, "Det er for langt."),
        ({"text": "x" * 50_001}, "Det er for langt."),
        ({"community": ""}, "Vælg, hvor du spørger."),
        ({"community": "17"}, "Den konto findes ikke."),
        ({"community": "abc"}, "Vælg en af disse."),
        ({"community": "9" * 30}, "Vælg en af disse."),
        ({"visibility": "followers"}, "Vælg en af disse."),
        ({"barriers": "love'); drop"}, "Vælg blandt disse."),
        ({"language": "xx"}, "Vælg en af disse."),
    ],
)
async def test_a_mistake_in_a_question_is_told_and_nothing_is_lost(
    visiting: Visiting, changed: dict[str, str], says: str
) -> None:
    async with visiting.browser("birk") as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        fields = {"title": "Må vi låne jeres skema?", "text": "Vores er på ni sider.", "community": str(group)}
        answer = await browser.send("/ask", **{**fields, **changed})
        assert answer.status_code in {404, 422}
        assert says in words(answer.text)
        for name, value in fields.items():
            if name not in changed and name != "community":
                assert value in answer.text
        assert "Må vi låne" not in await browser.read("/questions")


async def test_an_answer_stands_below_the_question_and_can_be_reached_by_its_number(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        asked = browser.do(lambda db: question(db, "Has anyone run"))
        where = await browser.succeed(f"/posts/{asked.id}/reply", text="Yes, with 20.000.", visibility="public")
        page = await browser.read(where.partition("#")[0])
        assert "Yes, with 20.000." in page
        number = where.rpartition("#p")[2]
        assert f'id="p{number}"' in page
        assert (await browser.open(f"/p/{number}")).headers["location"].endswith(f"#p{number}")


async def test_an_empty_answer_is_not_sent(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        asked = browser.do(lambda db: question(db, "Has anyone run"))
        answer = await browser.send(f"/posts/{asked.id}/reply", text="   \n ")
        assert answer.status_code == 422
        assert "Skriv noget her." in answer.text
        assert asked.title in answer.text


async def test_a_comment_on_a_question_is_no_answer(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        asked = browser.do(lambda db: question(db, "Has anyone run"))
        where = await browser.succeed(
            f"/posts/{asked.id}/reply", text="Which year?", visibility="public", **{"as": "comment"}
        )
        written = int(where.rpartition("#p")[2])
        with visiting.database.reading() as db:
            assert db.get_one(Post, written).kind == Kind.COMMENT
        assert "Ubesvaret" in words(await browser.read("/questions?order=unanswered"))


async def test_more_than_three_comments_are_folded(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        asked = browser.do(lambda db: question(db, "Has anyone run"))
        for number in range(5):
            await browser.succeed(f"/posts/{asked.id}/reply", text=f"Comment {number}", **{"as": "comment"})
        page = await browser.read(f"/p/{asked.id}")
        folded = page.partition('<details class="more">')[2].partition("</details>")[0]
        assert "Vis 2 kommentarer mere" in folded
        assert "Comment 3" in folded
        assert "Comment 2" not in folded


async def test_a_vote_is_given_and_taken_back(visiting: Visiting) -> None:
    async with visiting.browser("farid") as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        for value, pressed, up in (("1", "true", 3), ("0", "false", 2)):
            await browser.succeed(f"/posts/{asked.id}/vote", value=value)
            page = await browser.read(f"/p/{asked.id}")
            assert f'aria-pressed="{pressed}"' in page
            with visiting.database.reading() as db:
                assert db.get_one(Post, asked.id).up == up


async def test_down_votes_are_offered_only_where_they_count(visiting: Visiting) -> None:
    async with visiting.browser("farid") as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        assert "Not useful" not in await browser.read(f"/p/{asked.id}")
        assert (await browser.send(f"/posts/{asked.id}/vote", value="-1")).status_code == 403
        browser.do(lambda db: setattr(db.get_one(Community, asked.community_id), "allows_down", True))
        assert "Not useful" in await browser.read(f"/p/{asked.id}")
        await browser.succeed(f"/posts/{asked.id}/vote", value="-1")


@pytest.mark.parametrize("value", ["2", "", "-2", "1e9", "x"])
async def test_a_vote_is_up_down_or_nothing(visiting: Visiting, value: str) -> None:
    async with visiting.browser("farid") as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        assert (await browser.send(f"/posts/{asked.id}/vote", value=value)).status_code == 409


async def test_one_does_not_vote_for_oneself(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        assert f'action="/posts/{asked.id}/vote"' not in await browser.read(f"/p/{asked.id}")
        assert (await browser.send(f"/posts/{asked.id}/vote", value="1")).status_code == 403


async def test_the_asker_accepts_changes_his_mind_and_withdraws(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        asked = browser.do(lambda db: question(db, RUNNERS))
        with visiting.database.reading() as db:
            answers = [post.id for post in threads.read(db, None, asked).answers]
        page = await browser.read(f"/p/{asked.id}")
        assert page.count("Accepteret svar") == 1
        await browser.succeed(f"/posts/{answers[2]}/accept")
        page = await browser.read(f"/p/{asked.id}")
        assert page.index(f'id="p{answers[2]}"') < page.index(f'id="p{answers[0]}"')
        assert 'class="answer accepted"' in page
        await browser.succeed(f"/posts/{answers[2]}/withdraw")
        page = await browser.read(f"/p/{asked.id}")
        assert 'class="answer accepted"' not in page


async def test_others_are_not_offered_to_accept_and_cannot(visiting: Visiting) -> None:
    async with visiting.browser("farid") as browser:
        asked = browser.do(lambda db: question(db, RUNNERS))
        assert "Acceptér svaret" not in await browser.read(f"/p/{asked.id}")
        with visiting.database.reading() as db:
            last = threads.read(db, None, asked).answers[-1].id
        assert (await browser.send(f"/posts/{last}/accept")).status_code == 403
        assert (await browser.send(f"/posts/{last}/withdraw")).status_code == 403


async def test_an_edit_keeps_what_was_said_before(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        form = await browser.read(f"/posts/{asked.id}/edit")
        assert asked.source.split()[0] in form
        where = await browser.succeed(
            f"/posts/{asked.id}/edit", title="Hvem taler I med først?", text="Kortere nu.", language="da"
        )
        assert where.endswith("/hvem-taler-i-med-foerst")
        page = await browser.read(where)
        assert "Kortere nu." in page
        assert f"/posts/{asked.id}/history" in page
        assert "Lederen siger ja" in await browser.read(f"/posts/{asked.id}/history")


async def test_an_old_address_leads_to_the_new_one(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        for path in (f"/p/{asked.id}", f"/p/{asked.id}/an-older-title"):
            answer = await browser.open(path)
            assert answer.headers["location"] == asked.url.removeprefix("https://a.example")


async def test_others_posts_cannot_be_edited_or_deleted(visiting: Visiting) -> None:
    async with visiting.browser("farid") as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        for deed in ("edit", "delete"):
            assert (await browser.open(f"/posts/{asked.id}/{deed}")).status_code == 404
            answer = await browser.send(f"/posts/{asked.id}/{deed}", title="Mit nu", text="Mit nu", language="da")
            assert answer.status_code == 404
        assert ECONOMY in await browser.read(f"/p/{asked.id}")


async def test_deleting_asks_first_and_leaves_a_page_that_says_so(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        assert "Slet for altid" in await browser.read(f"/posts/{asked.id}/delete")
        assert ECONOMY in await browser.read(f"/p/{asked.id}")
        assert await browser.succeed(f"/posts/{asked.id}/delete") == "/"
        gone = await browser.open(f"/p/{asked.id}")
        assert gone.status_code == 410
        assert ECONOMY not in gone.text


@pytest.mark.parametrize("visibility", ["followers", "direct", "node"])
async def test_who_may_not_see_a_post_learns_nothing_of_it(visiting: Visiting, visibility: str) -> None:
    async with visiting.browser("anna") as anna, visiting.browser() as nobody:
        text = "@birk kun til dig: hemmeligheden"
        where = await anna.succeed("/post", text=text, visibility=visibility, language="da")
        hidden, missing = await nobody.open(where), await nobody.open("/p/17")
        assert hidden.status_code == missing.status_code == 404
        assert hidden.text.replace(where, "/p/17") == missing.text
        for path in ("/", "/questions", "/u/anna?replies=1"):
            assert "hemmeligheden" not in await nobody.read(path)


async def test_a_question_for_this_node_only_shows_its_title_to_nobody_else(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser, visiting.browser() as nobody:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        where = await browser.succeed(
            "/ask", title="Hemmelig sag om leverandøren", text="x", community=group, visibility="node", language="da"
        )
        assert "Hemmelig sag" in await browser.read("/c/udfordrere")
        for path in ("/", "/questions", "/questions?order=top", "/c/udfordrere", "/u/birk"):
            assert "Hemmelig sag" not in await nobody.read(path)
        hidden = await nobody.open(where)
        assert hidden.status_code == 404
        assert "Hemmelig sag" not in hidden.text


async def test_a_public_question_tells_link_previews_what_it_is(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        asked = browser.do(lambda db: question(db, RUNNERS))
        answer = await browser.http.get(asked.url, headers={"Accept": "text/html"})
        assert f'<meta property="og:title" content="{asked.title}">' in answer.text
        assert f'<link rel="alternate" type="application/activity+json" href="{asked.uri}">' in answer.text
        assert answer.headers["link"] == f'<{asked.uri}>; rel="alternate"; type="application/activity+json"'


async def test_an_outside_answer_is_marked_until_it_is_kept(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        asked = browser.do(lambda db: question(db, RUNNERS))

        def arrive(db: object) -> int:
            from models import arriving, base
            from models.posts import Visibility

            author = remote(db, "m.example")  # type: ignore[arg-type]
            post, _ = arriving.record_remote(
                db,  # type: ignore[arg-type]
                arriving.RemotePost(
                    uri="https://m.example/s/1",
                    author=author,
                    visibility=Visibility.PUBLIC,
                    published=base.now(),
                    content="<p>Jeg løber med.</p>",
                    in_reply_to_uri=asked.uri,
                ),
            )
            return post.id

        number = browser.do(arrive)
        page = await browser.read(f"/p/{asked.id}")
        assert "Jeg løber med." in page
        assert "Udefra" in words(page)
        assert "@jonas@m.example" in words(page).replace(" ", "")
        await browser.succeed(f"/posts/{number}/keep")
        assert "Udefra" not in words(await browser.read(f"/p/{asked.id}"))


async def test_an_answer_becomes_a_comment_and_back(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        asked = browser.do(lambda db: question(db, RUNNERS))
        with visiting.database.reading() as db:
            last = threads.read(db, None, asked).answers[-1].id
        for kind in (Kind.COMMENT, Kind.ANSWER):
            await browser.succeed(f"/posts/{last}/turn")
            with visiting.database.reading() as db:
                assert db.get_one(Post, last).kind == kind


async def test_a_note_is_written_boosted_pinned_and_answered(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        where = await anna.succeed("/post", text="Et kort ord #prøve", visibility="public", language="da")
        number = int(where.rpartition("/")[2])
        await birk.succeed(f"/posts/{number}/boost")
        assert "Et kort ord" in await birk.read("/u/birk")
        await birk.succeed(f"/posts/{number}/boost", undo="1")
        assert "Et kort ord" not in await birk.read("/u/birk")
        await anna.succeed(f"/posts/{number}/pin")
        assert "Vist øverst" in words(await anna.read("/u/anna"))
        await birk.succeed(f"/posts/{number}/reply", text="Helt enig.", visibility="public")
        assert "Helt enig." in await anna.read(where)
        assert "Et kort ord" in await anna.read("/t/prøve")


async def test_a_report_reaches_the_moderators(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser("anna") as anna:
        asked = birk.do(lambda db: question(db, ECONOMY))
        assert (await birk.send(f"/posts/{asked.id}/report", comment="")).status_code == 422
        await birk.succeed(f"/posts/{asked.id}/report", comment="Det ligner reklame.")
        page = await anna.read("/admin/reports")
        assert "Det ligner reklame." in page
        [number] = re.findall(r"/admin/reports/(\d+)", page)
        await anna.succeed(f"/admin/reports/{number}/close", outcome="acted")
        assert "Det ligner reklame." not in await anna.read("/admin/reports")


async def test_the_lists_of_questions_go_on_where_they_stopped(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        author = browser.do(lambda db: person(db, "birk").id)

        def ask_many(db: object) -> None:
            from models import actors
            from models.posts import Draft

            me, group = actors.get(db, author), person(db, "udfordrere")  # type: ignore[arg-type]
            for number in range(40):
                threads.ask(db, me, group, Draft("x", f"Spørgsmål nummer {number}"))  # type: ignore[arg-type]

        browser.do(ask_many)
        with visiting.database.reading() as db:
            total = len(list(db.scalars(select(Post.id).where(Post.kind == Kind.QUESTION))))
        for order in ("new", "top", "unanswered"):
            seen: list[str] = []
            path: str | None = f"/questions?order={order}"
            while path:
                page = await browser.read(path)
                seen += re.findall(r'class="title"><a href="/p/(\d+)', page)
                following = re.search(r'href="([^"]+)" rel="next"', page)
                path = following[1].replace("&amp;", "&") if following else None
            assert len(seen) == len(set(seen))
            assert len(seen) == total if order != "unanswered" else len(seen) > 40


async def test_a_note_in_a_community_is_made_a_question_and_a_note_again(visiting: Visiting) -> None:
    def note(db: Session) -> int:
        return asking.post(db, person(db, "birk"), Draft("@udfordrere tak for i går\nDet var hyggeligt.")).id

    written = visiting.database.write(note)
    async with visiting.browser("eva") as eva:
        assert f"/posts/{written}/make-question" not in await eva.read(f"/p/{written}")
        assert (await eva.send(f"/posts/{written}/make-question")).status_code == 403
    async with visiting.browser("birk") as birk:
        assert f"/posts/{written}/make-question" in await birk.read(f"/p/{written}")
        where = await birk.succeed(f"/posts/{written}/make-question")
        page = await birk.read(where.split("#")[0])
        assert "tak for i går</h1>" in page
        assert f"/posts/{written}/make-note" in page
        where = await birk.succeed(f"/posts/{written}/make-note")
        assert f"/posts/{written}/make-question" in await birk.read(where.split("#")[0])
