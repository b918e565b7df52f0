"""Polls on this node: what makes one, who may vote and how often, what is shown, and what happens at the end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, ballots, composing, leaving, moderation, polls, posts, removing
from models.actors import Actor, RemoteActor
from models.base import clock, now
from models.database import Database
from models.errors import DomainError, Invalid
from models.jobs import Job
from models.notifications import Notification
from models.outbox import Activity
from models.polls import Ballot, PollDraft
from models.posts import Draft
from models.tables import metadata

DAY = 86_400
THEMES = PollDraft(("Regler", "Politik", "Vaner"), DAY)
SEVERAL = PollDraft(("Regler", "Politik", "Vaner"), DAY, multiple=True)


class Town:
    """The lived-in node, with handy ways to do one thing."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def who(self, db: Session, name: str) -> Actor:
        found = actors.by_handle(db, name)
        assert found is not None
        return found

    def ask(self, draft: PollDraft = THEMES, by: str = "anna", **more: Any) -> int:
        """A new poll of hers; its number."""
        post = Draft("Hvilket tema til næste fyraftensmøde?", poll=draft, **more)
        return self.database.write(lambda db: composing.note(db, self.who(db, by), post).id)

    def vote(self, poll: int, name: str, *choices: int) -> None:
        self.database.write(lambda db: ballots.vote(db, self.who(db, name), posts.get(db, poll), choices))

    def shown(self, poll: int, to: str = "") -> polls.Shown:
        with self.database.reading() as db:
            return polls.of(db, self.who(db, to).id if to else None, [poll])[poll]

    def dump(self) -> dict[str, list[Any]]:
        with self.database.reading() as db:
            return {
                table.name: sorted(map(tuple, db.execute(select(table))), key=repr) for table in metadata.sorted_tables
            }

    def unchanged(self, deed: Callable[[], object]) -> str:
        """The code of the refusal; fails if anything in the database is another than before."""
        before = self.dump()
        with pytest.raises(DomainError) as refused:
            deed()
        assert self.dump() == before
        return refused.value.code

    def told(self, name: str) -> list[str]:
        with self.database.reading() as db:
            mine = select(Notification.kind).where(Notification.account_id == self.who(db, name).id)
            return [kind for kind in db.scalars(mine) if kind == "poll"]


@pytest.fixture
def town(lived_in: Database) -> Town:
    return Town(lived_in)


# What a poll is


def test_a_post_with_options_is_a_poll_until_a_time_and_goes_out_as_a_question_of_activitystreams(town: Town) -> None:
    poll = town.ask()
    shown = town.shown(poll)
    assert shown.options == (("Regler", 0), ("Politik", 0), ("Vaner", 0))
    assert shown.expires_at is not None
    assert timedelta(seconds=DAY - 5) < shown.expires_at - now() <= timedelta(seconds=DAY)
    with town.database.reading() as db:
        post = posts.get(db, poll)
    assert (post.object_type, post.kind) == ("Question", "note")


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (PollDraft(("Alene",), DAY), "poll_options"),
        (PollDraft(tuple(str(number) for number in range(polls.MAX_OPTIONS + 1)), DAY), "poll_options"),
        (PollDraft(("Ja", " \t"), DAY), "poll_option_empty"),
        (PollDraft(("Ja", "Ja "), DAY), "poll_option_twice"),
        (PollDraft(("Ja", "N" * (polls.MAX_OPTION_CHARS + 1)), DAY), "poll_option_long"),
        (PollDraft(("Ja", "Nej"), polls.MIN_SECONDS - 1), "poll_time"),
        (PollDraft(("Ja", "Nej"), polls.MAX_SECONDS + 1), "poll_time"),
        (PollDraft(("Ja", "Nej"), -DAY), "poll_time"),
    ],
)
def test_a_poll_that_cannot_be_is_refused_with_its_post(draft: PollDraft, code: str, town: Town) -> None:
    assert town.unchanged(lambda: town.ask(draft)) == code


def test_a_question_of_a_community_is_no_poll(town: Town) -> None:
    from models import threads

    def ask(db: Session) -> None:
        group = town.who(db, "udfordrere")
        threads.ask(db, town.who(db, "anna"), group, Draft("Tekst", "Hvem vil hvad?", poll=THEMES))

    assert town.unchanged(lambda: town.database.write(ask)) == "poll_in_question"


def test_a_poll_is_gone_with_its_post(town: Town) -> None:
    poll = town.ask()
    town.vote(poll, "birk", 0)
    town.database.write(lambda db: removing.delete_post(db, town.who(db, "anna"), posts.get(db, poll)))
    with town.database.reading() as db:
        assert polls.of(db, None, [poll]) == {}
        assert db.scalars(select(Ballot)).all() == []
        assert posts.get(db, poll).object_type == "Question"


