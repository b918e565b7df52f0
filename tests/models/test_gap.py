"""The gap is counted from what anybody may find, and stays right whatever happens to a report or its author."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models import composing, experiences, gap, listings, removing, sharing
from models.actors import Actor
from models.base import now
from models.database import Database
from models.experiences import Experience
from models.gap import Choice, Count
from models.posts import Post
from models.windows import Window
from tests.models.test_anonymity import one
from tests.models.test_experiences import publish

COUNTED = [Count(("vaner", "regler"), "pilot", "delvist", "0101", 1)]


def counted(database: Database, **choice: object) -> list[Count]:
    with database.reading() as db:
        return gap.counts(db, Choice(**choice))  # type: ignore[arg-type]


@pytest.fixture
def case(lived_in: Database) -> int:
    return lived_in.write(lambda db: publish(db, community="udfordrere").id)


def test_a_report_is_counted_by_all_four(lived_in: Database, case: int) -> None:
    assert counted(lived_in) == COUNTED
    for fits in (
        {"barrier": "regler"},
        {"phase": "pilot"},
        {"outcome": "delvist"},
        {"municipality": "0101"},
        {"kle": "05"},
    ):
        assert counted(lived_in, **fits) == COUNTED, fits
    for unfit in ({"barrier": "love"}, {"phase": "ide"}, {"municipality": "0147"}, {"kle": "05.0"}, {"kle": "06"}):
        assert counted(lived_in, **unfit) == [], unfit


def test_every_count_leads_to_its_reports(lived_in: Database, case: int) -> None:
    with lived_in.reading() as db:
        for viewer in (None, one(db, "eva")):
            found = gap.cases(db, viewer, Choice("regler", "pilot", "delvist", "0101", "05.04"), Window())
            assert [post.id for post in found] == [case]


def test_what_is_for_this_node_only_is_listed_for_members_and_never_counted(lived_in: Database) -> None:
    post_id = lived_in.write(lambda db: publish(db, visibility="node").id)
    assert counted(lived_in) == []
    with lived_in.reading() as db:
        assert gap.cases(db, None, Choice(), Window()) == []
        assert [post.id for post in gap.cases(db, one(db, "eva"), Choice(), Window())] == [post_id]


def test_leafing_through_cases_meets_each_once_however_many_are_hidden_between(lived_in: Database) -> None:
    """Up and down, for who reads more than everybody; what is hidden or of another community is passed over."""

    def tell(db: Session) -> list[int]:
        told = [
            publish(db, "eva" if at % 2 else "birk", community="udfordrere" if at % 3 else None) for at in range(24)
        ]
        for post in told[6:16]:
            post.hidden_at = now()
        return [post.id for post in told if post.hidden_at is None]

    open_to_all = lived_in.write(tell)[::-1]
    with lived_in.reading() as db:
        reader, group = one(db, "david"), one(db, "udfordrere")
        for choice in (Choice(), Choice(community_id=group.id)):
            whole = [post.id for post in gap.cases(db, reader, choice, Window(limit=100))]
            assert whole == [id for id in open_to_all if id in whole]
            assert len(whole) == (14 if choice == Choice() else len(gap.cases(db, None, choice, Window(limit=100))))
            down: list[int] = []
            up: list[int] = []
            while page := gap.cases(db, reader, choice, Window(before=down[-1] if down else None, limit=2)):
                down += [post.id for post in page]
            while page := gap.cases(db, reader, choice, Window(after=up[0] if up else 0, limit=2)):
                up = [*(post.id for post in page), *up]
            assert down == up == whole
            since = gap.cases(db, reader, choice, Window(since=whole[4], limit=3))
            assert [post.id for post in since] == whole[:3]


def test_examples_are_leafed_through_the_last_chosen_first(lived_in: Database) -> None:
    def choose(db: Session) -> list[int]:
        told = [publish(db) for _ in range(5)]
        for post in told:
            sharing.choose_example(db, one(db, "camilla"), post)
        told[3].hidden_at = now()
        return [told[at].id for at in (4, 2, 1, 0)]

    wanted = lived_in.write(choose)
    with lived_in.reading() as db:
        for viewer in (None, one(db, "eva")):
            pages = [gap.examples(db, viewer, skip=skip, limit=2) for skip in (0, 2, 4)]
            assert [[post.id for post in page] for page in pages] == [wanted[:2], wanted[2:], []]


def suspend(db: Session, post: Post) -> None:
    db.get_one(Actor, post.author_id).suspended_at = now()


def limit(db: Session, post: Post) -> None:
    db.get_one(Actor, post.author_id).standing = "limited"


def hide(db: Session, post: Post) -> None:
    post.hidden_at = now()


def hold(db: Session, post: Post) -> None:
    composing.hold_again(db, post, "words")


def take_out(db: Session, post: Post) -> None:
    listings.remove_post(db, one(db, "camilla"), post, "Ikke her.")


def delete(db: Session, post: Post) -> None:
    removing.delete_post(db, one(db, "birk"), post)


def leave(db: Session, post: Post) -> None:
    from models import leaving

    leaving.delete_local(db, one(db, "birk"))


@pytest.mark.parametrize("deed", [suspend, limit, hide, hold, take_out, delete, leave])
def test_what_nobody_may_find_is_not_counted(lived_in: Database, case: int, deed: object) -> None:
    lived_in.write(lambda db: deed(db, db.get_one(Post, case)))  # type: ignore[operator]
    assert counted(lived_in) == []


def test_what_is_taken_back_counts_again(lived_in: Database, case: int) -> None:
    lived_in.write(lambda db: suspend(db, db.get_one(Post, case)))

    def lift(db: Session) -> None:
        one(db, "birk").suspended_at = None

    lived_in.write(lift)
    assert counted(lived_in) == COUNTED


def test_what_was_rolled_back_was_never_counted(lived_in: Database) -> None:
    def fail(db: Session) -> None:
        publish(db)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        lived_in.write(fail)
    assert counted(lived_in) == []


def test_a_case_moves_to_where_it_stands_now(lived_in: Database, case: int) -> None:
    lived_in.write(
        lambda db: sharing.follow_up(
            db, one(db, "birk"), db.get_one(Post, case), "Nu.", phase="drift", outcome="lykkedes"
        )
    )
    assert counted(lived_in) == [Count(("vaner", "regler"), "drift", "lykkedes", "0101", 1)]


def test_counting_reads_one_index_and_nothing_else(lived_in: Database, case: int) -> None:
    with lived_in.reading() as db:
        if db.get_bind().dialect.name != "sqlite":
            pytest.skip("PostgreSQL chooses its plan by the size of the table")
        query = select(Experience.barriers, Experience.phase, Experience.outcome, Experience.municipality).where(
            Experience.shown.is_(True)
        )
        compiled = query.compile(dialect=db.get_bind().dialect, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row[3]) for row in db.execute(text(f"EXPLAIN QUERY PLAN {compiled}")))
        assert "COVERING INDEX ix_experiences_gap" in plan


def test_an_author_who_is_not_to_be_found_stands_in_no_open_data(lived_in: Database, case: int) -> None:
    with lived_in.reading() as db:
        assert [post.id for post, _, _ in gap.all_rows(db, Choice())] == [case]

    def unfindable(db: Session) -> None:
        one(db, "birk").indexable = False

    lived_in.write(unfindable)
    with lived_in.reading() as db:
        assert gap.all_rows(db, Choice()) == []


def test_unknown_barriers_of_other_nodes_have_a_place_of_their_own() -> None:
    assert experiences.named(experiences.bits(["regler", "vejret"])) == ("regler",)
    assert experiences.bits(["vejret"]) == experiences.OTHER_BARRIER
