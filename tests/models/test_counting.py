"""Counts stay right when many people act on one post in the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session

from models import actors, composing, reactions, threads
from models.actors import Actor, RemoteActor
from models.database import Database
from models.posts import Draft, Post, get
from tests.world import World, build

CROWD = 12


def _crowd(db: Session) -> list[int]:
    """People of other servers, who need no account."""
    made = []
    for number in range(CROWD):
        uri = f"https://m.example/users/crowd{number}"
        person = RemoteActor(
            uri=uri, type="Person", username=f"crowd{number}", domain="m.example", inbox=f"{uri}/inbox", keys=[]
        )
        made.append(actors.record_remote(db, person).id)
    return made


def _all_at_once(database: Database, people: list[int], deed: Callable[[Session, Actor], object]) -> None:
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(lambda id: database.write(lambda db: deed(db, actors.get(db, id))), people))


def test_nobodys_vote_or_boost_is_lost_when_all_come_at_once(database: Database) -> None:
    world: World = database.write(build)
    people, question = database.write(_crowd), world.questions["budget"]
    with database.reading() as db:
        before = get(db, question.id)

    def now() -> Post:
        with database.reading() as db:
            return get(db, question.id)

    _all_at_once(database, people, lambda db, who: reactions.vote(db, who, get(db, question.id)))
    _all_at_once(database, people, lambda db, who: reactions.boost(db, who, get(db, question.id)))
    assert (now().up, now().boost_count) == (before.up + CROWD, before.boost_count + CROWD)
    _all_at_once(database, people, lambda db, who: reactions.withdraw_vote(db, who, get(db, question.id)))
    _all_at_once(database, people, lambda db, who: reactions.unboost(db, who, get(db, question.id)))
    assert (now().up, now().boost_count) == (before.up, before.boost_count)


def test_one_person_who_clicks_many_times_at_once_counts_once(database: Database) -> None:
    world: World = database.write(build)
    question, eva = world.questions["brandhaner"], world.people["eva"].id
    with database.reading() as db:
        before = get(db, question.id).up
    _all_at_once(database, [eva] * 8, lambda db, who: reactions.vote(db, who, get(db, question.id)))
    with database.reading() as db:
        assert get(db, question.id).up == before + 1
    _all_at_once(database, [eva] * 8, lambda db, who: reactions.withdraw_vote(db, who, get(db, question.id)))
    with database.reading() as db:
        assert get(db, question.id).up == before


def test_every_answer_counts_when_all_answer_at_once(database: Database) -> None:
    world: World = database.write(build)
    question = world.questions["lederen"]
    with database.reading() as db:
        before = get(db, question.id)
    people = [person.id for person in world.people.values() if person.id != question.author_id] * 2
    _all_at_once(
        database, people, lambda db, who: threads.answer(db, who, get(db, question.id), Draft(text="Mig også."))
    )
    with database.reading() as db:
        after = get(db, question.id)
        assert after.answer_count == before.answer_count + len(people)
        assert after.reply_count == before.reply_count + len(people)


def test_a_reply_and_its_deletion_leave_the_count_as_it_was(database: Database) -> None:
    from models import removing

    world: World = database.write(build)
    note, birk = world.notes[0], world.people["birk"].id
    reply = database.write(
        lambda db: composing.note(db, actors.get(db, birk), Draft(text="Jeg kommer."), reply_to=get(db, note.id)).id
    )
    database.write(lambda db: removing.delete_post(db, actors.get(db, birk), get(db, reply)))
    with database.reading() as db:
        assert get(db, note.id).reply_count == note.reply_count
