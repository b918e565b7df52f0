"""Organisations, who belongs to them, and what stands at a name."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models import (
    accounts,
    actors,
    affiliations,
    claims,
    invitations,
    leaving,
    moderation,
    notifications,
    organizations,
)
from models.accounts import Account
from models.actors import Actor
from models.affiliations import Affiliation, State
from models.base import clock
from models.claims import Claim
from models.database import Database
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.jobs import Job
from models.organizations import AffiliationClass, Facts, Organization
from models.outbox import Activity
from tests.dumping import dumped
from tests.federation.elsewhere import remote
from tests.world import DAY, days_ago

Do = Callable[[Callable[[Session], Any]], Any]


@pytest.fixture
def do(lived_in: Database) -> Do:
    return lived_in.write


def local(db: Session, name: str) -> Actor:
    found = actors.by_handle(db, name)
    assert found is not None
    return found


def newcomer(db: Session, email: str = "gry@nowhere.example") -> Actor:
    account = accounts.create(db, username="gry", email=email, password="correct horse battery")
    return actors.get(db, account.id)


def told(db: Session, actor: Actor) -> list[str]:
    return [row.kind for row, _, _ in notifications.of(db, actor.id)]


def requested(db: Session) -> Affiliation:
    return affiliations.request(db, newcomer(db), local(db, "havby"), "public-body", "Vej og Park, 3. sal")


def refuses(database: Database, error: type[Exception], work: Callable[[Session], object]) -> None:
    before = dumped(database)
    with pytest.raises(error):
        database.write(work)
    assert dumped(database) == before


def test_an_organisation_is_an_actor_with_an_address_of_its_own(do: Do) -> None:
    facts = Facts("Køge Kommune", municipality_code="0259", cvr="29189374", email_domains=("@KOEGE.dk", "koege.dk"))

    def work(db: Session) -> None:
        made = organizations.create(db, local(db, "anna"), "koege", facts)
        assert (made.uri, made.type) == ("https://a.example/org/koege", "Organization")
        assert organizations.facts_of(db, made).email_domains == ("koege.dk",)
        assert [editor.username for editor in organizations.editors(db, made)] == ["anna"]

    do(work)


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (Facts(" "), "name_missing"),
        (Facts("X", kind="citizen"), "kind_unknown"),
        (Facts("X", website="ftp://x"), "website_form"),
        (Facts("X", municipality_code="9999"), "municipality_code_unknown"),
        (Facts("X", cvr="1234567"), "cvr_form"),
        (Facts("X", email_domains=("not a domain",)), "email_domains_form"),
        (Facts("X", email_domains=tuple(f"{n}.example" for n in range(30))), "email_domains_many"),
    ],
)
def test_an_organisation_that_says_what_cannot_be_is_not_made(lived_in: Database, facts: Facts, code: str) -> None:
    before = dumped(lived_in)
    with pytest.raises(Invalid) as refused:
        lived_in.write(lambda db: organizations.create(db, local(db, "anna"), "x", facts))
    assert refused.value.code == code
    assert dumped(lived_in) == before


def test_only_an_administrator_makes_organisations(lived_in: Database) -> None:
    refuses(
        lived_in, Forbidden, lambda db: organizations.create(db, local(db, "birk"), "x", Facts("Birks egen kommune"))
    )


def test_an_editor_describes_the_organisation_but_not_which_addresses_belong_to_it(do: Do) -> None:
    def work(db: Session) -> None:
        havby = local(db, "havby")
        facts = Facts("Havby", kind="supplier", summary="Ny tekst", cvr="12345678", email_domains=("gmail.example",))
        organizations.change(db, local(db, "birk"), havby, facts)
        assert havby.summary == "<p>Ny tekst</p>"
        found = organizations.get(db, havby)
        assert (found.kind, found.cvr, found.email_domains) == ("public-body", "12345678", ["havby.example"])
        assert local(db, "david").affiliation["name"] == "Havby", "the new name stands at its people's names"

    do(work)


def test_nobody_else_changes_an_organisation_or_its_editors(lived_in: Database) -> None:
    def havby(db: Session) -> Actor:
        return local(db, "havby")

    refuses(lived_in, Forbidden, lambda db: organizations.change(db, local(db, "david"), havby(db), Facts("Davids")))
    refuses(
        lived_in, Forbidden, lambda db: organizations.add_editor(db, local(db, "david"), havby(db), local(db, "david"))
    )
    refuses(
        lived_in, Invalid, lambda db: organizations.add_editor(db, local(db, "birk"), havby(db), local(db, "havby"))
    )
    refuses(
        lived_in,
        Conflict,
        lambda db: organizations.remove_editor(db, local(db, "anna"), havby(db), local(db, "birk").id),
    )


def test_a_confirmed_address_of_the_organisation_confirms_at_once(do: Do) -> None:
    def work(db: Session) -> None:
        gry = newcomer(db, "gry@havby.example")
        db.get_one(Account, gry.id).email_confirmed_at = gry.published
        row = affiliations.request(db, gry, local(db, "havby"), "public-body")
        assert (row.state, row.way) == ("confirmed", "email")
        assert gry.affiliation == {
            "class": "public-body",
            "name": "Havby Kommune",
            "uri": "https://a.example/org/havby",
            "host": "",
        }

    do(work)


def test_an_address_that_is_only_claimed_confirms_nothing_until_it_is_confirmed(do: Do) -> None:
    def work(db: Session) -> None:
        gry = newcomer(db, "gry@havby.example")
        row = affiliations.request(db, gry, local(db, "havby"), "public-body")
        assert (row.state, gry.affiliation) == ("requested", {})
        accounts.confirm_email(db, db.get_one(Account, gry.id))
        assert row.state == "confirmed"
        assert affiliations.class_of(db, gry) == AffiliationClass.PUBLIC_BODY

    do(work)


def test_what_only_an_earlier_address_confirmed_is_looked_at_again(do: Do) -> None:
    def work(db: Session) -> None:
        david = local(db, "david")
        account = db.get_one(Account, david.id)
        account.email = "david@firma.example"
        accounts.confirm_email(db, account)
        ((row, _),) = affiliations.of(db, david.id)
        assert (row.state, david.affiliation) == ("requested", {})
        assert "affiliation_request" in told(db, local(db, "birk"))

    do(work)


def test_an_address_below_or_like_the_domain_is_another(do: Do) -> None:
    def work(db: Session) -> None:
        for number, email in enumerate(("a@x.havby.example", "a@nothavby.example", "havby.example@b.example")):
            account = accounts.create(db, username=f"p{number}", email=email, password="correct horse battery")
            accounts.confirm_email(db, account)
            assert affiliations.of(db, account.id) == []

    do(work)


def test_a_confirmed_address_offers_what_was_not_asked_for_and_shows_it_only_with_consent(do: Do) -> None:
    def work(db: Session) -> None:
        gry = newcomer(db, "gry@havby.example")
        accounts.confirm_email(db, db.get_one(Account, gry.id))
        ((row, _),) = affiliations.of(db, gry.id)
        assert (row.state, gry.affiliation, told(db, gry)) == ("offered", {}, ["affiliation_offer"])
        assert affiliations.member(db, local(db, "havby"), gry.uri) is None
        affiliations.accept_offer(db, gry, row.id)
        assert gry.affiliation["class"] == "public-body"

    do(work)


def test_an_invitation_carries_the_affiliation_and_an_invited_address_counts_as_confirmed(do: Do) -> None:
    def work(db: Session) -> None:
        aabakke = local(db, "aabakke")
        token = invitations.invite(
            db, email="gry@havby.example", organization_id=aabakke.id, affiliation_class="public-body"
        )
        account = invitations.use(
            db, token, username="gry", email="gry@havby.example", password="correct horse battery"
        )
        assert account.email_confirmed_at is not None
        states = {org.username: (row.state, row.way) for row, org in affiliations.of(db, account.id)}
        assert states == {"havby": ("offered", "email"), "aabakke": ("confirmed", "invitation")}

    do(work)


def test_a_request_waits_for_those_who_look_after_the_organisation(do: Do) -> None:
    def work(db: Session) -> None:
        row = requested(db)
        assert row.state == "requested"
        assert "affiliation_request" in told(db, local(db, "birk"))
        assert "affiliation_request" not in told(db, local(db, "eva"))
        ((found, who, whom),) = affiliations.waiting(db, local(db, "havby").id)
        assert (found.id, who.username, whom.username) == (row.id, "gry", "havby")
        affiliations.answer(db, local(db, "birk"), row.id, accept=True)
        assert told(db, who) == ["affiliation_confirmed"]
        assert "affiliation_request" not in told(db, local(db, "birk"))
        assert affiliations.waiting(db) == []

    do(work)


def test_a_moderator_of_the_node_may_answer_too_and_a_refusal_says_why(do: Do) -> None:
    def work(db: Session) -> None:
        row = requested(db)
        affiliations.answer(db, local(db, "camilla"), row.id, accept=False, reason="Vi kender dig ikke.")
        gry = actors.get(db, row.actor_id)
        assert (row.state, row.reason, gry.affiliation) == ("refused", "Vi kender dig ikke.", {})
        assert told(db, gry) == ["affiliation_refused"]
        assert moderation.audit_log(db)[0].action == "affiliation.refuse"
        again = affiliations.request(db, gry, local(db, "havby"), "citizen")
        assert (again.id, again.state, again.reason) == (row.id, "requested", "")

    do(work)


def test_a_request_is_refused_and_changes_nothing(lived_in: Database) -> None:
    def ask(username: str, organization: str, kind: str, note: str = "") -> Callable[[Session], object]:
        return lambda db: affiliations.request(db, local(db, username), local(db, organization), kind, note)

    refuses(lived_in, Invalid, ask("birk", "vesterlund", "supplier"))
    refuses(lived_in, Invalid, ask("birk", "vesterlund", "king"))
    refuses(lived_in, Invalid, ask("birk", "vesterlund", "citizen", "x" * 501))
    refuses(lived_in, Conflict, ask("birk", "havby", "citizen"))
    refuses(lived_in, NotFound, ask("birk", "udfordrere", "public-body"))
    refuses(lived_in, Invalid, ask("havby", "vesterlund", "citizen"))


def test_only_those_who_may_decide_and_only_once(lived_in: Database) -> None:
    number = lived_in.write(requested).id

    def answer(who: str, reason: str, row_id: int = number) -> Callable[[Session], object]:
        return lambda db: affiliations.answer(db, local(db, who), row_id, accept=False, reason=reason)

    refuses(lived_in, Forbidden, answer("david", "Nej"))
    refuses(lived_in, Forbidden, answer("eva", "Nej"))
    refuses(lived_in, Invalid, answer("birk", "  "))
    refuses(lived_in, NotFound, answer("birk", "Nej", 17))
    refuses(lived_in, NotFound, lambda db: affiliations.accept_offer(db, local(db, "gry"), number))
    refuses(lived_in, NotFound, lambda db: affiliations.leave(db, local(db, "david"), number))
    refuses(lived_in, NotFound, lambda db: affiliations.end(db, local(db, "birk"), number, "Nej"))


def test_what_is_ended_by_either_side_is_shown_no_longer_and_the_world_is_told(do: Do) -> None:
    def work(db: Session) -> None:
        havby, birk, david = local(db, "havby"), local(db, "birk"), local(db, "david")
        updates = select(func.count()).select_from(Activity).where(Activity.type == "Update")
        before = db.scalar(updates) or 0
        ((mine, _),) = affiliations.of(db, birk.id)
        affiliations.leave(db, birk, mine.id)
        ((his, _),) = affiliations.of(db, david.id)
        affiliations.end(db, birk, his.id, "Er rejst.")
        assert (birk.affiliation, david.affiliation) == ({}, {})
        assert affiliations.members(db, havby) == []
        assert affiliations.member(db, havby, david.uri) is None
        assert db.scalar(updates) == before + 2
        assert (his.state, affiliations.class_of(db, david)) == (State.REFUSED, None)

    do(work)


def test_a_suppliers_tie_is_never_hidden_behind_another(do: Do) -> None:
    def work(db: Session) -> None:
        anna, eva = local(db, "anna"), local(db, "eva")
        firm = organizations.create(db, anna, "raadgiver", Facts("Rådgiver ApS", kind="supplier"))
        row = affiliations.request(db, eva, firm, "supplier")
        affiliations.answer(db, anna, row.id, accept=True)
        assert affiliations.class_of(db, eva) == AffiliationClass.SUPPLIER
        assert affiliations.classes_of(db, eva) == {"supplier", "public-body"}
        actors.suspend(db, firm)
        assert affiliations.classes_of(db, eva) == {"public-body"}

    do(work)


def test_nobody_belongs_to_more_than_five_organisations(lived_in: Database) -> None:
    def fill(db: Session) -> None:
        for number in range(4):
            org = organizations.create(db, local(db, "anna"), f"org{number}", Facts(f"Org {number}"))
            affiliations.request(db, local(db, "birk"), org, "citizen")

    lived_in.write(fill)
    refuses(lived_in, Conflict, lambda db: affiliations.request(db, local(db, "birk"), local(db, "aabakke"), "citizen"))


def test_who_leaves_the_node_belongs_nowhere(do: Do) -> None:
    def work(db: Session) -> None:
        birk = local(db, "birk")
        leaving.delete_local(db, birk)
        assert (birk.affiliation, affiliations.of(db, birk.id)) == ({}, [])
        assert birk.role == birk.municipality == ""
        assert birk.topics == []

    do(work)


CLAIM = Claim("https://m.example/org/malmo", "public-body")
CLAIMS = {"affiliation": [{"organization": CLAIM.organization, "class": CLAIM.affiliation_class}]}


def stranger(db: Session) -> Actor:
    return remote(db, "m.example", "tove", extra=CLAIMS)


def confirmed_stranger(db: Session) -> Actor:
    tove = stranger(db)
    malmo = remote(db, "m.example", "malmo", type="Organization")
    claims.record_checked(db, tove, {CLAIM: malmo.id})
    return tove


def test_what_somebody_elsewhere_claims_is_looked_into_and_not_believed(do: Do) -> None:
    def work(db: Session) -> None:
        tove = stranger(db)
        assert (tove.affiliation, affiliations.class_of(db, tove)) == ({}, None)
        (job,) = db.scalars(select(Job).where(Job.kind == "check_affiliations"))
        assert job.payload == {"actor": tove.id}

    do(work)


def test_what_was_confirmed_elsewhere_is_shown_with_the_server(do: Do) -> None:
    def work(db: Session) -> None:
        tove = confirmed_stranger(db)
        assert tove.affiliation["host"] == "m.example"
        assert affiliations.class_of(db, tove) == AffiliationClass.PUBLIC_BODY

    do(work)


def test_what_is_no_longer_claimed_is_no_longer_shown_without_asking_anybody(do: Do) -> None:
    def work(db: Session) -> None:
        confirmed_stranger(db)
        tove = remote(db, "m.example", "tove", extra={})
        assert (tove.affiliation, affiliations.of(db, tove.id)) == ({}, [])

    do(work)


def test_another_class_than_the_confirmed_one_is_not_shown(do: Do) -> None:
    def work(db: Session) -> None:
        confirmed_stranger(db)
        claim = {"organization": CLAIM.organization, "class": "association"}
        tove = remote(db, "m.example", "tove", extra={"affiliation": [claim]})
        assert tove.affiliation == {}

    do(work)


def test_an_old_answer_is_asked_for_again_and_one_of_last_week_is_not_believed(do: Do) -> None:
    def work(db: Session) -> None:
        with days_ago(2):
            tove = confirmed_stranger(db)
        db.execute(delete(Job))
        assert affiliations.sweep(db, 100) == 1
        assert tove.affiliation != {}
        clock.offset += 6 * DAY
        assert affiliations.classes_of(db, tove) == frozenset()
        affiliations.sweep(db, 100)
        assert tove.affiliation == {}

    do(work)


def test_every_organisation_of_the_world_has_its_row(do: Do) -> None:
    def work(db: Session) -> None:
        names = {actor.username for _, actor in organizations.all_local(db)}
        assert names == {"aabakke", "havby", "vesterlund"}
        assert db.scalar(select(func.count()).select_from(Organization)) == 3

    do(work)
