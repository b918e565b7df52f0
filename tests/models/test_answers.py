"""Answers a page at a time: complete, each once, in order, and as cheap for many as for few."""

import pytest
from sqlalchemy.orm import Session

from models import answers, communities, listings, reactions, threads
from models.answers import Order
from models.database import Database
from models.posts import Draft, Post, get
from tests.models.test_anonymity import one
from tests.server.api.counting import counted
from tests.server.visiting import question

MANY = 2 * answers.PAGE + 5


@pytest.fixture
def full(lived_in: Database) -> int:
    """A question with 65 answers, some with votes and comments, one accepted."""

    def fill(db: Session) -> int:
        root = threads.ask(db, one(db, "david"), one(db, "udfordrere"), Draft("x", "Hvor står jeres bedste bænk?"))
        people = [one(db, name) for name in ("anna", "birk", "eva", "farid")]
        written = [threads.answer(db, people[n % 4], root, Draft(f"Nummer {n}")) for n in range(MANY)]
        for voter in people[:3]:
            reactions.vote(db, voter, written[3])
        reactions.vote(db, people[1], written[-1])
        threads.accept(db, one(db, "david"), root, written[40])
        for n in range(5):
            threads.comment(db, people[0], threads.comment(db, people[1], written[3], Draft(f"k{n}")), Draft(f"s{n}"))
        threads.comment(db, people[2], root, Draft("Hvilken bænk?"))
        return root.id

    return lived_in.write(fill)


def sources(db: Session, root: int, order: Order, number: int, name: str = "") -> list[str]:
    viewer = one(db, name) if name else None
    return [post.source for post in answers.page(db, viewer, get(db, root), order, number).answers]


@pytest.mark.parametrize("order", Order)
def test_leafing_meets_every_answer_once_the_accepted_one_first(lived_in: Database, full: int, order: Order) -> None:
    with lived_in.reading() as db:
        found = [source for number in (1, 2, 3) for source in sources(db, full, order, number)]
        assert found[0] == "Nummer 40"
        assert sorted(found) == sorted(f"Nummer {n}" for n in range(MANY))
        last = answers.page(db, None, get(db, full), order, 3)
        assert not last.follows
        assert answers.page(db, None, get(db, full), order, 2).follows
        assert sources(db, full, order, 4) == []


def test_the_orders(lived_in: Database, full: int) -> None:
    with lived_in.reading() as db:
        assert sources(db, full, Order.VOTES, 1)[1:4] == ["Nummer 3", f"Nummer {MANY - 1}", "Nummer 0"]
        assert sources(db, full, Order.NEWEST, 1)[1:3] == [f"Nummer {MANY - 1}", f"Nummer {MANY - 2}"]
        assert sources(db, full, Order.OLDEST, 1)[1:3] == ["Nummer 0", "Nummer 1"]


def test_comments_stand_below_what_they_comment_on_also_deeper_ones(lived_in: Database, full: int) -> None:
    with lived_in.reading() as db:
        page = answers.page(db, None, get(db, full))
        assert [post.source for post in page.comments[page.answers[1].id]] == [
            source for n in range(5) for source in (f"k{n}", f"s{n}")
        ]
        assert [post.source for post in page.comments[full]] == ["Hvilken bænk?"]
        assert page.answers[1].id not in answers.page(db, None, get(db, full), number=2).comments


def test_a_reply_is_found_on_its_page(lived_in: Database, full: int) -> None:
    with lived_in.reading() as db:
        root = get(db, full)
        for number in (1, 2, 3):
            page = answers.page(db, None, root, number=number)
            below = [post for under in (a.id for a in page.answers) for post in page.comments.get(under, [])]
            for post in (*page.answers, *below):
                assert answers.page_of(db, None, root, post) == number, post.source
        assert answers.page_of(db, None, root, page.comments[full][0]) == 1


def test_many_answers_cost_as_many_queries_as_few(lived_in: Database, full: int) -> None:
    with lived_in.reading() as db:
        viewer = one(db, "birk")
        few, many = question(db, "Has anyone run").id, full
        asked = []
        for number in (few, many):
            root = get(db, number)
            with counted(db) as queries:
                answers.page(db, viewer, root)
            asked.append(len(queries))
        assert asked[1] <= asked[0] + 1  # that of the accepted answer


def test_what_is_held_or_taken_out_shows_to_those_concerned_only(lived_in: Database) -> None:
    def hold(db: Session) -> tuple[int, int, int]:
        communities.settings(db, one(db, "udfordrere")).holds_outside = True
        root = question(db, "Lederen siger ja")
        held = threads.answer(db, one(db, "farid"), root, Draft("Holdt tilbage"))
        held.unreviewed = True
        removed = threads.answer(db, one(db, "david"), root, Draft("Taget ud"))
        listings.remove_post(db, one(db, "camilla"), removed, "")
        return root.id, held.id, removed.id

    root_id, held_id, removed_id = lived_in.write(hold)
    seen = {}
    with lived_in.reading() as db:
        for name in ("", "birk", "farid", "david", "eva", "camilla"):
            viewer = one(db, name) if name else None
            page = answers.page(db, viewer, db.get_one(Post, root_id))
            seen[name] = {post.id for post in page.answers} & {held_id, removed_id}
    assert seen == {
        "": set(),
        "birk": set(),
        "farid": {held_id},
        "david": {removed_id},
        "eva": {held_id, removed_id},  # the asker
        "camilla": {held_id, removed_id},  # a moderator
    }
