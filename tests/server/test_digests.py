"""Letters with news: what stands in them, that none comes twice, and that one click ends them."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    accounts,
    actors,
    composing,
    digests,
    jobs,
    letters,
    notice_choices,
    notifications,
    tag_follows,
    threads,
)
from models.accounts import Account
from models.base import clock
from models.database import Database
from models.digests import Every
from models.errors import Invalid
from models.jobs import Job
from models.notice_choices import Sort
from models.posts import Draft, Kind, Post
from tests.server.mailing import PostOffice, link, post_office, said
from tests.server.visiting import Visiting, person

pytestmark = pytest.mark.anyio
DAY = 86400


def subscribe(office: PostOffice, username: str = "birk", every: str = "daily") -> None:
    office.database.write(lambda db: digests.choose(db, person(db, username).id, every))


async def morning(office: PostOffice, days: float = 1.0) -> list[Any]:
    """Time goes on, the house is kept, and the letters that came of it."""
    clock.offset += days * DAY
    office.database.write(lambda db: digests.promise_due(db, 100))
    return await office.empty()


def ask(
    db: Session, username: str = "anna", title: str = "Hvem har prøvet borgerbudget?", text: str = "Fortæl."
) -> Post:
    group = actors.by_handle(db, "udfordrere")
    assert group is not None
    return threads.ask(db, person(db, username), group, Draft(text=text, title=title))


def answer_to_birk(db: Session) -> None:
    mine = db.scalars(select(Post).where(Post.author_id == person(db, "birk").id, Post.kind == Kind.QUESTION)).first()
    mine = mine or ask(db, "birk", "Hvad gør I?")
    threads.answer(db, person(db, "anna"), mine, Draft(text="Et hemmeligt svar."))


async def test_the_letter_holds_what_is_new_in_danish(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        subscribe(office)
        lived_in.write(ask)
        lived_in.write(answer_to_birk)
        [letter] = await morning(office)
        text = said(letter)
        assert letter["Subject"] == "Nyt på Torv i a"
        assert "Anna Holm har svaret" in text or "Anna Holm svarede" in text
        assert "Hvem har prøvet borgerbudget?" in text
        assert "INGEN HAR SVARET PÅ DEM ENDNU" in text
        assert "hemmeligt" not in text + said(letter, "html")
        assert "Hvem har prøvet borgerbudget?" in said(letter, "html")


async def test_the_letter_is_english_for_who_reads_english(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        subscribe(office, "farid")
        lived_in.write(ask)
        [letter] = await morning(office)
        assert letter["Subject"] == "New at Torv i a"
        assert "You get this letter because you chose it." in said(letter)
        assert not re.search(r"\b(ikke|brevet|dig)\b", said(letter))


async def test_nothing_comes_where_nothing_is_new(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        subscribe(office)
        assert await morning(office) == []
        lived_in.write(ask)
        assert len(await morning(office)) == 1
        assert await morning(office) == []


async def test_questions_with_a_tag_one_follows_are_in_it(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        subscribe(office, "farid")
        lived_in.write(lambda db: tag_follows.follow(db, person(db, "farid").id, "brandhaner"))
        lived_in.write(lambda db: ask(db, text="Hvem? #brandhaner"))
        [letter] = await morning(office)
        chapter = said(letter).split("NOBODY HAS ANSWERED THESE YET")[1]
        assert "Hvem har prøvet borgerbudget?" in chapter


async def test_what_one_may_not_read_or_has_muted_is_not_in_it(lived_in: Database) -> None:
    from models import blocks

    async with post_office(lived_in) as office:
        subscribe(office)
        lived_in.write(lambda db: blocks.mute(db, person(db, "birk"), person(db, "anna")))
        lived_in.write(ask)
        lived_in.write(
            lambda db: composing.note(db, person(db, "anna"), Draft(text="@eva Kun til dig.", visibility="direct"))
        )
        assert await morning(office) == []


async def test_two_workers_promise_one_letter(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        subscribe(office)
        lived_in.write(ask)
        clock.offset += DAY
        both = [asyncio.to_thread(lived_in.write, lambda db: digests.promise_due(db, 100)) for _ in range(2)]
        await asyncio.gather(*both)
        assert len(await office.empty()) == 1
        lived_in.write(lambda db: digests.promise_due(db, 100))
        assert await office.empty() == []


async def test_a_worker_that_dies_before_it_began_loses_nothing(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        subscribe(office)
        lived_in.write(ask)
        clock.offset += DAY
        lived_in.write(lambda db: digests.promise_due(db, 100))
        assert len(lived_in.write(lambda db: jobs.claim(db, 10, 60.0, kinds=("mail",), others=False))) == 1
        clock.offset += 61
        assert len(await office.empty()) == 1


async def test_a_letter_of_which_nobody_knows_whether_it_went_comes_not_twice_and_its_news_with_the_next(
    lived_in: Database,
) -> None:
    async with post_office(lived_in) as office:
        subscribe(office)
        lived_in.write(ask)
        office.server.answers["BODY"] = ["HANG UP"]
        assert await morning(office) == []
        assert len(office.server.broken) == 1
        clock.offset += 3600
        assert await office.empty() == []
        [next_one] = await morning(office)
        assert "Hvem har prøvet borgerbudget?" in said(next_one)


async def test_a_letter_that_certainly_did_not_go_is_tried_again(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        subscribe(office)
        lived_in.write(ask)
        office.server.answers["RCPT"] = ["450 later"]
        assert await morning(office) == []
        clock.offset += 3600
        assert len(await office.empty()) == 1


def test_weekly_letters_go_on_monday_mornings_each_at_its_own_second() -> None:
    sunday = datetime(2026, 3, 29, 12, tzinfo=UTC)  # the clocks were changed that night
    due = [digests.next_time(id, Every.WEEK, sunday) for id in range(50)]
    assert len(set(due)) > 40
    for at in due:
        assert at is not None
        local = at.astimezone(digests.ZONE)
        assert (local.weekday(), local.date().day) == (0, 30)
        assert 5 <= local.hour < 7
        later = digests.next_time(due.index(at), Every.WEEK, at)
        assert later is not None
        assert later - at == timedelta(days=7)
    assert digests.next_time(1, Every.NEVER, sunday) is None


async def test_one_click_of_the_mail_program_ends_the_letters(lived_in: Database) -> None:
    """RFC 8058: no session, no token of a form, another site's origin."""
    async with post_office(lived_in) as office:
        subscribe(office)
        lived_in.write(ask)
        [letter] = await morning(office)
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        path = letter["List-Unsubscribe"].strip("<>").removeprefix("https://a.example")
        assert path == link(letter, "/unsubscribe/")
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            assert "Vil du ikke have flere af de breve?" in await browser.read(path)
            assert every(lived_in) == "daily"
            data = {"List-Unsubscribe": "One-Click"}
            for _ in range(2):
                answer = await browser.http.post(path, data=data, headers={"Origin": "https://mail.example"})
                assert answer.status_code == 200
        assert every(lived_in) == "never"
        lived_in.write(ask)
        assert await morning(office) == []