# Voting


def test_a_vote_counts_once_for_the_option_and_once_for_the_voter(town: Town) -> None:
    poll = town.ask()
    town.vote(poll, "birk", 2)
    town.vote(poll, "eva", 0)
    shown = town.shown(poll, to="birk")
    assert [votes for _, votes in shown.options] == [1, 0, 1]
    assert (shown.votes_count, shown.voters_count) == (2, 2)
    assert (shown.voted, shown.own) == (True, (2,))


def test_where_several_may_be_chosen_they_are_one_ballot_of_one_voter(town: Town) -> None:
    poll = town.ask(SEVERAL)
    town.vote(poll, "birk", 0, 2, 2)
    shown = town.shown(poll, to="birk")
    assert (shown.votes_count, shown.voters_count, shown.own) == (2, 1, (0, 2))


def test_who_has_not_voted_and_who_is_not_signed_in_see_that_apart(town: Town) -> None:
    poll = town.ask()
    assert (town.shown(poll).voted, town.shown(poll).own) == (None, None)
    assert (town.shown(poll, to="birk").voted, town.shown(poll, to="birk").own) == (False, ())
    assert (town.shown(poll, to="anna").voted, town.shown(poll, to="anna").own) == (True, ())


@pytest.mark.parametrize("draft", [THEMES, SEVERAL])
def test_nobody_votes_twice(draft: PollDraft, town: Town) -> None:
    poll = town.ask(draft)
    town.vote(poll, "birk", 0)
    assert town.unchanged(lambda: town.vote(poll, "birk", 0)) == "voted_already"
    assert town.unchanged(lambda: town.vote(poll, "birk", 1)) == "voted_already"


def test_a_ballot_that_is_not_filled_in_rightly_does_not_count(town: Town) -> None:
    poll = town.ask()
    assert town.unchanged(lambda: town.vote(poll, "birk")) == "nothing_chosen"
    assert town.unchanged(lambda: town.vote(poll, "birk", 3)) == "option_unknown"
    assert town.unchanged(lambda: town.vote(poll, "birk", -1)) == "option_unknown"
    assert town.unchanged(lambda: town.vote(poll, "birk", 0, 1)) == "one_choice"


def test_nobody_votes_in_his_own_poll(town: Town) -> None:
    poll = town.ask()
    assert town.unchanged(lambda: town.vote(poll, "anna", 0)) == "own_poll"


def test_nobody_votes_when_it_is_over(town: Town) -> None:
    poll = town.ask()
    clock.offset += DAY
    assert town.unchanged(lambda: town.vote(poll, "birk", 0)) == "poll_ended"


def test_nobody_votes_in_what_is_no_poll(town: Town) -> None:
    note = town.database.write(lambda db: composing.note(db, town.who(db, "anna"), Draft("Uden valg")).id)
    assert town.unchanged(lambda: town.vote(note, "birk", 0)) == "not_found"


def test_a_suspended_account_does_not_vote(town: Town) -> None:
    poll = town.ask()
    town.database.write(lambda db: moderation.suspend(db, town.who(db, "birk"), by=town.who(db, "anna")))
    assert town.unchanged(lambda: town.vote(poll, "birk", 0)) == "forbidden"


def test_who_clicks_many_times_at_once_votes_once(town: Town) -> None:
    poll = town.ask()

    def click(_: int) -> bool:
        try:
            town.vote(poll, "birk", 0)
        except Invalid:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(click, range(8))) == 1
    assert town.shown(poll).votes_count == 1


def test_no_vote_is_lost_when_all_vote_at_once(town: Town) -> None:
    poll = town.ask()

    def crowd(db: Session) -> list[int]:
        made = []
        for number in range(12):
            uri = f"https://m.example/users/crowd{number}"
            person = RemoteActor(
                uri=uri, type="Person", username=f"crowd{number}", domain="m.example", inbox=f"{uri}/inbox", keys=[]
            )
            made.append(actors.record_remote(db, person).id)
        return made

    def vote(id: int) -> None:
        def work(db: Session) -> None:
            who = actors.get(db, id)
            ballots.note_vote(db, who, posts.get(db, poll), "Vaner", f"{who.uri}#votes/1")

        town.database.write(work)

    people = town.database.write(crowd)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(vote, people))
    shown = town.shown(poll)
    assert (shown.options[2], shown.voters_count) == (("Vaner", 12), 12)


