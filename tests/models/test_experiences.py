"""Reports of experience: written with their parts, followed up, done again elsewhere, and never half deleted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    actors,
    composing,
    experience_cases,
    experience_people,
    experiences,
    gap,
    jobs,
    links,
    moderation,
    notifications,
    posts,
    removing,
    sharing,
)
from models.actors import Actor
from models.base import clock
from models.database import Database
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.experience_people import As
from models.experiences import Experience, Part, Report
from models.gap import Choice
from models.links import Tie
from models.notifications import Notification, NotificationKind
from models.posts import Draft, Kind, Post
from models.sharing import Around
from models.windows import Window
from tests.models.test_anonymity import one

PARTS = {Part.WANTED: "Vi ville løbe.", Part.TRIED: "Vi spurgte.", Part.HAPPENED: "Det gik."}
REPORT = Report(
    "Sådan kom vi i gang", "I korte træk.", PARTS, {"regler": "Juristen sagde nej.", "vaner": ""}, "https://x.example/lov",
    "pilot", "delvist", "0101", "05.04", "da",
)  # fmt: skip


def changed(**values: Any) -> Report:
    return Report(**{**vars(REPORT), **values})


def publish(db: Session, name: str = "birk", report: Report = REPORT, **around: Any) -> Post:
    if isinstance(group := around.get("community"), str):
        around["community"] = one(db, group)
    return sharing.publish(db, one(db, name), report, Around(**around))


def told(db: Session, kind: NotificationKind) -> list[str]:
    rows = db.scalars(select(Notification.account_id).where(Notification.kind == kind))
    return sorted(actors.get(db, id).username for id in rows)


def found(db: Session, viewer: Actor | None = None, **choice: Any) -> list[int]:
    return [post.id for post in gap.cases(db, viewer, Choice(**choice), Window(limit=50))]


def test_a_report_is_a_first_post_with_its_text_made_from_its_parts(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = publish(db, community="udfordrere")
        assert post.kind == Kind.EXPERIENCE
        assert post.object_type == "Article"
        assert post.community_id == one(db, "udfordrere").id
        assert post.source.startswith("# Det ville vi\n\nVi ville løbe.")
        assert "**Regler**\n\nJuristen sagde nej." in post.source
        assert "<https://x.example/lov>" in post.source
        assert not post.sensitive
        assert {tag.name for tag in posts.tags_of(db, [post.id])[post.id]} == {"regler", "vaner"}
        row = db.get_one(Experience, post.id)
        assert experiences.named(row.barriers) == ("vaner", "regler")
        assert (row.phase, row.outcome, row.municipality, row.kle) == ("pilot", "delvist", "0101", "05.04")

    lived_in.write(write)


def test_where_nobody_wrote_an_abstract_the_text_begins_it(lived_in: Database) -> None:
    assert lived_in.write(lambda db: publish(db, report=changed(abstract="")).summary) == "Vi ville løbe."


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"title": "Nej"}, "title_missing"),
        ({"parts": {}}, "wanted_missing"),
        ({"parts": {**PARTS, "andet": "x"}}, "part_unknown"),
        ({"parts": {Part.WANTED: "x" * 10_001}}, "wanted_long"),
        ({"phase": "måske"}, "phase_unknown"),
        ({"outcome": "ja"}, "outcome_unknown"),
        ({"obstacles": {"vejret": ""}}, "barrier_unknown"),
        ({"municipality": "9999"}, "municipality_unknown"),
        ({"rule_url": "javascript:alert(1)"}, "rule_url_unfit"),
        ({"kle": "5.4"}, "kle_form"),
        ({"abstract": "x" * 301}, "abstract_long"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(lived_in: Database, values: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        lived_in.write(lambda db: publish(db, report=changed(**values)))
    assert caught.value.code == code
    with lived_in.reading() as db:
        assert db.scalar(select(Experience)) is None
        assert db.scalar(select(Post).where(Post.kind == Kind.EXPERIENCE)) is None


def test_what_happened_since_changes_how_the_case_stands_and_keeps_how_it_stood(lived_in: Database) -> None:
    def write(db: Session) -> tuple[int, int]:
        case = publish(db, community="udfordrere")
        clock.offset += 3600
        later = sharing.follow_up(db, one(db, "birk"), case, "Nu *virker* det.", phase="drift", outcome="lykkedes")
        return case.id, later.id

    case_id, later_id = lived_in.write(write)
    with lived_in.reading() as db:
        case, later = db.get_one(Post, case_id), db.get_one(Post, later_id)
        states = experience_cases.states(db, case_id)
        assert [(s.phase, s.outcome, s.source_id) for s in states] == [
            ("pilot", "delvist", None),
            ("drift", "lykkedes", later_id),
        ]
        assert (case.extra["phase"], case.extra["outcome"]) == ("drift", "lykkedes")
        assert case.updated is not None
        assert later.source == "Nu *virker* det."
        assert later.title == "Det skete der siden: Sådan kom vi i gang"
        assert experience_cases.follow_ups(db, None, case) == [later]
        assert found(db) == [case_id]  # a follow-up is no case of its own


def test_a_follow_up_that_is_deleted_leaves_the_case_as_it_stood(lived_in: Database) -> None:
    def write(db: Session) -> int:
        case = publish(db)
        later = sharing.follow_up(db, one(db, "birk"), case, "Nu.", phase="drift", outcome="lykkedes")
        removing.delete_post(db, one(db, "birk"), later)
        return case.id

    case_id = lived_in.write(write)
    with lived_in.reading() as db:
        row = db.get_one(Experience, case_id)
        assert (row.phase, row.outcome) == ("pilot", "delvist")
        assert db.get_one(Post, case_id).extra["outcome"] == "delvist"
        assert len(experience_cases.states(db, case_id)) == 1


def test_only_who_wrote_a_report_tells_what_happened_since(lived_in: Database) -> None:
    case_id = lived_in.write(lambda db: publish(db).id)
    with pytest.raises(Forbidden):
        lived_in.write(
            lambda db: sharing.follow_up(
                db, one(db, "eva"), db.get_one(Post, case_id), "x", phase="drift", outcome="nej"
            )
        )


def test_the_author_is_reminded_once_when_the_time_has_come(lived_in: Database) -> None:
    case_id = lived_in.write(lambda db: publish(db, remind_months=3).id)
    with lived_in.reading() as db:
        job = db.scalars(select(jobs.Job).where(jobs.Job.kind == sharing.JOB)).one()
        assert job.run_at > job.created_at + timedelta(days=88)
    assert not lived_in.write(lambda db: sharing.ask_what_happened(db, case_id))
    clock.offset += 92 * 86400
    assert lived_in.write(lambda db: sharing.ask_what_happened(db, case_id))
    assert not lived_in.write(lambda db: sharing.ask_what_happened(db, case_id))
    with lived_in.reading() as db:
        assert told(db, NotificationKind.FOLLOW_UP_DUE) == ["birk"]


def test_a_reminder_that_was_put_off_or_whose_report_is_gone_says_nothing(lived_in: Database) -> None:
    case_id = lived_in.write(lambda db: publish(db, remind_months=3).id)
    lived_in.write(lambda db: sharing.remind(db, db.get_one(Post, case_id), 12))
    clock.offset += 92 * 86400
    assert not lived_in.write(lambda db: sharing.ask_what_happened(db, case_id))
    lived_in.write(lambda db: removing.delete_post(db, one(db, "birk"), db.get_one(Post, case_id)))
    clock.offset += 365 * 86400
    assert not lived_in.write(lambda db: sharing.ask_what_happened(db, case_id))


def test_another_begins_from_a_report_without_what_came_of_it_and_its_authors_are_told(lived_in: Database) -> None:
    first_id = lived_in.write(lambda db: publish(db).id)

    def write(db: Session) -> int:
        original, report = sharing.begin_from(db, one(db, "david"), first_id)
        assert Part.HAPPENED not in report.parts
        assert report.parts[Part.WANTED] == "Vi ville løbe."
        assert report.obstacles["regler"] == "Juristen sagde nej."
        assert (report.phase, report.outcome, report.municipality) == ("ide", "endnu-ikke", "")
        return publish(db, "david", report, adapted_from=original).id

    copy_id = lived_in.write(write)
    with lived_in.reading() as db:
        assert told(db, NotificationKind.REPLICATED) == ["birk"]
        assert told(db, NotificationKind.MENTION) == []
        original = db.get_one(Post, first_id)
        assert [link.post.id for link in links.to(db, None, original, Tie.ADAPTED_FROM) if link.post] == [copy_id]


def test_who_did_the_same_hears_what_happened_since(lived_in: Database) -> None:
    def write(db: Session) -> None:
        original = publish(db)
        publish(db, "david", adapted_from=original)
        sharing.follow_up(db, one(db, "birk"), original, "Nu.", phase="drift", outcome="lykkedes")

    lived_in.write(write)
    with lived_in.reading() as db:
        assert told(db, NotificationKind.FOLLOW_UP) == ["david"]


def test_people_to_ask_are_told_and_may_take_their_name_off(lived_in: Database) -> None:
    from models import co_authors

    post_id = lived_in.write(lambda db: publish(db, contacts=(one(db, "farid"),)).id)
    with lived_in.reading() as db:
        assert told(db, NotificationKind.CONTACT) == ["farid"]
    lived_in.write(lambda db: co_authors.take_off(db, one(db, "farid"), db.get_one(Post, post_id)))
    with lived_in.reading() as db:
        assert experience_people.people(db, db.get_one(Post, post_id), As.CONTACT) == []
    with pytest.raises(NotFound):
        lived_in.write(lambda db: co_authors.take_off(db, one(db, "farid"), db.get_one(Post, post_id)))


def test_an_edit_notes_a_changed_phase_with_its_date_and_keeps_the_rest(lived_in: Database) -> None:
    post_id = lived_in.write(lambda db: publish(db, contacts=(one(db, "farid"),)).id)
    clock.offset += 86400

    def edit(db: Session) -> None:
        kept = Around(contacts=None, linked=None, remind_months=None)
        sharing.edit(
            db, one(db, "birk"), db.get_one(Post, post_id), changed(phase="drift", title="Sådan blev vi ved"), kept
        )

    lived_in.write(edit)
    with lived_in.reading() as db:
        post = db.get_one(Post, post_id)
        assert post.title == "Sådan blev vi ved"
        assert posts.editions(db, post)[0].title == "Sådan kom vi i gang"
        assert [state.phase for state in experience_cases.states(db, post_id)] == ["pilot", "drift"]
        assert [actor.username for actor in experience_people.people(db, post, As.CONTACT)] == ["farid"]
        assert told(db, NotificationKind.CONTACT) == ["farid"]


def test_a_report_is_not_edited_as_one_text(lived_in: Database) -> None:
    post_id = lived_in.write(lambda db: publish(db).id)
    with pytest.raises(Conflict):
        lived_in.write(
            lambda db: composing.edit(db, one(db, "birk"), db.get_one(Post, post_id), Draft("Kort.", "Titel her"))
        )


def test_a_deleted_report_leaves_nothing_behind(lived_in: Database) -> None:
    def write(db: Session) -> int:
        case = publish(db, contacts=(one(db, "farid"),), adapted_from=publish(db, "david"))
        removing.delete_post(db, one(db, "birk"), case)
        return case.id

    post_id = lived_in.write(write)
    with lived_in.reading() as db:
        for table in (Experience, experience_cases.ExperienceState, experience_people.ExperiencePerson):
            assert db.scalar(select(table).where(table.post_id == post_id)) is None
        assert db.scalar(select(links.PostLink).where(links.PostLink.from_id == post_id)) is None


def test_moderators_choose_good_examples_and_the_authors_are_told(lived_in: Database) -> None:
    post_id = lived_in.write(lambda db: publish(db, community="udfordrere").id)
    choose: Callable[[str, bool], bool] = lambda name, chosen: lived_in.write(  # noqa: E731
        lambda db: sharing.choose_example(db, one(db, name), db.get_one(Post, post_id), chosen=chosen)
    )
    with pytest.raises(Forbidden):
        choose("eva", True)
    assert choose("camilla", True)
    assert not choose("camilla", True)
    with lived_in.reading() as db:
        assert [post.id for post in gap.examples(db, None)] == [post_id]
        assert told(db, NotificationKind.EXAMPLE) == ["birk"]
        assert moderation.audit_log(db, action="report.example")
    assert choose("camilla", False)
    with lived_in.reading() as db:
        assert gap.examples(db, None) == []
        assert told(db, NotificationKind.EXAMPLE) == []


def test_a_community_for_questions_takes_no_reports(lived_in: Database) -> None:
    from models.communities import Community

    def only_questions(db: Session) -> None:
        db.get_one(Community, one(db, "udfordrere").id).questions_only = True

    lived_in.write(only_questions)
    with pytest.raises(Forbidden) as caught:
        lived_in.write(lambda db: publish(db, community="udfordrere"))
    assert caught.value.code == "questions_only"


def test_notices_can_be_chosen_for_reports_and_reminders_come_by_mail(lived_in: Database) -> None:
    from models import notice_choices
    from models.accounts import Account

    with lived_in.reading() as db:
        account = db.get_one(Account, one(db, "birk").id)
        assert notice_choices.mailed(account, NotificationKind.FOLLOW_UP_DUE)
        assert not notice_choices.mailed(account, NotificationKind.REPLICATED)
        assert notifications.client_type(NotificationKind.REPLICATED) == "mention"
