"""What is searched keeps in step with what is said, whoever changes it: it is always what making it anew would give."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, arriving, asking, composing, leaving, listings, removing, threads
from models.arriving import RemotePost
from models.base import now
from models.database import Database
from models.jobs import Job
from models.posts import Draft, Kind, Post, Visibility
from models.search import keeping, rebuilding
from tests.federation.elsewhere import remote
from tests.models.search.looking import found, kept, person, rebuild, titles

THERE = "https://by.example/posts/"


def question(db: Session, beginning: str = "Hvordan fik I") -> Post:
    return db.scalars(select(Post).where(Post.title.startswith(beginning))).one()


def answers(db: Session, asked: Post) -> list[Post]:
    query = select(Post).where(Post.thread_id == asked.id, Post.kind == Kind.ANSWER)
    return list(db.scalars(query.order_by(Post.id)))


def fetched(db: Session, number: int, content: str, **more: object) -> Post:
    """Something a searchable person elsewhere wrote."""
    author = remote(db, "by.example", indexable=True)
    there = RemotePost(f"{THERE}{number}", author, Visibility.PUBLIC, now(), content=content, **more)  # type: ignore[arg-type]
    return arriving.record_remote(db, there)[0]


def _edit(db: Session) -> None:
    asked = question(db)
    draft = Draft(text="Xylofoner i stedet", title="Et helt andet spørgsmål", barriers=("kultur",), municipality="0101")
    composing.edit(db, person(db, "birk"), asked, draft)


def _turn(db: Session) -> None:
    asked = question(db, "Lederen siger ja")
    threads.turn(db, person(db, "camilla"), answers(db, asked)[0], Kind.COMMENT)


def _first_answer(db: Session) -> None:
    threads.answer(db, person(db, "eva"), question(db, "Has anyone"), Draft(text="Ja, i Åbakke."))


def _accept(db: Session) -> None:
    asked = question(db, "Lederen siger ja")
    threads.accept(db, person(db, "eva"), asked, answers(db, asked)[0])


def _accept_another(db: Session) -> None:
    asked = question(db, "Må vi lægge")
    threads.accept(db, person(db, "david"), asked, answers(db, asked)[1])


def _withdraw(db: Session) -> None:
    threads.withdraw(db, person(db, "birk"), question(db))


def _delete_accepted(db: Session) -> None:
    asked = question(db)
    accepted = db.get(Post, asked.accepted_id)
    assert accepted is not None
    removing.delete_post(db, person(db, "camilla"), accepted)


def _delete_question(db: Session) -> None:
    removing.delete_post(db, person(db, "birk"), question(db))


def _make_note(db: Session) -> None:
    asking.make_note(db, person(db, "eva"), question(db, "Lederen siger ja"))


def _remove(db: Session) -> None:
    listings.remove_post(db, person(db, "camilla"), question(db), "uden for emnet")


def _restore(db: Session) -> None:
    _remove(db)
    listings.restore_post(db, person(db, "camilla"), question(db))


def _arrive(db: Session) -> None:
    fetched(db, 1, "<p>Xylofoner i skolen</p>", tags=["Musik", "umulig tag'"])


def _arrive_before_its_parent(db: Session) -> None:
    fetched(db, 2, "<p>Et svar, der kom først</p>", in_reply_to_uri=f"{THERE}1")
    fetched(db, 3, "<p>Og et svar på det</p>", in_reply_to_uri=f"{THERE}2")
    home = person(db, "udfordrere")
    fetched(db, 1, "<p>Xylofoner</p>", title="Hvem har spillet på dem?", community=home, extra={"barriers": ["regler"]})


def _change_elsewhere(db: Session) -> None:
    post = fetched(db, 1, "<p>Xylofoner</p>")
    changed = RemotePost(
        post.uri, actors.get(db, post.author_id), Visibility.PUBLIC, post.published, content="<p>Harpe</p>"
    )
    arriving.update_remote(db, changed, fetched=True)


def _vanish_elsewhere(db: Session) -> None:
    removing.tombstone(db, fetched(db, 1, "<p>Xylofoner</p>"))


def _actor_goes(db: Session) -> None:
    leaving.delete_local(db, person(db, "camilla"))


def _profile(db: Session) -> None:
    actors.update_profile(db, person(db, "eva"), name="Eva Xylofon", summary_source="Spiller.")


def _hide(db: Session) -> None:
    actors.update_profile(db, person(db, "eva"), discoverable=False)


def _stay_on_the_node(db: Session) -> None:
    draft = Draft(text="Kun her", title="Et internt spørgsmål", visibility=Visibility.NODE)
    threads.ask(db, person(db, "eva"), person(db, "udfordrere"), draft)


def _write_for_few(db: Session) -> None:
    for visibility in ("unlisted", "followers"):
        composing.note(db, person(db, "eva"), Draft(text="Xylofoner", visibility=visibility))


DEEDS = [
    *(_edit, _turn, _first_answer, _accept, _accept_another, _withdraw, _delete_accepted, _delete_question, _make_note),
    *(_remove, _restore, _arrive, _arrive_before_its_parent, _change_elsewhere, _vanish_elsewhere, _actor_goes),
    *(_profile, _hide, _stay_on_the_node, _write_for_few),
]


def work_off(database: Database) -> None:
    """Do the jobs that look at posts again."""

    def one(db: Session) -> bool:
        job = db.scalars(select(Job).where(Job.kind == keeping.JOB).order_by(Job.id)).first()
        if job is not None:
            db.delete(job)
            keeping.go_on(db, job.payload)
        return job is not None

    while database.write(one):
        pass


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__.strip("_"))
def test_every_deed_leaves_what_is_searched_as_making_it_anew_would(
    lived_in: Database, deed: Callable[[Session], None]
) -> None:
    with lived_in.reading() as db:
        earlier = kept(db)
    lived_in.write(deed)
    work_off(lived_in)
    with lived_in.reading() as db:
        after = kept(db)
    assert after != earlier or deed in {_restore, _vanish_elsewhere}
    rebuild(lived_in)
    with lived_in.reading() as db:
        assert kept(db) == after


def test_what_is_rolled_back_is_not_found(lived_in: Database) -> None:
    def fail(db: Session) -> None:
        composing.note(db, person(db, "eva"), Draft(text="Xylofoner"))
        db.flush()
        raise LookupError

    with pytest.raises(LookupError):
        lived_in.write(fail)
    with lived_in.reading() as db:
        assert found(db, "xylofoner") == []


def test_a_deleted_post_leaves_none_of_its_words(lived_in: Database) -> None:
    note = lived_in.write(lambda db: composing.note(db, person(db, "eva"), Draft(text="Xylofoner")).id)
    with lived_in.reading() as db:
        assert [post.id for post in found(db, "xylofon")] == [note]
    lived_in.write(lambda db: removing.delete_post(db, person(db, "eva"), db.get_one(Post, note)))
    with lived_in.reading() as db:
        assert found(db, "xylofon") == []
        assert note not in kept(db)["post_index"]


def test_who_no_longer_wants_to_be_found_is_not_found_at_once_and_whose_posts_come_back_by_a_job(
    lived_in: Database,
) -> None:
    lived_in.write(lambda db: composing.note(db, person(db, "eva"), Draft(text="Xylofoner")))
    lived_in.write(lambda db: actors.update_profile(db, person(db, "eva"), indexable=False))
    with lived_in.reading() as db:
        assert titles(db, "xylofoner") == []
        assert titles(db, "xylofoner", by="eva") == ["Xylofoner"]
    work_off(lived_in)
    lived_in.write(lambda db: actors.update_profile(db, person(db, "eva"), indexable=True))
    work_off(lived_in)
    with lived_in.reading() as db:
        assert titles(db, "xylofoner") == ["Xylofoner"]


def test_a_job_looks_at_few_posts_at_a_time(lived_in: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "BATCH", 2)
    lived_in.write(lambda db: actors.update_profile(db, person(db, "camilla"), indexable=False))
    work_off(lived_in)
    with lived_in.reading() as db:
        before = kept(db)
    rebuild(lived_in)
    with lived_in.reading() as db:
        assert kept(db) == before


def test_making_it_anew_takes_any_number_of_rounds(lived_in: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with lived_in.reading() as db:
        before = kept(db)
    assert len(before["post_index"]) > 10
    assert len(before["actor_index"]) > 8
    monkeypatch.setattr(rebuilding, "BATCH", 3)
    rebuild(lived_in)
    with lived_in.reading() as db:
        assert kept(db) == before
