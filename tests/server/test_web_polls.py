"""Polls on the pages: voting without scripts, figures as a table, and what is said when a ballot is not right."""

import re

import pytest

from federation import polling
from models import ballots, composing
from models.base import clock
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
