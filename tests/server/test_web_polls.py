"""Polls on the pages: voting without scripts, figures as a table, and what is said when a ballot is not right."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation import polling
from models import ballots, composing, polls
from models.base import clock, now
from models.communities import Community
from models.jobs import Job
from models.polls import PollDraft
from models.posts import Draft, Post
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio
DAY = 86_400
THEMES = ("Regler", "Politik", "Vaner")


def poll_in(visiting: Visiting, by: str = "anna", **how: bool) -> Post:
    draft = Draft("Hvilket tema til næste fyraftensmøde?", poll=PollDraft(THEMES, DAY, **how))
    return visiting.database.write(lambda db: composing.note(db, person(db, by), draft))


def figures(page: str) -> list[tuple[str, ...]]:
    """The rows of the table, as text."""
    table = re.search(r'<table class="figures">(.*?)</table>', page, re.S)
    assert table, "there are no figures"
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table[1], re.S)
    return [
        (words(name), *(words(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", rest, re.S))) for name, rest in rows
    ]


async def test_who_is_signed_in_votes_and_then_sees_the_figures(visiting: Visiting) -> None:
    poll = poll_in(visiting)
    async with visiting.browser("birk") as browser:
        page = await browser.read(f"/p/{poll.id}")
        assert page.count('type="radio" ') == 3
        assert "Vælg en" in words(page)
        where = await browser.succeed(f"/posts/{poll.id}/ballot", choice="1")
        page = await browser.read(where)
        assert "Din stemme er talt med." in page
        assert figures(page) == [("Regler", "0 %", "0"), ("Politik Dit valg", "100 %", "1"), ("Vaner", "0 %", "0")]
        assert 'type="radio"' not in page
        assert "1 har stemt" in words(page)


async def test_where_several_may_be_chosen_there_are_boxes_and_shares_of_the_voters(visiting: Visiting) -> None:
    poll = poll_in(visiting, multiple=True)
    async with visiting.browser("birk") as birk, visiting.browser("eva") as eva:
        assert (await birk.read(f"/p/{poll.id}")).count('type="checkbox" ') == 3
        await birk.succeed(f"/posts/{poll.id}/ballot", choice=["0", "2"])
        await eva.succeed(f"/posts/{poll.id}/ballot", choice="0")
        assert [row[1:] for row in figures(await eva.read(f"/p/{poll.id}"))] == [
            ("100 %", "2"),
            ("0 %", "0"),
            ("50 %", "1"),
        ]


async def test_who_is_not_signed_in_sees_the_figures_and_the_way_in(visiting: Visiting) -> None:
    poll = poll_in(visiting)
    async with visiting.browser() as browser:
        page = await browser.read(f"/p/{poll.id}")
        assert len(figures(page)) == 3
        assert f"/sign-in?next=/p/{poll.id}" in page
        assert "/ballot" not in page


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ([], "Vælg mindst en mulighed."),
        (["7"], "Den mulighed findes ikke."),
        (["0", "1"], "Man kan kun vælge en mulighed i denne afstemning."),
        (["x", "-1", "9" * 40, "²"], "Vælg mindst en mulighed."),
    ],
)
async def test_a_ballot_that_is_not_right_comes_back_with_the_reason(
    choice: list[str], says: str, visiting: Visiting
) -> None:
    poll = poll_in(visiting)
    async with visiting.browser("birk") as browser:
        answer = await browser.send(f"/posts/{poll.id}/ballot", choice=choice)
        assert answer.status_code == 422
        assert says in words(answer.text)
        assert 'aria-describedby="choice-error"' in answer.text


async def test_a_second_ballot_is_refused(visiting: Visiting) -> None:
    poll = poll_in(visiting)
    async with visiting.browser("birk") as browser:
        await browser.succeed(f"/posts/{poll.id}/ballot", choice="0")
        again = await browser.send(f"/posts/{poll.id}/ballot", choice="1")
        assert again.status_code == 422
        assert figures(again.text)[0] == ("Regler Dit valg", "100 %", "1")


async def test_hidden_figures_are_shown_at_the_end(visiting: Visiting) -> None:
    poll = poll_in(visiting, hide_totals=True)
    async with visiting.browser("birk") as browser:
        await browser.succeed(f"/posts/{poll.id}/ballot", choice="0")
        assert figures(await browser.read(f"/p/{poll.id}"))[0] == ("Regler Dit valg", "vises, når den er slut")
        clock.offset += DAY
        visiting.database.write(lambda db: ballots.end(db, poll.id))
        browser.quick_sign_in("birk")
        page = await browser.read(f"/p/{poll.id}")
        assert figures(page)[0] == ("Regler Dit valg", "100 %", "1")
        assert "Sluttede" in words(page)
        assert "havde en afstemning, der nu er slut" in words(await browser.read("/notifications"))


async def test_a_poll_elsewhere_is_asked_for_anew_when_somebody_looks_at_it(visiting: Visiting) -> None:
    from models import arriving, follows
    from models.arriving import RemotePost
    from models.base import now
    from models.follows import FollowState
    from models.polls import RemotePoll
    from models.posts import Visibility
    from tests.federation.elsewhere import remote

    def arrive(db):  # type: ignore[no-untyped-def]
        jonas = remote(db, "m.example")
        follows.request(db, person(db, "birk"), jonas).state = FollowState.ACCEPTED
        options = RemotePoll((("Onsdag", 4), ("Torsdag", 0)), voters_count=4)
        uri = "https://m.example/notes/1"
        post = RemotePost(
            uri, jonas, Visibility.PUBLIC, now(), object_type="Question", content="<p>Hvornår?</p>", poll=options
        )
        return arriving.record_remote(db, post)[0]

    poll = visiting.database.write(arrive)
    clock.offset += polling.FRESH + 1
    async with visiting.browser() as stranger, visiting.browser("birk") as browser:
        await stranger.read(f"/p/{poll.id}")
        assert browser.do(lambda db: db.query(Job).filter_by(kind="refresh_post").count()) == 0
        assert figures(await browser.read(f"/p/{poll.id}"))[0] == ("Onsdag", "100 %", "4")
        assert browser.do(lambda db: db.query(Job).filter_by(kind="refresh_post").count()) == 1


# Writing one


def written(visiting: Visiting, text: str) -> Post:
    with visiting.database.reading() as db:
        return db.scalars(select(Post).where(Post.source == text)).one()


def options_of(visiting: Visiting, post: Post) -> list[str]:
    with visiting.database.reading() as db:
        return [option.title for option in polls.options(db, post.id)]


NEW = {"visibility": "public", "language": "da", "open_for": "86400"}


async def test_a_post_with_options_is_a_poll(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        where = await browser.succeed(
            "/post", text="Hvilket tema?", options="Regler\r\n\r\n Politik \r\nVaner", multiple="1", hidden="1", **NEW
        )
        page = await browser.read(where)
        assert [row[0] for row in figures(page)] == ["Regler", "Politik", "Vaner"]
    poll = visiting.database.write(lambda db: polls.get(db, written(visiting, "Hvilket tema?").id))
    assert poll is not None
    assert (poll.multiple, poll.hide_totals) == (True, True)


async def test_a_poll_in_a_community_stands_on_its_list_and_others_vote_there(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        group = anna.do(lambda db: person(db, "udfordrere").id)
        assert re.search(rf'<option value="{group}" selected>', await anna.read(f"/post?community={group}"))
        await anna.succeed("/post", text="Hvilket tema?", options="Regler\nPolitik", community=group, **NEW)
        post = written(visiting, "Hvilket tema?")
        assert post.community_id == group
        page = words(await birk.read("/c/udfordrere"))
        assert "Hvilket tema?" in page
        assert "afstemning" in page
        await birk.succeed(f"/posts/{post.id}/ballot", choice="0")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"options": "Kun én"}, "options"),
        ({"options": "\n".join(map(str, range(11)))}, "options"),
        ({"options": "Ens\nEns"}, "options"),
        ({"options": "x" * 101 + "\ny"}, "options"),
        ({"options": "a\nb", "open_for": "1"}, "open_for"),
        ({"options": "a\nb", "open_for": "0"}, "open_for"),
        ({"options": "a\nb", "community": "99"}, "community"),
    ],
)
async def test_a_poll_that_cannot_be_comes_back_as_it_was_typed(
    fields: dict[str, str], field: str, visiting: Visiting
) -> None:
    async with visiting.browser("anna") as browser:
        answer = await browser.send("/post", **{"text": "Hvilket tema?", **NEW, **fields})
        if field == "community":
            assert answer.status_code == 404
            return
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text
        assert fields["options"].split("\n")[0][:90] in answer.text
        assert '<details class="more" open>' in answer.text
    with visiting.database.reading() as db:
        assert db.scalars(select(Post).where(Post.source == "Hvilket tema?")).all() == []


async def test_other_words_leave_the_votes_and_other_options_take_them_back(visiting: Visiting) -> None:
    poll = poll_in(visiting)
    ends = visiting.database.write(lambda db: polls.get(db, poll.id).expires_at)  # type: ignore[union-attr]
    async with visiting.browser("birk") as birk, visiting.browser("anna") as anna:
        await birk.succeed(f"/posts/{poll.id}/ballot", choice="1")
        page = await anna.read(f"/posts/{poll.id}/edit")
        assert "Politik" in page
        kept = {"text": "Hvilket tema til næste møde?", "language": "da", "open_for": "0"}
        await anna.succeed(f"/posts/{poll.id}/edit", **kept, options="\n".join(THEMES))
        assert figures(await birk.read(f"/p/{poll.id}"))[1] == ("Politik Dit valg", "100 %", "1")
        assert visiting.database.write(lambda db: polls.get(db, poll.id).expires_at) == ends  # type: ignore[union-attr]
        await anna.succeed(f"/posts/{poll.id}/edit", **kept, options="Regler\nKultur")
        assert options_of(visiting, poll) == ["Regler", "Kultur"]
        page = await birk.read(f"/p/{poll.id}")
        assert page.count('type="radio" ') == 2
        assert (await anna.send(f"/posts/{poll.id}/edit", **kept, options="")).status_code == 422


async def test_a_poll_that_is_over_is_opened_again_only_with_a_new_end(visiting: Visiting) -> None:
    poll = poll_in(visiting)
    clock.offset += 2 * DAY
    async with visiting.browser("anna") as anna:
        sent = {"text": "Igen?", "language": "da", "options": "Ja\nNej"}
        answer = await anna.send(f"/posts/{poll.id}/edit", **sent, open_for="0")
        assert answer.status_code == 422
        assert 'href="#open_for"' in answer.text
        await anna.succeed(f"/posts/{poll.id}/edit", **sent, open_for="86400")
    async with visiting.browser("birk") as birk:
        await birk.succeed(f"/posts/{poll.id}/ballot", choice="0")


async def test_where_only_some_may_answer_only_those_vote(visiting: Visiting) -> None:
    def only_citizens(db: Session) -> None:
        db.get_one(Community, person(db, "udfordrere").id).answerers = ["citizen"]

    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        group = anna.do(lambda db: person(db, "udfordrere").id)
        await anna.succeed("/post", text="Hvilket tema?", options="Regler\nPolitik", community=group, **NEW)
        post = written(visiting, "Hvilket tema?")
        anna.do(only_citizens)
        page = await birk.read(f"/p/{post.id}")
        assert "må kun nogle stemme" in words(page)
        assert "/ballot" not in page
        assert (await birk.send(f"/posts/{post.id}/ballot", choice="0")).status_code == 403


async def test_nobody_votes_in_a_poll_that_a_moderator_took_out(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        group = anna.do(lambda db: person(db, "udfordrere").id)
        await anna.succeed("/post", text="Hvilket tema?", options="Regler\nPolitik", community=group, **NEW)
        post = written(visiting, "Hvilket tema?")

        def take_out(db: Session) -> None:
            db.get_one(Post, post.id).removed_at = now()

        anna.do(take_out)
        assert "/ballot" not in await birk.read(f"/p/{post.id}")
        assert (await birk.send(f"/posts/{post.id}/ballot", choice="0")).status_code == 403


async def test_who_may_not_ask_there_makes_no_poll_there(visiting: Visiting) -> None:
    def only_citizens(db: Session) -> None:
        db.get_one(Community, person(db, "udfordrere").id).askers = ["citizen"]

    async with visiting.browser("birk") as birk:
        group = birk.do(lambda db: person(db, "udfordrere").id)
        birk.do(only_citizens)
        answer = await birk.send("/post", text="Hvilket tema?", options="Ja\nNej", community=group, **NEW)
        assert answer.status_code == 403
        assert 'href="#community"' in answer.text
