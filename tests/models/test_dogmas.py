"""Dogmas: proposed, adopted by moderators or a vote, given new versions, and endorsed by a like."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import (
    access,
    accounts,
    actors,
    adopting,
    ballots,
    composing,
    dogmas,
    endorsing,
    favourites,
    jobs,
    leaving,
    moderation,
    polls,
    posts,
    proposing,
    reactions,
    removing,
    threads,
)
from models.base import clock
from models.database import Database
from models.dogmas import Dogma, DogmaEndorsement, Status, Through
from models.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from models.notifications import NotificationKind
from models.outbox import Activity
from models.posts import Draft, Kind, Post
from models.proposing import Principle
from models.windows import Window
from tests.models.test_anonymity import one
from tests.models.test_experiences import told

SHARED = Principle("Vi deler også det, der gik galt", "Hver erfaring fortælles, **også** når svaret blev et nej.")


def changed(**values: Any) -> Principle:
    return Principle(**{**vars(SHARED), **values})


def propose(db: Session, name: str = "birk", community: str = "udfordrere", principle: Principle = SHARED) -> Post:
    return proposing.propose(db, one(db, name), principle, one(db, community) if community else None)


def adopted(db: Session, community: str = "udfordrere") -> Post:
    post = propose(db, community=community)
    adopting.adopt(db, one(db, "camilla"), post, "Det er sådan, vi gør.")
    return post


def row(db: Session, post: Post) -> Dogma:
    return dogmas.get(db, post)


def standing(db: Session, post: Post) -> list[tuple[str, str, int]]:
    """Who stands behind it, as what, and for which version."""
    found = db.execute(
        select(actors.Actor.username, DogmaEndorsement.said_as, DogmaEndorsement.version)
        .join(actors.Actor, actors.Actor.id == DogmaEndorsement.actor_id)
        .where(DogmaEndorsement.post_id == post.id)
    )
    return sorted(tuple(each) for each in found)


def test_a_proposal_says_that_it_is_one_and_has_no_number(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = propose(db)
        assert (post.kind, post.object_type, post.title) == (
            Kind.DOGMA, "Note", "Forslag til dogme: Vi deler også det, der gik galt",
        )  # fmt: skip
        assert (row(db, post).status, row(db, post).number, row(db, post).version) == (Status.PROPOSED, None, 1)
        assert [tag.name for tag in posts.tags_of(db, [post.id])[post.id]] == ["dogme"]
        assert told(db, NotificationKind.DOGMA_PROPOSED) == ["camilla"]
        assert [edition.version for edition in dogmas.versions(db, post)] == [1]

    lived_in.write(write)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"title": "Nej"}, "title_missing"),
        ({"title": "x" * 151}, "title_long"),
        ({"text": " \n"}, "text_missing"),
        ({"text": "x" * 50_001}, "text_long"),
    ],
)
def test_what_is_no_dogma_is_refused_and_changes_nothing(lived_in: Database, values: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        lived_in.write(lambda db: propose(db, principle=changed(**values)))
    assert refused.value.code == code
    assert lived_in.write(lambda db: db.scalar(select(func.count()).select_from(Dogma))) == 0


def test_it_gets_its_number_when_it_is_adopted_one_after_the_other(lived_in: Database) -> None:
    def write(db: Session) -> None:
        first, second, other = propose(db), propose(db), propose(db, "david", "aabne_data")
        adopting.adopt(db, one(db, "camilla"), second, "Vi er enige.")
        adopting.adopt(db, one(db, "camilla"), first, "Også om det.")
        adopting.adopt(db, one(db, "david"), other, "Ja.")
        assert [row(db, post).number for post in (first, second, other)] == [2, 1, 1]
        assert second.title == "Dogme 1: Vi deler også det, der gik galt"
        assert second.url.endswith("/dogme-1-vi-deler-ogsaa-det-der-gik-galt")
        assert (row(db, second).reason, row(db, second).decided_through) == ("Vi er enige.", Through.MODERATORS)
        assert told(db, NotificationKind.DOGMA_DECIDED) == ["birk", "birk"]
        assert moderation.audit_log(db, action="dogma.adopted")
        db.flush()
        assert db.scalar(select(func.count()).where(Activity.type == "Update", Activity.post_id == second.id)) == 1

    lived_in.write(write)


def test_a_number_is_never_given_again(lived_in: Database) -> None:
    def write(db: Session) -> None:
        withdrawn, deleted = adopted(db), adopted(db)
        adopting.withdraw(db, one(db, "camilla"), withdrawn, "Det blev for snævert.")
        removing.delete_post(db, one(db, "birk"), deleted)
        assert withdrawn.title.startswith("Dogme 1 (trukket tilbage): ")
        assert row(db, adopted(db)).number == 3

    lived_in.write(write)


@pytest.mark.parametrize("deed", [adopting.adopt, adopting.reject, adopting.withdraw])
def test_nobody_but_the_moderators_decides_and_never_without_a_reason(lived_in: Database, deed: Any) -> None:
    def write(db: Session) -> None:
        post = propose(db)
        for name in ("anna", "david"):  # the administrator of the node does not moderate this community
            with pytest.raises(Forbidden):
                deed(db, one(db, name), post, "Derfor.")
        with pytest.raises(Invalid) as refused:
            deed(db, one(db, "camilla"), post, " ")
        assert refused.value.code == "reason_missing"
        assert row(db, post).status == Status.PROPOSED
        assert not moderation.audit_log(db, action="dogma.adopted")

    lived_in.write(write)


def test_what_is_decided_is_not_decided_again(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, camilla = propose(db), one(db, "camilla")
        adopting.reject(db, camilla, post, "Det siger regel 2 allerede.")
        assert post.title.startswith("Forslag til dogme (afvist): ")
        for deed in (adopting.adopt, adopting.reject, adopting.withdraw):
            with pytest.raises(Conflict):
                deed(db, camilla, post, "Igen.")
        with pytest.raises(Conflict):
            endorsing.endorse(db, one(db, "eva"), post)
        with pytest.raises(Conflict):
            proposing.change(db, one(db, "birk"), post, changed(text="Andet."), "Nyt.")

    lived_in.write(write)


def test_the_networks_dogmas_are_the_moderators_of_the_node_to_decide(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = propose(db, "farid", community="")
        assert post.community_id is None
        assert told(db, NotificationKind.DOGMA_PROPOSED) == ["anna", "camilla"]
        with pytest.raises(Forbidden):
            adopting.adopt(db, one(db, "david"), post, "Ja.")
        adopting.adopt(db, one(db, "camilla"), post, "Ja.")
        assert (row(db, post).number, row(db, post).scope_id) == (1, actors.node_actor(db).id)

    lived_in.write(write)


def test_nobody_proposes_in_a_community_elsewhere_or_where_only_questions_are_asked(lived_in: Database) -> None:
    def write(db: Session) -> None:
        group = one(db, "udfordrere")
        from models.communities import Community

        db.get_one(Community, group.id).questions_only = True
        with pytest.raises(Forbidden):
            propose(db)
        with pytest.raises(NotFound):
            proposing.propose(db, one(db, "birk"), SHARED, one(db, "eva"))

    lived_in.write(write)


# Endorsing


def test_a_like_is_the_endorsement_and_taking_it_back_ends_it(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, eva = adopted(db), one(db, "eva")
        reactions.vote(db, eva, post)
        endorsing.endorse(db, eva, post)  # twice is once
        assert standing(db, post) == [("eva", "Person", 1)]
        assert endorsing.count(db, post) == post.up == 1
        assert post.id in {found.id for _, found in favourites.page(db, eva)}
        assert told(db, NotificationKind.ENDORSED) == ["birk"]
        assert endorsing.withdraw(db, eva, post)
        assert not endorsing.withdraw(db, eva, post)
        assert standing(db, post) == []
        assert post.id not in {found.id for _, found in favourites.page(db, eva)}
        assert (endorsing.count(db, post), post.up) == (0, 0)
        assert told(db, NotificationKind.ENDORSED) == []

    lived_in.write(write)


def test_a_vote_against_or_another_sign_is_no_endorsement(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, eva, farid = adopted(db), one(db, "eva"), one(db, "farid")
        reactions.vote(db, eva, post)
        reactions.vote(db, eva, post, emoji="😡")
        reactions.vote(db, farid, post, emoji="❤")
        assert standing(db, post) == [("farid", "Person", 1)]

    lived_in.write(write)


def test_an_organisation_endorses_through_those_who_look_after_it(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, havby = adopted(db), one(db, "havby")
        with pytest.raises(Forbidden):
            endorsing.endorse(db, one(db, "eva"), post, organization=havby)
        with pytest.raises(NotFound):
            endorsing.endorse(db, one(db, "birk"), post, organization=one(db, "eva"))
        endorsing.endorse(db, one(db, "birk"), post, organization=havby)
        assert standing(db, post) == [("havby", "Organization", 1)]
        like = db.scalars(select(Activity).where(Activity.type == "Like", Activity.actor_id == havby.id)).one()
        assert like.data["torv:as"] == "Organization"
        assert like.data["torv:version"] == 1
        assert like.public
        behind = endorsing.behind(db, post)
        assert (behind.count.people, behind.count.organizations) == (0, 1)
        assert [body.actor.username for body in behind.bodies] == ["havby"]
        assert endorsing.withdraw(db, one(db, "birk"), post, organization=havby)

    lived_in.write(write)


def test_its_author_can_endorse_it_too(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = adopted(db)
        endorsing.endorse(db, one(db, "birk"), post)
        assert standing(db, post) == [("birk", "Person", 1)]

    lived_in.write(write)


def test_who_does_not_want_to_be_named_is_counted_all_the_same(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, eva = adopted(db), one(db, "eva")
        endorsing.endorse(db, eva, post)
        account = accounts.by_username(db, "eva")
        endorsing.hide(db, account, hidden=True)
        assert endorsing.count(db, post) == 1
        assert endorsing.endorsers(db, post, Window()) == []
        assert endorsing.by_actor(db, one(db, "anna"), eva) == []
        assert len(endorsing.by_actor(db, eva, eva)) == 1
        other = adopted(db)
        endorsing.endorse(db, eva, other)
        assert endorsing.endorsers(db, other, Window()) == []
        endorsing.hide(db, account, hidden=False)
        assert [actor.username for _, _, actor in endorsing.endorsers(db, other, Window())] == ["eva"]

    lived_in.write(write)


def test_who_leaves_or_is_shut_out_is_no_longer_counted(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = adopted(db)
        for name in ("eva", "david", "farid"):
            endorsing.endorse(db, one(db, name), post)
        leaving.delete_local(db, one(db, "eva"))
        one(db, "david").suspended_at = posts.now()
        db.flush()
        assert endorsing.count(db, post) == 1
        assert [actor.username for _, _, actor in endorsing.endorsers(db, post, Window())] == ["farid"]
        one(db, "david").suspended_at = None
        db.flush()
        assert endorsing.count(db, post) == 2

    lived_in.write(write)


def test_when_it_is_deleted_nothing_is_left_but_its_number(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = adopted(db)
        endorsing.endorse(db, one(db, "eva"), post)
        removing.delete_post(db, one(db, "birk"), post)
        assert standing(db, post) == []
        assert dogmas.versions(db, post) == []
        left = db.get_one(Dogma, post.id)
        assert (left.number, left.title, left.reason) == (1, "", "")
        with pytest.raises(NotFound):
            dogmas.get(db, post)
        assert dogmas.all_of(db, None, Status.WITHDRAWN) == []

    lived_in.write(write)


# Versions


def test_a_new_version_keeps_the_earlier_one_and_asks_endorsers_to_look_again(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, birk = adopted(db), one(db, "birk")
        for name in ("eva", "farid"):
            endorsing.endorse(db, one(db, name), post)
        endorsing.endorse(db, one(db, "camilla"), post, organization=one(db, "aabakke"))
        proposing.change(db, birk, post, changed(text="Hver erfaring fortælles."), "Kortere.")
        assert (row(db, post).version, post.title) == (2, "Dogme 1: Vi deler også det, der gik galt")
        before, after = dogmas.versions(db, post)
        assert ("**også**" in before.source, after.source, after.note) == (True, "Hver erfaring fortælles.", "Kortere.")
        assert told(db, NotificationKind.DOGMA_VERSION) == ["camilla", "eva", "farid"]
        assert endorsing.count(db, post) == 3  # they still count
        said = threads.read(db, birk, post).comments[post.id]
        assert len(said) == 1
        assert said[0].source.startswith("**Udgave 2** af »Vi deler også det, der gik galt«: Kortere.")
        assert said[0].author_id == birk.id
        endorsing.endorse(db, one(db, "eva"), post)
        endorsing.withdraw(db, one(db, "farid"), post)
        assert standing(db, post) == [("aabakke", "Organization", 1), ("eva", "Person", 2)]
        assert post.up == 2
        likes = select(func.count()).where(Activity.type == "Like", Activity.actor_id == one(db, "eva").id)
        assert db.scalar(likes.where(Activity.post_id == post.id)) == 2  # others hear that it is meant for version 2

    lived_in.write(write)


def test_the_moderators_change_it_too_and_it_goes_out_as_the_authors(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = adopted(db)
        with pytest.raises(Forbidden):
            proposing.change(db, one(db, "eva"), post, changed(text="Andet."), "Nyt.")
        proposing.change(db, one(db, "camilla"), post, changed(text="Andet."), "Nyt.")
        update = select(Activity).where(Activity.type == "Update", Activity.post_id == post.id)
        assert {each.actor_id for each in db.scalars(update)} == {post.author_id}
        assert dogmas.versions(db, post)[-1].by_id == one(db, "camilla").id

    lived_in.write(write)


@pytest.mark.parametrize(
    ("principle", "note", "code"),
    [
        (SHARED, "Intet.", "text_same"),
        (changed(text="Andet."), "", "note_missing"),
        (changed(text="Andet."), "x" * 501, "note_long"),
        (changed(title="Nej"), "Nyt.", "title_missing"),
    ],
)
def test_a_version_that_says_nothing_new_or_not_what_is_refused(
    lived_in: Database, principle: Principle, note: str, code: str
) -> None:
    post_id = lived_in.write(lambda db: adopted(db).id)

    def write(db: Session) -> None:
        proposing.change(db, one(db, "birk"), posts.get(db, post_id), principle, note)

    with pytest.raises(Invalid) as refused:
        lived_in.write(write)
    assert refused.value.code == code
    found = lived_in.write(lambda db: dogmas.versions(db, posts.get(db, post_id)))
    assert [edition.version for edition in found] == [1]


def test_an_app_cannot_edit_it_past_its_versions(lived_in: Database) -> None:
    def write(db: Session) -> None:
        with pytest.raises(Conflict) as refused:
            composing.edit(db, one(db, "birk"), adopted(db), Draft("Noget andet."))
        assert refused.value.code == "dogma_version"

    lived_in.write(write)


# Votes


def over(db: Session, vote: Post) -> None:
    clock.offset += timedelta(days=15).total_seconds()
    assert ballots.end(db, vote.id)


@pytest.mark.parametrize(
    ("pro", "contra", "minimum", "status", "number"),
    [
        (("eva", "david", "anna"), ("farid",), 3, Status.ADOPTED, 1),
        (("eva",), ("farid",), 2, Status.REJECTED, None),  # as many for as against is no majority
        (("eva", "david"), (), 3, Status.PROPOSED, None),
        ((), ("eva", "david", "anna"), 3, Status.REJECTED, None),
    ],
)
def test_the_outcome_of_a_vote_decides_when_enough_took_part(
    lived_in: Database, pro: tuple[str, ...], contra: tuple[str, ...], minimum: int, status: Status, number: int | None
) -> None:
    def write(db: Session) -> None:
        post, camilla = propose(db), one(db, "camilla")
        vote = adopting.open_vote(db, camilla, post, 14, minimum)
        assert vote.object_type == polls.OBJECT_TYPE
        assert vote.thread_id == post.thread_id
        for deed in (adopting.adopt, adopting.reject, adopting.withdraw):
            with pytest.raises(Conflict):
                deed(db, camilla, post, "Nu.")
        for names, position in ((pro, adopting.FOR), (contra, adopting.AGAINST)):
            for name in names:
                ballots.vote(db, one(db, name), vote, [position])
        over(db, vote)
        assert (row(db, post).status, row(db, post).number) == (status, number)
        if status != Status.PROPOSED:
            assert (row(db, post).decided_through, row(db, post).reason) == (
                Through.VOTE, f"{len(pro)} – {len(contra)}",
            )  # fmt: skip
        else:  # and a new vote can be opened
            assert adopting.open_vote(db, camilla, post, 3, 1).id != vote.id

    lived_in.write(write)


def test_only_members_vote_and_who_opened_the_vote_does_not(lived_in: Database) -> None:
    def write(db: Session) -> None:
        from models import follows

        post = propose(db)
        vote = adopting.open_vote(db, one(db, "camilla"), post, 3, 1)
        follows.undo(db, one(db, "eva"), one(db, "udfordrere"))
        with pytest.raises(Forbidden) as refused:
            ballots.vote(db, one(db, "eva"), vote, [0])
        assert refused.value.code == "not_member"
        with pytest.raises(Invalid):
            ballots.vote(db, one(db, "camilla"), vote, [0])
        ballots.vote(db, one(db, "david"), vote, [0])
        with pytest.raises(Invalid):
            ballots.vote(db, one(db, "david"), vote, [1])
        assert [option.votes for option in polls.options(db, vote.id)] == [1, 0]

    lived_in.write(write)


def test_every_member_here_is_told_of_the_vote_once(lived_in: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adopting, "BATCH", 2)

    def write(db: Session) -> None:
        vote = adopting.open_vote(db, one(db, "camilla"), propose(db), 3, 1)
        after = 0
        while adopting.tell(db, vote.id, after):
            after = max(db.scalars(select(jobs.Job).where(jobs.Job.kind == adopting.TELL_JOB)), key=_after).payload[
                "after"
            ]
        assert told(db, NotificationKind.DOGMA_VOTE) == ["anna", "birk", "david", "eva", "farid"]

    lived_in.write(write)


def _after(job: jobs.Job) -> int:
    return int(job.payload["after"])


def test_what_is_voted_on_does_not_change_and_a_deleted_vote_decides_nothing(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, camilla = propose(db), one(db, "camilla")
        vote = adopting.open_vote(db, camilla, post, 3, 1)
        with pytest.raises(Conflict):
            proposing.change(db, one(db, "birk"), post, changed(text="Andet."), "Nyt.")
        with pytest.raises(Conflict):
            composing.edit(db, camilla, vote, Draft("Noget andet?"))
        with pytest.raises(Conflict):
            adopting.open_vote(db, camilla, post, 3, 1)
        removing.delete_post(db, camilla, vote)
        assert row(db, post).vote_id is None
        adopting.adopt(db, camilla, post, "Så gør vi det selv.")

    lived_in.write(write)


@pytest.mark.parametrize(("days", "minimum"), [(5, 3), (3, 0), (3, 10_001)])
def test_a_vote_has_an_end_and_a_minimum(lived_in: Database, days: int, minimum: int) -> None:
    def write(db: Session) -> None:
        post = propose(db)
        with pytest.raises(Invalid):
            adopting.open_vote(db, one(db, "camilla"), post, days, minimum)
        with pytest.raises(Forbidden):
            adopting.open_vote(db, one(db, "birk"), post, 3, 3)
        assert row(db, post).vote_id is None

    lived_in.write(write)


def test_lists_show_what_may_be_seen(lived_in: Database) -> None:
    def write(db: Session) -> None:
        shown, removed, waits = adopted(db), adopted(db), propose(db)
        removed.removed_at, waits.held_for = posts.now(), "words"
        db.flush()
        assert [post.id for post, _ in dogmas.all_of(db, None, Status.ADOPTED)] == [shown.id]
        assert dogmas.all_of(db, None, Status.PROPOSED) == []
        assert dogmas.all_of(db, None, Status.ADOPTED, community_id=one(db, "aabne_data").id) == []
        assert access.may_see(db, one(db, "camilla"), waits)
        with pytest.raises(DomainError):
            adopting.adopt(db, one(db, "camilla"), waits, "Ja.")

    lived_in.write(write)


@given(st.text(max_size=200), st.sampled_from(["da", "en"]), st.sampled_from(sorted(dogmas.NAMES["da"])))
def test_what_a_dogma_says_is_found_in_what_it_is_called(said: str, language: str, form: tuple[Status, bool]) -> None:
    title = " ".join(said.split()) or "x"
    made = Dogma(status=form[0], number=17 if form[1] else None, title=title)
    name = dogmas.name(made, language)
    assert dogmas.statement(name) == title
    assert dogmas.numbered(name) == made.number


def test_a_notice_of_a_version_is_an_update_to_apps() -> None:
    from models import notifications

    assert notifications.client_type(NotificationKind.ENDORSED) == "favourite"
    assert notifications.client_type(NotificationKind.DOGMA_VERSION) == "update"
