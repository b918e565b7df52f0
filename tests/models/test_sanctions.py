"""What moderators decide: it takes hold, is told, can be appealed once and taken back; who may not changes nothing."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import access, accounts, appeals, cases, house, moderation, notifications, outbox, sanctions, timelines
from models.actors import Actor
from models.base import clock
from models.database import Database
from models.domains import DomainAction
from models.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from models.jobs import Job
from models.moderation import AuditEntry, Report
from models.notifications import Notification, NotificationKind
from models.posts import Post
from models.sanctions import Sanction, SanctionKind
from tests.models.search.looking import person
from tests.models.test_anonymity import ask
from tests.models.test_relations import stranger


def question(db: Session, beginning: str) -> Post:
    return db.scalars(select(Post).where(Post.title.startswith(beginning))).one()


def state(db: Session) -> Any:
    """All that a refused decision could have changed."""
    return (
        [(row.id, row.ended_at, row.appeal_state, row.answer) for row in db.scalars(select(Sanction))],
        db.scalar(select(func.count()).select_from(AuditEntry)),
        db.scalar(select(func.count()).select_from(Notification)),
        db.scalar(select(func.count()).select_from(outbox.Activity)),
        [(row.id, row.standing, row.suspended_at) for row in db.scalars(select(Actor).order_by(Actor.id))],
        [(row.id, row.hidden_at, row.removed_at) for row in db.scalars(select(Post).order_by(Post.id))],
        [(row.id, row.closed_at) for row in db.scalars(select(Report))],
    )


def kinds_told(db: Session, name: str) -> list[str]:
    return [row.kind for row, _, _ in notifications.of(db, person(db, name).id, limit=5)]


def decided(database: Database, kind: SanctionKind, target: str = "birk", by: str = "camilla", **more: Any) -> int:
    return database.write(
        lambda db: sanctions.impose(db, person(db, target), kind, by=person(db, by), reason="Reklame", **more).id
    )


@pytest.mark.parametrize("kind", [SanctionKind.WARN, SanctionKind.LIMIT, SanctionKind.SUSPEND])
def test_a_decision_is_told_and_written_down(lived_in: Database, kind: SanctionKind) -> None:
    decided(lived_in, kind)
    with lived_in.reading() as db:
        assert kinds_told(db, "birk")[0] == NotificationKind.SANCTION
        assert f"sanction.impose.{kind}" in db.scalars(select(AuditEntry.action)).all()
        assert (person(db, "birk").suspended_at is not None) == (kind == SanctionKind.SUSPEND)


def test_what_a_limited_person_writes_is_listed_for_himself_and_his_followers_only(lived_in: Database) -> None:
    def listed(db: Session, who: str | None) -> bool:
        found = timelines.questions(db, person(db, who) if who else None)
        return any(post.title.startswith("Hvordan fik I løbere") for post in found)

    with lived_in.reading() as db:
        assert listed(db, None)
    number = decided(lived_in, SanctionKind.LIMIT)
    with lived_in.reading() as db:
        birk = person(db, "birk")
        followers = {name for name in ("anna", "camilla", "david", "eva", "farid") if _follows(db, name, birk)}
        assert not listed(db, None)
        assert listed(db, "birk")
        for name in ("anna", "camilla", "david", "eva", "farid"):
            assert listed(db, name) == (name in followers)
    lived_in.write(lambda db: sanctions.end(db, sanctions.get(db, number), by=person(db, "anna")))
    with lived_in.reading() as db:
        assert listed(db, None)


def _follows(db: Session, name: str, target: Actor) -> bool:
    from models import follows

    return follows.state(db, person(db, name).id, target.id) is not None


def test_a_limit_on_somebody_elsewhere_outlasts_his_server_s_rules_and_a_fresh_copy(lived_in: Database) -> None:
    def act(db: Session) -> str:
        tove = stranger(db)
        sanctions.impose(db, tove, SanctionKind.LIMIT, by=person(db, "camilla"), reason="Spam")
        moderation.set_rule(db, "m.example", DomainAction.BLOCK)
        assert tove.standing == "blocked"
        moderation.drop_rule(db, "m.example")
        return stranger(db).standing

    assert lived_in.write(act) == "limited"


def test_a_hidden_post_is_seen_by_its_author_only_and_comes_back(lived_in: Database) -> None:
    number = lived_in.write(
        lambda db: (
            sanctions.impose(
                db,
                person(db, "birk"),
                SanctionKind.HIDE_POST,
                by=person(db, "camilla"),
                reason="Reklame",
                post=question(db, "Hvordan fik I løbere"),
            ).id
        )
    )
    with lived_in.reading() as db:
        post = question(db, "Hvordan fik I løbere")
        assert [access.may_see(db, who, post) for who in (None, person(db, "eva"), person(db, "birk"))] == [
            False,
            False,
            True,
        ]
    lived_in.write(lambda db: sanctions.end(db, sanctions.get(db, number), by=person(db, "anna")))
    with lived_in.reading() as db:
        assert access.may_see(db, None, question(db, "Hvordan fik I løbere"))


@pytest.mark.parametrize(("by", "acting"), [("camilla", "camilla"), ("anna", "udfordrere")])
def test_a_post_leaves_its_community_and_returns_there_also_by_who_does_not_moderate_it(
    lived_in: Database, by: str, acting: str
) -> None:
    def act(db: Session) -> int:
        post = question(db, "Hvordan fik I løbere")
        author, moderator = person(db, "birk"), person(db, by)
        row = sanctions.impose(db, author, SanctionKind.REMOVE_POST, by=moderator, reason="x", post=post)
        assert post.removed_at is not None
        return row.id

    number = lived_in.write(act)
    lived_in.write(lambda db: sanctions.end(db, sanctions.get(db, number), by=person(db, by)))
    with lived_in.reading() as db:
        assert question(db, "Hvordan fik I løbere").removed_at is None
        sent = db.scalars(select(outbox.Activity).where(outbox.Activity.type.in_(["Delete", "Undo"]))).all()
        assert {row.actor_id for row in sent} == {person(db, acting).id}
        assert kinds_told(db, "birk").count("removed") == 0


REFUSED = [
    ("birk", "david", "warn", "x", Forbidden),
    ("camilla", "anna", "suspend", "x", Forbidden),
    ("camilla", "camilla", "warn", "x", Forbidden),
    ("anna", "anna", "suspend", "x", Forbidden),
    ("camilla", "birk", "warn", " ", Invalid),
    ("camilla", "birk", "warn", "x" * 2001, Invalid),
    ("camilla", "birk", "shoot", "x", Invalid),
    ("camilla", "birk", "hide_post", "x", NotFound),
    ("camilla", "udfordrere", "warn", "x", Invalid),
]


@pytest.mark.parametrize(("by", "target", "kind", "reason", "error"), REFUSED)
def test_what_may_not_be_done_changes_nothing(
    lived_in: Database, by: str, target: str, kind: str, reason: str, error: type[DomainError]
) -> None:
    with lived_in.reading() as db:
        before = state(db)
    with pytest.raises(error):
        lived_in.write(lambda db: sanctions.impose(db, person(db, target), kind, by=person(db, by), reason=reason))
    with lived_in.reading() as db:
        assert state(db) == before


@pytest.mark.parametrize("kind", [SanctionKind.LIMIT, SanctionKind.SUSPEND])
def test_the_same_twice_and_ending_twice_are_refused(lived_in: Database, kind: SanctionKind) -> None:
    number = decided(lived_in, kind)
    with pytest.raises(Conflict):
        decided(lived_in, kind)
    lived_in.write(lambda db: sanctions.end(db, sanctions.get(db, number), by=person(db, "camilla")))
    with lived_in.reading() as db:
        before = state(db)
    with pytest.raises(Conflict):
        lived_in.write(lambda db: sanctions.end(db, sanctions.get(db, number), by=person(db, "camilla")))
    with lived_in.reading() as db:
        assert state(db) == before


def test_an_appeal_is_made_once_and_decided_by_another_who_can_overturn_it(lived_in: Database) -> None:
    number = decided(lived_in, SanctionKind.SUSPEND)

    def appeal(db: Session, name: str = "birk", said: str = "Det var ikke mig.") -> None:
        appeals.appeal(db, sanctions.get(db, number), said, account_id=person(db, name).id)

    def decide(db: Session, name: str, answer: str = "Du har ret.") -> None:
        appeals.decide(db, sanctions.get(db, number), by=person(db, name), overturn=True, answer=answer)

    def refused(work: Any, error: type[DomainError]) -> None:
        with lived_in.reading() as db:
            before = state(db)
        with pytest.raises(error):
            lived_in.write(work)
        with lived_in.reading() as db:
            assert state(db) == before

    refused(lambda db: appeal(db, "eva"), NotFound)
    refused(lambda db: appeal(db, said="  "), Invalid)
    refused(lambda db: decide(db, "anna"), Conflict)
    lived_in.write(appeal)
    refused(appeal, Conflict)
    refused(lambda db: decide(db, "camilla"), Forbidden)
    refused(lambda db: decide(db, "eva"), Forbidden)
    refused(lambda db: decide(db, "anna", ""), Invalid)
    with lived_in.reading() as db:
        assert [row.id for row, _, _ in appeals.waiting(db)] == [number]
        assert kinds_told(db, "anna")[0] == NotificationKind.APPEAL
        assert NotificationKind.APPEAL not in kinds_told(db, "camilla")
    lived_in.write(lambda db: decide(db, "anna"))
    refused(lambda db: decide(db, "anna"), Conflict)
    with lived_in.reading() as db:
        assert kinds_told(db, "birk")[0] == NotificationKind.APPEAL_DECIDED
        assert person(db, "birk").suspended_at is None
        assert accounts.by_username(db, "birk").suspended_at is None
        assert appeals.waiting(db) == []


def test_the_only_moderator_decides_about_his_own_deed_himself(lived_in: Database) -> None:
    lived_in.write(lambda db: accounts.set_role(db, accounts.by_username(db, "camilla"), "member"))
    number = decided(lived_in, SanctionKind.LIMIT, by="anna")
    lived_in.write(lambda db: appeals.appeal(db, sanctions.get(db, number), "Nej", account_id=person(db, "birk").id))
    lived_in.write(
        lambda db: appeals.decide(db, sanctions.get(db, number), by=person(db, "anna"), overturn=False, answer="Jo")
    )
    with lived_in.reading() as db:
        assert sanctions.get(db, number).ended_at is None
        assert person(db, "birk").standing == "limited"


@pytest.mark.parametrize("fault", ["late", "other", "forged", "empty"])
def test_a_proof_of_a_password_holds_for_half_an_hour_and_its_decision_only(
    lived_in: Database, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = decided(lived_in, SanctionKind.SUSPEND)
    with lived_in.reading() as db:
        token = appeals.token(db, sanctions.get(db, number))
        assert appeals.by_token(db, token).id == number
        if fault == "late":
            monkeypatch.setattr(clock, "offset", 31 * 60.0)
        number, until, signature = token.split(".")  # type: ignore[assignment]
        wrong = {
            "late": token,
            "other": f"{int(number) + 1}.{until}.{signature}",
            "forged": f"{number}.{int(until) + 60}.{signature}",
            "empty": "",
        }[fault]
        with pytest.raises(Forbidden):
            appeals.by_token(db, wrong)


def reported(db: Session, **more: Any) -> int:
    row = moderation.report(
        db, person(db, "eva"), target=person(db, "birk"), post_uris=more.pop("posts", []), comment="Reklame", **more
    )
    assert row is not None
    return row.id


def test_a_report_is_closed_once_with_an_outcome_that_the_reporter_is_told(lived_in: Database) -> None:
    number = lived_in.write(reported)
    lived_in.write(lambda db: cases.close(db, number, "acted", by=person(db, "camilla")))
    with lived_in.reading() as db:
        ((row, _, _), *_) = notifications.of(db, person(db, "eva").id)
        assert (row.kind, row.subject) == ("report_closed", f"{number} acted")
        assert cases.waiting(db) == []
        assert [one.report.id for one in cases.closed(db)] == [number]
        before = state(db)
    with pytest.raises(Conflict):
        lived_in.write(lambda db: cases.close(db, number, "forwarded", by=person(db, "anna")))
    with lived_in.reading() as db:
        assert state(db) == before


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (lambda db, n: cases.close(db, n, "shrugged", by=person(db, "anna")), Invalid),
        (lambda db, n: cases.close(db, 1, "acted", by=person(db, "anna")), NotFound),
        (lambda db, n: cases.assign(db, 1, person(db, "anna"), by=person(db, "anna")), NotFound),
        (lambda db, n: cases.assign(db, n, person(db, "eva"), by=person(db, "anna")), Invalid),
        (lambda db, n: cases.let_go(db, n, by=person(db, "anna")), Conflict),
        (lambda db, n: cases.reopen(db, n, by=person(db, "anna")), Conflict),
        (lambda db, n: cases.forward(db, n, by=person(db, "anna")), Invalid),
        (lambda db, n: cases.add_note(db, n, " ", by=person(db, "anna")), Invalid),
        (lambda db, n: cases.add_note(db, 1, "x", by=person(db, "anna")), NotFound),
    ],
)
def test_what_cannot_be_said_of_a_report_changes_nothing(
    lived_in: Database, work: Any, error: type[DomainError]
) -> None:
    number = lived_in.write(reported)
    with lived_in.reading() as db:
        before = state(db)
    with pytest.raises(error):
        lived_in.write(lambda db: work(db, number))
    with lived_in.reading() as db:
        assert state(db) == before


def test_a_report_shows_what_its_reporter_may_read_and_nothing_private_of_others(lived_in: Database) -> None:
    from models import composing
    from models.posts import Draft, Visibility

    def write(db: Session) -> tuple[int, str, str]:
        house.set_rules(db, ["Ingen reklame"])
        seen = question(db, "Hvordan fik I løbere").uri
        draft = Draft("Kun til David @david", visibility=Visibility.DIRECT)
        private = composing.note(db, person(db, "birk"), draft).uri
        number = reported(db, posts=[seen, private], rules=[house.rules(db)[0].id])
        cases.add_note(db, number, "Jeg taler med ham.", by=person(db, "camilla"))
        reported(db)
        return number, seen, private

    number, seen, private = lived_in.write(write)
    decided(lived_in, SanctionKind.SUSPEND)
    with lived_in.reading() as db:
        case = cases.read(db, number)
        assert [post.uri for post in case.posts] == [seen]
        assert case.unseen == [private]
        assert case.rules == ["Ingen reklame"]
        assert [note.text for note, _ in case.notes] == ["Jeg taler med ham."]
        assert len(case.earlier) == 1


def test_a_decision_about_an_anonymous_post_reaches_who_wrote_it_and_names_nobody(lived_in: Database) -> None:
    def act(db: Session) -> int:
        post = ask(db)
        service = db.get_one(Actor, post.author_id)
        by = person(db, "camilla")
        with pytest.raises(Invalid):
            sanctions.impose(db, service, SanctionKind.SUSPEND, by=by, reason="x")
        return sanctions.impose(db, service, SanctionKind.HIDE_POST, by=by, reason="Navne i teksten", post=post).id

    number = lived_in.write(act)
    with lived_in.reading() as db:
        row, eva = sanctions.get(db, number), person(db, "eva")
        assert row.target_id != eva.id
        assert sanctions.concerns(db, row, eva.id)
        assert not sanctions.concerns(db, row, person(db, "birk").id)
        assert kinds_told(db, "eva")[0] == NotificationKind.SANCTION
        assert access.may_see(db, eva, db.get_one(Post, row.post_id))
    lived_in.write(lambda db: appeals.appeal(db, sanctions.get(db, number), "Nu er de væk", account_id=eva.id))
    with lived_in.reading() as db:
        assert str(eva.id) not in str([(entry.actor_id, entry.detail) for entry in db.scalars(select(AuditEntry))])


def test_a_letter_tells_it_too_also_to_who_is_shut_out(lived_in: Database) -> None:
    number = decided(lived_in, SanctionKind.SUSPEND)
    with lived_in.reading() as db:
        letters = [job.payload for job in db.scalars(select(Job).where(Job.kind == "mail"))]
        told = {"what": "suspended", "reason": "Reklame", "path": f"/sanctions/{number}"}
        assert [told.items() <= letter.items() for letter in letters if letter["letter"] == "moderation"] == [True]
