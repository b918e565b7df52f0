"""Asking from a text that has no field for a title, and turning notes and questions into one another."""

import pytest
from sqlalchemy.orm import Session

from models import asking, communities, composing, outbox, posts, threads
from models.actors import Actor, ActorType, RemoteActor, by_handle, record_remote
from models.database import Database
from models.errors import Conflict, Forbidden
from models.posts import Draft, Kind, Visibility


def actor(db: Session, name: str) -> Actor:
    """Somebody of the world."""
    found = by_handle(db, name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("source", "title", "text"),
    [
        ("@udfordrere Hvem har prøvet det?\nVi vil gerne.", "Hvem har prøvet det?", "Vi vil gerne."),
        ("Åbningstider om søndagen\n\nVi overvejer det.", "Åbningstider om søndagen", "Vi overvejer det."),
        ("@udfordrere åbningstider om søndagen", "åbningstider om søndagen", ""),
        ("@udfordrere @a@b.example\r\n\r\nHvem ved det?\r\n\r\nTekst\r\nmere", "Hvem ved det?", "Tekst\nmere"),
        ("Hvad gør I @udfordrere med løbere?", "Hvad gør I med løbere?", ""),
        ("Fem b?", "Fem b?", ""),
        ("x" * 200, "x" * 200, ""),
    ],
)
def test_a_first_line_that_ends_like_a_title_is_one(source: str, title: str, text: str) -> None:
    titled = asking.split(source)
    assert titled is not None
    assert (titled.title, titled.text) == (title, text)


@pytest.mark.parametrize(
    "source",
    ["", "@udfordrere", "@udfordrere hej", "En linje\nog en til", "x" * 201, "@udfordrere\n\n\n", "Kort\n\nTekst"],
)
def test_other_first_lines_are_none(source: str) -> None:
    assert asking.split(source) is None


@pytest.mark.parametrize(
    "source", ["Hvem ved det?\n\nTekst", "Hvem ved det?", "En lang titel uden spørgsmålstegn\n\n- a\n- b"]
)
def test_a_question_taken_apart_and_put_together_is_the_same(source: str) -> None:
    titled = asking.first_line(source)
    assert asking.first_line(asking.joined(titled.title, titled.text)) == titled


def test_a_community_elsewhere_is_asked_as_well(lived_in: Database) -> None:
    def work(db: Session) -> None:
        group = record_remote(
            db,
            RemoteActor(
                "https://b.example/c/haver", ActorType.GROUP, "haver", "b.example", "https://b.example/c/haver/inbox"
            ),
        )
        asked = asking.post(db, actor(db, "anna"), Draft("@haver@b.example Hvornår sår I gulerødder?"))
        assert (asked.kind, asked.community_id) == (Kind.QUESTION, group.id)
        assert db.query(outbox.Activity).filter_by(post_id=asked.id, type="Create").one().data["audience"] == group.uri

    lived_in.write(work)


def test_where_only_moderators_ask_others_just_mention_it(lived_in: Database) -> None:
    def work(db: Session) -> None:
        communities.settings(db, actor(db, "udfordrere")).moderators_only = True
        draft = Draft("@udfordrere Hvem ved det?")
        mentioned = asking.post(db, actor(db, "birk"), draft)
        assert (mentioned.kind, mentioned.community_id) == (Kind.NOTE, None)
        assert asking.post(db, actor(db, "camilla"), draft).kind == Kind.QUESTION

    lived_in.write(work)


def test_a_note_becomes_a_question_and_its_replies_answers_and_back(lived_in: Database) -> None:
    def work(db: Session) -> None:
        birk, eva = actor(db, "birk"), actor(db, "eva")
        note = asking.post(db, birk, Draft("@udfordrere hjælp\nVi mangler stole. #stole", content_type="text/plain"))
        reply = threads.reply(db, eva, note, Draft("Vi har stole."))
        assert (note.kind, reply.kind) == (Kind.NOTE, Kind.COMMENT)

        asking.make_question(db, birk, note)
        assert (note.kind, note.title, note.source) == (Kind.QUESTION, "hjælp", "Vi mangler stole. #stole")
        assert note.content.startswith("<p>Vi mangler stole.")
        assert (reply.kind, note.answer_count) == (Kind.ANSWER, 1)
        assert posts.editions(db, note)[0].source.startswith("@udfordrere hjælp")

        asking.make_note(db, birk, note)
        assert (note.kind, note.title, note.source) == (Kind.NOTE, "", "hjælp\n\nVi mangler stole. #stole")
        assert note.content.startswith("<p>hjælp</p>")
        assert (reply.kind, note.answer_count) == (Kind.COMMENT, 0)
        updates = db.query(outbox.Activity).filter_by(post_id=note.id, type="Update").count()
        assert updates == 2

    lived_in.write(work)


def test_author_and_moderators_turn_others_do_not(lived_in: Database) -> None:
    def work(db: Session) -> None:
        note = asking.post(db, actor(db, "birk"), Draft("@udfordrere hej\nmed jer"))
        with pytest.raises(Forbidden):
            asking.make_question(db, actor(db, "eva"), note)
        asking.make_question(db, actor(db, "camilla"), note)
        with pytest.raises(Conflict):
            asking.make_question(db, actor(db, "camilla"), note)
        with pytest.raises(Forbidden):
            asking.make_note(db, actor(db, "eva"), note)

    lived_in.write(work)


def test_a_question_with_an_accepted_answer_stays_one(lived_in: Database) -> None:
    def work(db: Session) -> None:
        birk = actor(db, "birk")
        asked = asking.post(db, birk, Draft("@udfordrere Hvem ved det?"))
        threads.accept(db, birk, asked, threads.answer(db, actor(db, "eva"), asked, Draft("Jeg gør.")))
        with pytest.raises(Conflict):
            asking.make_note(db, birk, asked)

    lived_in.write(work)


def test_what_stands_in_no_community_is_not_turned(lived_in: Database) -> None:
    def work(db: Session) -> None:
        note = composing.note(db, actor(db, "birk"), Draft("Hej"))
        with pytest.raises(Forbidden):
            asking.make_question(db, actor(db, "birk"), note)

    lived_in.write(work)


def test_what_stays_on_this_node_asks_only_communities_of_this_node(lived_in: Database) -> None:
    def work(db: Session) -> None:
        inbox = "https://b.example/c/haver/inbox"
        record_remote(db, RemoteActor("https://b.example/c/haver", ActorType.GROUP, "haver", "b.example", inbox))
        here = asking.post(db, actor(db, "anna"), Draft("@udfordrere Hvem ved det?", visibility=Visibility.NODE))
        there = asking.post(db, actor(db, "anna"), Draft("@haver@b.example Hvem ved det?", visibility=Visibility.NODE))
        assert (here.kind, here.visibility) == (Kind.QUESTION, Visibility.NODE)
        assert (there.kind, there.community_id) == (Kind.NOTE, None)

    lived_in.write(work)


def test_hashtags_say_what_stands_in_the_way(lived_in: Database) -> None:
    def work(db: Session) -> None:
        asked = asking.post(db, actor(db, "birk"), Draft("@udfordrere Hvem ved det?\n\n#Regler og #lovgivning #stole"))
        assert asked.extra["barriers"] == ["regler", "love"]
        assert {tag.name for tag in posts.tags_of(db, [asked.id])[asked.id]} == {"regler", "lovgivning", "stole"}

    lived_in.write(work)
    assert asking.barriers_after(["regler", "kultur"], "#regler", "#politik") == ("politik", "kultur")