def test_the_votes_of_somebody_who_leaves_are_taken_back(town: Town) -> None:
    poll = town.ask(SEVERAL)
    town.vote(poll, "birk", 0, 1)
    town.vote(poll, "eva", 1)
    town.database.write(lambda db: leaving.delete_local(db, town.who(db, "birk")))
    shown = town.shown(poll)
    assert ([votes for _, votes in shown.options], shown.voters_count) == ([0, 1, 0], 1)


# What is shown


def test_hidden_totals_come_to_light_when_it_is_over(town: Town) -> None:
    poll = town.ask(PollDraft(("Ja", "Nej"), DAY, hide_totals=True))
    town.vote(poll, "birk", 0)
    assert [votes for _, votes in town.shown(poll, to="anna").options] == [None, None]
    clock.offset += DAY
    assert [votes for _, votes in town.shown(poll).options] == [1, 0]
    assert town.shown(poll).expired


def test_any_number_of_polls_is_shown_with_three_queries(town: Town) -> None:
    from sqlalchemy import event

    several = [town.ask(), town.ask(SEVERAL), town.ask()]
    asked: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "pg_notify" not in statement:  # another thread tells the node's other processes
            asked.append(statement)

    with town.database.reading() as db:
        birk = town.who(db, "birk").id
        event.listen(db.get_bind(), "before_cursor_execute", note)
        try:
            assert set(polls.of(db, birk, several)) == set(several)
        finally:
            event.remove(db.get_bind(), "before_cursor_execute", note)
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 3


# Editing


def edit(town: Town, poll: int, draft: PollDraft | None) -> None:
    town.database.write(
        lambda db: composing.edit(db, town.who(db, "anna"), posts.get(db, poll), Draft("Nyt spørgsmål", poll=draft))
    )


def test_new_words_leave_the_votes_alone_and_other_options_make_them_void(town: Town) -> None:
    poll = town.ask()
    town.vote(poll, "birk", 0)
    edit(town, poll, None)
    edit(town, poll, THEMES)
    assert town.shown(poll).votes_count == 1
    edit(town, poll, PollDraft(("Regler", "Love"), DAY))
    shown = town.shown(poll, to="birk")
    assert (shown.options, shown.voters_count, shown.voted) == ((("Regler", 0), ("Love", 0)), 0, False)
    town.vote(poll, "birk", 1)
    edit(town, poll, PollDraft(("Regler", "Love"), DAY, multiple=True))
    assert town.shown(poll).votes_count == 0


def test_a_poll_can_be_taken_out_of_its_post(town: Town) -> None:
    poll = town.ask()
    edit(town, poll, PollDraft())
    with town.database.reading() as db:
        assert polls.of(db, None, [poll]) == {}
        assert posts.get(db, poll).object_type == "Note"


# The end


def end(town: Town, poll: int) -> bool:
    return town.database.write(lambda db: ballots.end(db, poll))


def test_the_author_and_those_who_voted_are_told_once_that_it_is_over(town: Town) -> None:
    poll = town.ask()
    town.vote(poll, "birk", 0)
    assert not end(town, poll)
    clock.offset += DAY
    assert end(town, poll)
    assert not end(town, poll)
    assert [town.told(name) for name in ("anna", "birk", "eva")] == [["poll"], ["poll"], []]


def test_the_end_is_promised_for_its_time_and_for_another_when_that_changes(town: Town) -> None:
    poll = town.ask()
    edit(town, poll, PollDraft(THEMES.options, 2 * DAY))
    with town.database.reading() as db:
        times = [job.run_at for job in db.scalars(select(Job).where(Job.kind == "end_poll").order_by(Job.run_at))]
    assert len(times) == 2
    assert times[1] == town.shown(poll).expires_at
    clock.offset += DAY
    assert not end(town, poll)
    clock.offset += DAY
    assert end(town, poll)


def test_the_last_figures_go_out_without_a_new_date(town: Town) -> None:
    poll = town.ask()
    clock.offset += DAY
    end(town, poll)
    with town.database.reading() as db:
        updates = db.scalars(select(Activity).where(Activity.post_id == poll, Activity.type == "Update")).all()
        assert [(activity.public, activity.to) for activity in updates] == [
            (True, ["https://www.w3.org/ns/activitystreams#Public"])
        ]
        assert posts.get(db, poll).updated is None


def test_a_node_only_poll_is_told_to_nobody_elsewhere(town: Town) -> None:
    poll = town.ask(visibility="node")
    town.vote(poll, "birk", 0)
    clock.offset += DAY
    end(town, poll)
    with town.database.reading() as db:
        assert db.scalars(select(Activity).where(Activity.post_id == poll)).all() == []
        assert db.scalars(select(Job).where(Job.kind == "tell_poll")).all() == []
    assert town.told("birk") == ["poll"]