def every(database: Database) -> str:
    with database.reading() as db:
        return str(digests.of(db, person(db, "birk").id))


async def test_nobody_ends_anothers_letters(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        subscribe(office)
        lived_in.write(ask)
        [letter] = await morning(office)
        token = link(letter, "/unsubscribe/").removeprefix("/unsubscribe/")
        with lived_in.reading() as db:
            anna = f"{person(db, 'anna').id:x}"
        named, _, proof = token.partition(".")
        forged = [
            f"{anna}-digest.{proof}",
            f"{named.replace('digest', 'notices')}.{proof}",
            named,
            f"{named}.",
            "x" * 500,
        ]
        async with Visiting(lived_in, settings=office.settings).browser() as browser:
            for one in forged:
                assert (await browser.open(f"/unsubscribe/{one}")).status_code == 404
                assert (await browser.http.post(f"/unsubscribe/{one}")).status_code == 404
        assert every(lived_in) == "daily"


async def test_notices_come_by_mail_where_wanted_together_and_not_if_they_were_read(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        lived_in.write(lambda db: wish(db, "birk", mail={Sort.ANSWERS, Sort.FOLLOWERS}))
        lived_in.write(answer_to_birk)
        lived_in.write(lambda db: notifications.notify(db, person(db, "birk").id, "follow", person(db, "eva")))
        lived_in.write(lambda db: notifications.notify(db, person(db, "birk").id, "mention", person(db, "eva")))
        clock.offset += 400
        [letter] = await office.empty()
        assert letter["Subject"] == "Nyt på Torv i a: 2 beskeder"
        assert "Eva Lindqvist følger dig" in said(letter)
        assert "List-Unsubscribe" in letter
        assert "hemmeligt" not in letter.as_string()
        lived_in.write(lambda db: notifications.notify(db, person(db, "birk").id, "follow", person(db, "camilla")))
        lived_in.write(lambda db: notifications.mark_read(db, person(db, "birk").id))
        clock.offset += 400
        assert await office.empty() == []


def wish(db: Session, username: str, *, page: set[str] | None = None, mail: set[str] | None = None) -> None:
    account = accounts.by_username(db, username)
    notice_choices.choose(db, account, set(Sort) if page is None else page, mail or set())


async def test_what_is_switched_off_is_told_nowhere_but_what_needs_an_answer_always_is(lived_in: Database) -> None:
    def tell(db: Session) -> list[bool]:
        wish(db, "birk", page=set())
        birk, eva = person(db, "birk").id, person(db, "eva")
        db.execute(notifications.Notification.__table__.delete())  # type: ignore[attr-defined]
        return [notifications.notify(db, birk, kind, eva) for kind in ("vote", "follow", "follow_request", "removed")]

    assert lived_in.write(tell) == [False, False, True, True]


async def test_choices_are_made_on_a_page_and_what_is_no_choice_changes_nothing(lived_in: Database) -> None:
    async with post_office(lived_in) as office, Visiting(lived_in, settings=office.settings).browser("birk") as birk:
        assert await birk.read("/settings/notices")
        await birk.succeed(
            "/settings/notices", page=["answers"], mail=["mentions"], digest="weekly", not_following="filter"
        )
        for bad in ({"digest": "hourly"}, {"page": "everything"}, {"mail": "x"}, {"not_following": "maybe"}):
            assert (await birk.send("/settings/notices", **bad)).status_code == 422
        page = await birk.read("/settings/notices")
        assert re.search(r'value="weekly" checked', page)
        assert re.search(r'id="mail-mentions" name="mail" value="mentions" checked', page)
        assert not re.search(r'id="page-votes" name="page" value="votes" checked', page)
        assert '<option value="filter" selected>' in page
    account = look(lived_in, lambda db: accounts.by_username(db, "birk"))
    assert not notice_choices.shown(account, "vote")
    assert notice_choices.mailed(account, "mention")


def look(database: Database, work: Callable[[Session], Any]) -> Any:
    with database.reading() as db:
        return work(db)


@pytest.mark.parametrize("language", ["da", "en"])
async def test_what_moderators_do_is_told_also_who_cannot_sign_in_any_more(lived_in: Database, language: str) -> None:
    async with post_office(lived_in) as office:

        def deed(db: Session) -> None:
            account = accounts.by_username(db, "birk")
            account.language = language
            letters.moderated(db, account, "suspended", reason="Reklame.", about="Køb nu", path="/contact")
            accounts.suspend(db, account)

        lived_in.write(deed)
        [letter] = await office.empty()
        assert letter["To"] == "birk@havby.example"
        assert {"da": "udelukket din konto", "en": "suspended your account"}[language] in letter["Subject"]
        assert "Reklame." in said(letter)
    with pytest.raises(Invalid):
        lived_in.write(lambda db: letters.moderated(db, db.scalars(select(Account)).first(), "shot"))  # type: ignore[arg-type]


def test_every_deed_of_moderators_has_its_words() -> None:
    from server.letters import DONE

    assert set(DONE) == set(letters.MODERATION)


async def test_a_new_member_is_asked_once_and_nobody_gets_letters_he_did_not_choose(lived_in: Database) -> None:
    async with post_office(lived_in) as office:
        async with Visiting(lived_in, settings=office.settings).browser("birk") as birk:
            assert 'name="digest"' in await birk.read("/start")
            assert look(lived_in, lambda db: digests.of(db, person(db, "birk").id)) is None
            await birk.succeed("/start", digest="weekly")
            assert every(lived_in) == "weekly"
            assert 'name="digest"' not in await birk.read("/start")
        lived_in.write(ask)
        clock.offset += 8 * DAY
        assert lived_in.write(lambda db: digests.promise_due(db, 100)) == 1
        assert look(
            lived_in, lambda db: [row.payload["account"] for row in db.scalars(select(Job)) if row.kind == "mail"]
        )


def test_a_letter_for_somebody_who_was_suspended_is_not_promised(lived_in: Database) -> None:
    def work(db: Session) -> int:
        accounts.suspend(db, accounts.by_username(db, "birk"))
        return digests.promise_due(db, 100)

    lived_in.write(lambda db: digests.choose(db, person(db, "birk").id, "daily"))
    clock.offset += 2 * DAY
    assert lived_in.write(work) == 0
