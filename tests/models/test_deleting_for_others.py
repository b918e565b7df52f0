"""What moderators delete for good: a post, an account. It goes everywhere, is told, and nobody else may do it."""

import pytest
from sqlalchemy.orm import Session

from models import anonymity, appeals, sanctions, threads
from models.accounts import Account
from models.database import Database
from models.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from models.jobs import Job
from models.outbox import Activity
from models.posts import Draft, Post
from models.sanctions import Sanction, SanctionKind
from tests.dumping import dumped
from tests.models.search.looking import person
from tests.models.test_relations import remote_post, stranger
from tests.models.test_sanctions import kinds_told, question


def delete_post(db: Session, post: Post, by: str = "camilla") -> Sanction:
    from models import actors

    author = actors.get(db, post.author_id)
    return sanctions.impose(db, author, SanctionKind.DELETE_POST, by=person(db, by), reason="Ulovligt", post=post)


def delete_account(db: Session, name: str = "birk", by: str = "anna") -> Sanction:
    return sanctions.impose(db, person(db, name), SanctionKind.DELETE, by=person(db, by), reason="Spam i en uge")


def test_a_post_is_emptied_here_and_elsewhere_and_its_author_told(lived_in: Database) -> None:
    number = lived_in.write(lambda db: delete_post(db, question(db, "Lederen siger ja")).id)
    with lived_in.reading() as db:
        row = sanctions.get(db, number)
        post = db.get_one(Post, row.post_id)
        assert (post.title, post.content, post.deleted_at is not None) == ("", "", True)
        sent = db.query(Activity).filter_by(type="Delete", post_id=post.id).all()
        assert [(one.actor_id, one.data.get("formerType")) for one in sent] == [(person(db, "eva").id, "Note")]
        assert kinds_told(db, "eva")[0] == "sanction"
        letter = db.query(Job).filter_by(kind="mail").order_by(Job.id.desc()).first()
        assert letter is not None
        assert (letter.payload["what"], letter.payload["reason"]) == ("deleted_post", "Ulovligt")
        assert letter.payload["about"].startswith("Lederen siger ja")


def test_a_post_from_elsewhere_is_emptied_here_only(lived_in: Database) -> None:
    def act(db: Session) -> int:
        from models import arriving

        post, _ = arriving.record_remote(db, remote_post(stranger(db)))
        delete_post(db, post)
        return post.id

    number = lived_in.write(act)
    with lived_in.reading() as db:
        assert db.get_one(Post, number).content == ""
        assert db.query(Activity).filter_by(post_id=number).all() == []


def test_who_wrote_an_anonymous_one_hears_of_it_and_can_appeal_but_the_text_stays_away(lived_in: Database) -> None:
    def act(db: Session) -> int:
        draft = Draft("Hvem sladrer?", "Hvem sladrer til lederen?", anonymous=True)
        post = threads.ask(db, person(db, "eva"), person(db, "udfordrere"), draft)
        return delete_post(db, post).id

    number = lived_in.write(act)
    lived_in.write(lambda db: appeals.appeal(db, sanctions.get(db, number), "Nej", account_id=person(db, "eva").id))
    with lived_in.reading() as db:
        assert kinds_told(db, "eva")[0] == "sanction"
        post = db.get_one(Post, sanctions.get(db, number).post_id)
        assert anonymity.wrote(db, person(db, "eva"), post)
    before = dumped(lived_in)
    with pytest.raises(Conflict):
        lived_in.write(lambda db: sanctions.end(db, sanctions.get(db, number), by=person(db, "anna")))
    assert dumped(lived_in) == before
    lived_in.write(
        lambda db: appeals.decide(db, sanctions.get(db, number), by=person(db, "anna"), overturn=True, answer="Ja")
    )
    with lived_in.reading() as db:
        row = sanctions.get(db, number)
        assert row.ended_at is not None
        assert db.get_one(Post, row.post_id).content == ""


def test_an_account_goes_for_good_with_a_letter(lived_in: Database) -> None:
    number = lived_in.write(lambda db: delete_account(db).id)
    with lived_in.reading() as db:
        birk = db.get_one(Sanction, number).target_id
        assert db.get(Account, birk) is None
        letter = db.query(Job).filter_by(kind="mail").order_by(Job.id.desc()).first()
        assert letter is not None
        said = {key: letter.payload[key] for key in ("what", "reason", "path", "email")}
        assert said == {"what": "deleted", "reason": "Spam i en uge", "path": "", "email": "birk@havby.example"}
        assert db.query(Activity).filter_by(type="Delete", actor_id=birk).one().data["everyone"]
        assert db.get_one(Sanction, number).reason == "Spam i en uge"


@pytest.mark.parametrize(
    ("name", "by", "error"),
    [
        ("birk", "camilla", Forbidden),
        ("birk", "eva", Forbidden),
        ("anna", "anna", Forbidden),
        ("udfordrere", "anna", Invalid),
    ],
)
def test_nobody_but_an_administrator_deletes_accounts_and_nobody_his_own_so(
    lived_in: Database, name: str, by: str, error: type[DomainError]
) -> None:
    before = dumped(lived_in)
    with pytest.raises(error):
        lived_in.write(lambda db: delete_account(db, name, by))
    assert dumped(lived_in) == before


def test_a_post_is_not_deleted_twice_nor_by_members(lived_in: Database) -> None:
    number = lived_in.write(lambda db: delete_post(db, question(db, "Lederen siger ja")).post_id)
    before = dumped(lived_in)
    with pytest.raises(NotFound):
        lived_in.write(lambda db: delete_post(db, db.get_one(Post, number)))
    with pytest.raises(Forbidden):
        lived_in.write(lambda db: delete_post(db, question(db, "Has anyone run"), by="david"))
    assert dumped(lived_in) == before


def test_who_leaves_takes_along_what_was_said_to_him(lived_in: Database) -> None:
    def act(db: Session) -> int:
        row = sanctions.impose(db, person(db, "birk"), SanctionKind.WARN, by=person(db, "camilla"), reason="Tal pænt")
        appeals.appeal(db, row, "Det var ikke mig", account_id=person(db, "birk").id)
        from models import leaving

        leaving.delete_local(db, person(db, "birk"))
        return row.id

    number = lived_in.write(act)
    with lived_in.reading() as db:
        row = sanctions.get(db, number)
        assert (row.reason, row.appeal, row.appeal_state, row.kind) == ("", "", "", "warn")
        assert appeals.waiting(db) == []
