"""Following a thread: told of each new answer, and of nothing else."""

from sqlalchemy.orm import Session

from models import composing, notifications, thread_follows, thread_mutes, threads
from models.actors import Actor, RemoteActor, by_handle, record_remote
from models.communities import settings
from models.database import Database
from models.posts import Draft, Post, get
from models.windows import Window
from tests.models.test_anonymity import one


def start(database: Database, *followers: str) -> Post:
    """A question of Farid's that these follow, with no notices yet."""

    def work(db: Session) -> Post:
        question = threads.ask(db, one(db, "farid"), one(db, "udfordrere"), Draft("x", "Hvem kender reglen om bænke?"))
        for name in followers:
            thread_follows.follow(db, one(db, name).id, question.id)
        db.execute(notifications.Notification.__table__.delete())
        return question

    return database.write(work)


def kinds(database: Database, name: str) -> list[str]:
    with database.reading() as db:
        return [row.kind for row, _, _ in notifications.of(db, one(db, name).id)]


def test_a_follower_is_told_of_answers_and_not_of_comments(lived_in: Database) -> None:
    question = start(lived_in, "birk")
    lived_in.write(lambda db: threads.answer(db, one(db, "anna"), get(db, question.id), Draft("Jeg.")))
    lived_in.write(lambda db: threads.comment(db, one(db, "anna"), get(db, question.id), Draft("Hvilken bænk?")))
    assert kinds(lived_in, "birk") == ["thread"]


def test_who_is_told_anyhow_is_told_once(lived_in: Database) -> None:
    question = start(lived_in, "farid", "anna", "birk")
    answer = Draft("Det ved @birk.")
    lived_in.write(lambda db: threads.answer(db, one(db, "anna"), get(db, question.id), answer))
    assert kinds(lived_in, "farid") == ["answer"]
    assert kinds(lived_in, "birk") == ["mention"]
    assert kinds(lived_in, "anna") == []


def test_who_follows_no_longer_or_mutes_hears_nothing(lived_in: Database) -> None:
    question = start(lived_in, "birk", "camilla")
    lived_in.write(lambda db: thread_follows.unfollow(db, one(db, "birk").id, question.id))
    lived_in.write(lambda db: thread_mutes.mute(db, one(db, "camilla").id, question.id))
    lived_in.write(lambda db: threads.answer(db, one(db, "anna"), get(db, question.id), Draft("Jeg.")))
    assert kinds(lived_in, "birk") == kinds(lived_in, "camilla") == []


def test_following_ends_muting_and_twice_is_once(lived_in: Database) -> None:
    question = start(lived_in)

    def twice(db: Session) -> list[int]:
        birk = one(db, "birk").id
        thread_mutes.mute(db, birk, question.id)
        for _ in range(2):
            thread_follows.follow(db, birk, question.id)
        assert not thread_mutes.muted(db, birk, [question.id])
        return thread_follows.followers(db, question.id)

    assert len(lived_in.write(twice)) == 1


def test_an_answer_that_is_held_back_is_told_of_when_it_is_kept(lived_in: Database) -> None:
    question = start(lived_in, "birk")

    def held(db: Session) -> Post:
        settings(db, one(db, "udfordrere")).holds_outside = True
        uri = "https://m.example/users/jonas"
        jonas: Actor = record_remote(db, RemoteActor(uri, "Person", "jonas", "m.example", f"{uri}/inbox"))
        parent = get(db, question.id)
        post = composing.write(db, jonas, Draft("I Malmö gjorde vi."), threads.Kind.ANSWER, parent=parent)
        db.execute(notifications.Notification.__table__.delete())
        post.unreviewed = True
        composing.tell_followers(db, post, jonas, parent)
        return post

    post = lived_in.write(held)
    assert kinds(lived_in, "birk") == []
    lived_in.write(lambda db: threads.keep(db, one(db, "farid"), get(db, post.id)))
    assert kinds(lived_in, "birk") == ["thread"]


def test_the_list_shows_what_may_still_be_read(lived_in: Database) -> None:
    question = start(lived_in, "birk")
    with lived_in.reading() as db:
        birk = by_handle(db, "birk")
        assert birk is not None
        assert [post.id for _, post in thread_follows.of(db, birk, Window())] == [question.id]
