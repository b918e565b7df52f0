"""A poll in a real browser: filled in with the keyboard alone, readable on a phone, and nothing for axe to find."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from models import actors, ballots, composing
from models.polls import PollDraft
from models.posts import Draft, Post
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser]
Faults = Callable[[Page], list[str]]
THEMES = ("Regler og love, som ingen har læst", "Politik", "Vaner")


def new_poll(site: Site, **how: bool) -> str:
    """Camilla asks; David has voted."""

    def ask(db: Session) -> int:
        camilla, david = actors.by_handle(db, "camilla"), actors.by_handle(db, "david")
        assert camilla is not None
        assert david is not None
        draft = Draft("Hvilket tema til næste fyraftensmøde?", poll=PollDraft(THEMES, 86_400, **how))
        post = composing.note(db, camilla, draft)
        ballots.vote(db, david, post, [0])
        return post.id

    return f"{site.origin}/p/{site.database.write(ask)}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_somebody_votes_with_the_keyboard_and_reads_the_result_on_a_phone(
    site: Site, faults: Faults, theme: str
) -> None:
    page = site.signed_in("birk", color_scheme=theme, viewport={"width": 360, "height": 740})
    page.goto(new_poll(site))
    assert faults(page) == []
    page.locator(".ballot button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".form-error-message")
    assert faults(page) == []
    page.locator("input[name=choice]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("table.figures .mark")
    assert faults(page) == []
    assert page.locator("table.figures tbody tr").nth(1).locator("td").all_inner_texts() == ["50 %", "1"]
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_where_several_may_be_chosen_they_are_ticked(site: Site, faults: Faults) -> None:
    page = site.signed_in("eva", locale="en-GB")
    page.goto(new_poll(site, multiple=True))
    for number in (0, 2):
        page.locator("input[name=choice]").nth(number).check()
    page.locator(".ballot button").click()
    page.wait_for_selector("table.figures")
    assert page.locator("table.figures .mark").count() == 2
    assert faults(page) == []


def test_a_visitor_sees_the_figures(site: Site, faults: Faults) -> None:
    page = site.open().new_page()
    page.goto(new_poll(site))
    assert page.locator("table.figures tbody tr").count() == 3
    assert faults(page) == []


def test_the_figures_follow_while_somebody_looks_at_them(site: Site, faults: Faults) -> None:
    address = new_poll(site)
    page = site.open().new_page()
    page.clock.install()
    page.goto(address)
    number = int(address.rpartition("/")[2])

    def vote(db: Session) -> None:
        eva = actors.by_handle(db, "eva")
        assert eva is not None
        ballots.vote(db, eva, db.get_one(Post, number), [1])

    site.database.write(vote)
    page.clock.fast_forward(21_000)
    expect(page.locator("table.figures td").nth(2)).to_have_text("50 %")
    assert faults(page) == []
