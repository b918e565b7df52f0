"""More of everything that pages show, for counting what a page asks of the database beside few things and beside many.

Camilla looks: she moderates the node and her community and administers both, and gets what all others do.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    accounts,
    adopting,
    affiliations,
    announcements,
    appeals,
    attending,
    blocks,
    calendars,
    cases,
    communities,
    composing,
    domain_csv,
    domain_lists,
    drafts,
    duplicates,
    endorsing,
    exclusions,
    follows,
    house,
    inbox,
    invitations,
    jobs,
    moderation,
    moving,
    notification_policy,
    oauth,
    organizations,
    peers,
    planning,
    proposing,
    quotes,
    reactions,
    registrations,
    sanctions,
    sharing,
    tag_follows,
    tag_synonyms,
    thread_follows,
    threads,
    twinning,
)
from models.accounts import Role
from models.base import clock, now
from models.domain_csv import Wanted as Rule
from models.domains import DomainAction
from models.drafts import Wanted
from models.experiences import Part, Report
from models.inbox import Received
from models.jobs import Job
from models.meetings import Meeting, Plan, Way
from models.organizations import Facts
from models.polls import PollDraft
from models.posts import Draft, Post
from models.proposing import Principle
from models.sharing import Around
from tests.federation.elsewhere import remote
from tests.server.visiting import person, question
from tests.world import PASSWORD

TAG = "gåhjemmøde"
PLAN = Plan(
    "Fyraftensmøde i haven", "Vi graver.", "1. Kaffe", datetime.fromisoformat("2031-06-02T16:00"),
    datetime.fromisoformat("2031-06-02T18:00"), place="Byhaven", latitude=55.4, longitude=9.8,
)  # fmt: skip


def told(title: str) -> Report:
    """A report of experience."""
    return Report(title, "I korte træk.", {Part.WANTED: "Haver.", Part.HAPPENED: "Det gik."}, {"regler": "Jura."})


@dataclass
class Crowd:
    """What there is of it, and what pages about one thing are asked for by."""

    size: int = 0
    ids: dict[str, int] = field(default_factory=dict)

    def begin(self, db: Session) -> None:
        """What there is one of."""
        camilla, birk = person(db, "camilla"), person(db, "birk")
        accounts.set_role(db, accounts.by_username(db, "camilla"), Role.ADMIN)
        camilla.locked = True
        tag_follows.follow(db, camilla.id, "emne0")
        house.set_rules(db, ["Ingen reklame"])
        sanctions.open_log(db, True, by=camilla)
        held = communities.Ways(held_words=("lotteri",))
        communities.change(db, camilla, person(db, "udfordrere"), name="Udfordrere", summary="", rules=(), ways=held)
        asked = question(db, "Hvordan fik I")
        report = moderation.report(db, person(db, "eva"), target=birk, post_uris=[asked.uri], comment="Reklame")
        assert report is not None
        warned = sanctions.impose(db, birk, "warn", by=camilla, reason="Lad være", report_id=report.id)
        own = threads.ask(db, camilla, person(db, "udfordrere"), Draft("Hvem?", "Hvem har prøvet det her før os?"))
        case = sharing.publish(db, camilla, told("Sådan fik vi gang i en byhave"), Around(person(db, "udfordrere")))
        dogma = proposing.propose(db, camilla, Principle("Vi deler også haverne", "Alle."), person(db, "udfordrere"))
        adopting.adopt(db, camilla, dogma, "Ja.")
        endorsing.endorse(db, camilla, dogma)
        meeting = planning.publish(db, camilla, PLAN, planning.Around(person(db, "udfordrere")))
        begun = db.get_one(Meeting, meeting.id)  # it goes on now: its minutes are being written
        begun.starts_at, begun.ends_at = now() - timedelta(hours=1), now() + timedelta(hours=1)
        proposal = proposing.propose(db, camilla, Principle("Vi spørger haverne", "Alle."), person(db, "udfordrere"))
        self.ids = {
            "dogma": dogma.id, "proposal": proposal.id, "meeting": meeting.id,
            "case": case.id, "question": asked.id, "own": own.id, "person": birk.id, "report": report.id, "sanction": warned.id,
            "draft": drafts.keep(db, camilla.id, Wanted.NOTE, {"text": ["Hej"]}).id,
            "announcement": announcements.announce(db, "Vi lukker tidligt.").id,
            "list": domain_lists.subscribe(db, "https://lister.example/alle.csv", by=camilla).id,
        }  # fmt: skip

    def grow(self, db: Session, number: int) -> None:
        """So many more of each."""
        for at in range(self.size, self.size + number):
            self._people(db, at)
            self._agree(db, at)
            self._talk(db, at)
            self._house(db, at)
        self.size += number

    def _people(self, db: Session, at: int) -> None:
        camilla, group, havby = person(db, "camilla"), person(db, "udfordrere"), person(db, "havby")
        account = accounts.create(db, username=f"ny{at}", email=f"ny{at}@x.example", password=PASSWORD, name=f"Ny {at}")
        accounts.confirm_email(db, account)
        fresh, far = person(db, f"ny{at}"), remote(db, f"h{at}.example", "jonas")
        fresh.topics = ["haver"]
        follows.request(db, fresh, camilla)
        follows.request(db, far, camilla, uri=f"{far.uri}/f")
        accepted = follows.request(db, remote(db, f"h{at}.example", "signe"), camilla, uri=f"{far.uri}/g")
        follows.accept(db, accepted)
        follows.request(db, camilla, fresh)
        follows.request(db, fresh, group)
        follows.request(db, fresh, person(db, "birk"))
        affiliations.request(db, fresh, havby, "citizen", "Jeg bor her")
        waiting = affiliations.request(db, fresh, person(db, "vesterlund"), "citizen", "Også her")
        affiliations.answer(db, camilla, waiting.id, accept=True)
        one = organizations.create(db, camilla, f"org{at}", Facts(f"Kommune {at}"))
        organizations.add_editor(db, camilla, havby, fresh)
        if at < 3:  # nobody belongs to more than a few
            affiliations.request(db, camilla, one, "public-body")
        follows.request(db, person(db, "birk"), communities.create(db, f"emne{at}", f"Emne {at}", creator=camilla))
        communities.add_moderator(db, camilla, group, fresh)
        attending.sign_up(db, fresh, db.get_one(Post, self.ids["meeting"]), Way.WEB)
        attending.sign_up(db, far, planning.publish(db, camilla, PLAN, planning.Around(group)), Way.LIKE)
        if at < calendars.MOST:
            calendars.add(db, camilla, group, f"https://kalender.example/{at}.ics", f"Kalender {at}")
        twin = remote(db, f"h{at}.example", "haver", type="Group")
        twinning.ask(db, camilla, group, twin)
        follows.request(db, remote(db, f"h{at}.example", "veje", type="Group"), group, uri=f"{twin.uri}/f")
        out = remote(db, f"h{at}.example", "ude")
        exclusions.shut_out(db, camilla, group, out, reason="Reklame")
        blocks.block(db, camilla, remote(db, f"h{at}.example", "blokeret"))
        blocks.mute(db, camilla, remote(db, f"h{at}.example", "tavs"))
        if at < moving.MAX_ALIASES:
            moving.add_alias(db, camilla, far)
        policy = registrations.Policy(registrations.Mode.APPROVAL)
        name = f"venter{at}"
        registrations.sign_up(db, policy, username=name, email=f"{name}@x.example", password=PASSWORD, reason="Hej")
        invitations.invite(db, by=camilla.id, email=f"gæst{at}@x.example".replace("æ", "ae"))
        invitations.invite(db, by=camilla.id, organization_id=havby.id, affiliation_class="public-body")

    def _talk(self, db: Session, at: int) -> None:
        camilla, group, fresh = person(db, "camilla"), person(db, "udfordrere"), person(db, f"ny{at}")
        far, asked = remote(db, f"h{at}.example", "jonas"), question(db, "Hvordan fik I")
        said = f"Ved @camilla noget om haver? #{TAG} #emne{at}"
        title = f"Hvordan fik kommunen gang i byhave nummer {at}?"
        fresh_one = threads.ask(db, fresh, group, Draft(said, title, barriers=("regler",)))
        # What nobody is seen to have asked stands in lists by its whole second: this is a new one, so that all see it.
        clock.offset += 1
        unnamed = threads.ask(db, fresh, group, Draft("Hvem?", f"Hvem tør sige nej til nummer {at}?", anonymous=True))
        mine = threads.ask(db, camilla, group, Draft("Nå?", f"Hvorfor er det nu sådan {at}?", anonymous=at % 2 == 0))
        threads.ask(db, fresh, group, Draft("Vind i lotteri", f"Hvem vinder i lotteri {at}?"))
        answer = threads.answer(db, far if at % 2 else fresh, asked, Draft(f"Ja, med haver. #{TAG}"))
        threads.answer(db, camilla, fresh_one, Draft("Ja."))
        threads.answer(db, fresh, mine, Draft("Nej."))
        threads.comment(db, fresh, unnamed, Draft("Det var mig.", anonymous=True))
        comment = threads.comment(db, fresh, answer, Draft("Godt."))
        threads.comment(db, camilla, comment, Draft(f"Enig. #{TAG}"))
        threads.accept(db, fresh, fresh_one, db.scalars(select(Post).where(Post.in_reply_to_id == fresh_one.id)).one())
        reactions.vote(db, fresh, asked)
        reactions.vote(db, fresh, db.get_one(Post, self.ids["own"]))
        reactions.vote(db, camilla, answer)
        reactions.boost(db, fresh, fresh_one)
        poll = PollDraft(("Ja", "Nej"), seconds=3600)
        noted = composing.note(db, fresh, Draft(f"Hvad siger I? #{TAG}", poll=poll))
        composing.note(db, camilla, Draft(f"Jeg lytter. #{TAG}"))
        composing.edit(db, camilla, db.get_one(Post, self.ids["own"]), Draft(f"Rettet {at}", "Hvem har prøvet det?"))
        composing.edit(db, fresh, noted, Draft(f"Hvad siger I så? #{TAG}", poll=None))
        duplicates.mark(db, camilla, unnamed, asked)
        thread_follows.follow(db, camilla.id, fresh_one.id)
        drafts.keep(db, camilla.id, Wanted.QUESTION, {"title": [f"Kladde {at}"]})
        drafts.keep(db, camilla.id, Wanted.REPLY, {"text": [f"Kladde {at}"]}, parent_id=fresh_one.id)
        uri = f"https://h{at}.example/notes/q"
        quotes.answer(db, db.get_one(Post, self.ids["own"]), far, uri, {"id": f"{uri}#ask", "type": "QuoteRequest"})
        policy = {"new_accounts": "filter"}
        notification_policy.choose(db, camilla.id, policy)
        composing.note(db, fresh, Draft(f"Hej @camilla, nummer {at}"))
        notification_policy.choose(db, camilla.id, dict.fromkeys(policy, "accept"))

        case = db.get_one(Post, self.ids["case"])
        around = Around(group, contacts=(fresh,), linked=(fresh_one, case), adapted_from=case)
        sharing.choose_example(
            db, camilla, sharing.publish(db, fresh, told(f"Også vi fik en byhave nummer {at}"), around)
        )
        sharing.follow_up(db, camilla, case, f"Nu er der {at}.", phase="drift", outcome="lykkedes")
        threads.comment(db, fresh, case, Draft("Godt gået."))

    def _agree(self, db: Session, at: int) -> None:
        camilla, fresh, group = person(db, "camilla"), person(db, f"ny{at}"), person(db, "udfordrere")
        dogma = db.get_one(Post, self.ids["dogma"])
        one = proposing.propose(db, fresh, Principle(f"Vi deler have nummer {at}", "Alle."), group if at % 2 else None)
        adopting.adopt(db, camilla, one, "Ja.")
        proposing.propose(db, fresh, Principle(f"Vi graver have nummer {at}", "Alle."), group)
        for stands in (camilla, fresh, remote(db, f"h{at}.example", "jonas")):
            endorsing.endorse(db, stands, one) if stands.local else reactions.vote(
                db, stands, one, uri=f"{stands.uri}/l"
            )
        endorsing.endorse(db, fresh, dogma)
        endorsing.endorse(db, camilla, dogma, organization=person(db, f"org{at}"))
        endorsing.endorse(db, camilla, one, organization=person(db, "havby"))
        proposing.change(db, camilla, dogma, Principle("Vi deler også haverne", f"Alle {at}."), "Flere.")
        report = Around(group, linked=(dogma,))
        sharing.publish(db, fresh, told(f"Sådan delte vi have nummer {at}"), report)

    def _house(self, db: Session, at: int) -> None:
        camilla, fresh, asked = person(db, "camilla"), person(db, f"ny{at}"), question(db, "Hvordan fik I")
        account = accounts.by_username(db, "camilla")
        accounts.start_login(db, account, user_agent=f"Browser {at}")
        oauth.issue_for(db, account, "read", app_name=f"App {at}")
        tag_synonyms.add(db, f"have{at}", f"haver{at // 2}", by=camilla)
        announcements.announce(db, f"Vi holder fest nummer {at}.")
        moderation.set_rule(db, f"ond{at}.example", "block" if at % 2 else "limit", "Spam", by=camilla)
        domain_lists.subscribe(db, f"https://lister.example/{at}.csv", by=camilla)
        domain_lists.took(
            db, self.ids["list"], domain_csv.Table({f"x{n}.example": Rule(DomainAction.BLOCK) for n in range(at + 1)})
        )
        for closed in (False, True):
            report = moderation.report(db, fresh, target=person(db, "birk"), post_uris=[asked.uri], comment=f"Nej {at}")
            assert report is not None
            cases.add_note(db, report.id, "Jeg ser på det.", by=camilla)
            if closed:
                cases.close(db, report.id, "acted", by=camilla)
        cases.add_note(db, self.ids["report"], f"Note {at}", by=camilla)
        row = sanctions.impose(
            db, fresh, "warn", by=person(db, "anna"), reason="Lad være", report_id=self.ids["report"]
        )
        appeals.appeal(db, row, "Det var ikke mig.", account_id=fresh.id)
        sanctions.impose(db, person(db, "birk"), "warn", by=camilla, reason=f"Igen {at}")
        jobs.enqueue(db, "nodeinfo", {"host": "x.example"}, dedupe=f"crowd {at}")
        jobs.fail(db, db.scalars(select(Job.id).where(Job.dedupe == f"crowd {at}")).one(), "gik galt", permanent=True)
        key = f"https://b.example/{at}"
        inbox.store(
            db,
            sender_key=key,
            body="{}",
            body_sha256="x",
            type="Create",
            key_owner=key,
            proof="signed",
            host="b.example",
        )
        inbox.fail(db, db.scalars(select(Received.id).where(Received.sender_key == key)).one(), "nej", permanent=True)
        for _ in range(3):
            peers.failed(db, f"nede{at}.example", "timeout")
