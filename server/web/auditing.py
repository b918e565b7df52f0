"""The log of what moderators and administrators did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from models import actors, moderation
from models.accounts import Role
from models.actors import Actor
from models.cases import Outcome
from models.moderation import AuditEntry
from server.forms import Form
from server.i18n import later
from server.web.roster import ROLES
from server.web.visits import Visit, own_page

PAGE = 50

ACTIONS = {
    "account.add": later("Made an account"),
    "account.password": later("Set a password"),
    "account.role": later("Changed a role"),
    "account.sign_out": later("Signed somebody out everywhere"),
    "account.token": later("Made an access token"),
    "actor.suspend": later("Suspended an account"),
    "actor.unsuspend": later("Ended a suspension"),
    "affiliation.confirm": later("Confirmed an affiliation"),
    "affiliation.end": later("Ended an affiliation"),
    "affiliation.refuse": later("Refused an affiliation"),
    "announcement.change": later("Changed an announcement"),
    "announcement.make": later("Announced something"),
    "announcement.withdraw": later("Took an announcement back"),
    "calendar.add": later("Added a calendar of others"),
    "calendar.remove": later("Removed a calendar of others"),
    "community.change": later("Changed a community"),
    "community.close": later("Closed a community"),
    "community.create": later("Made a community"),
    "community.hide": later("Hid a thread"),
    "community.moderator": later("Made somebody a moderator of a community"),
    "community.moderator_removed": later("Removed a moderator of a community"),
    "community.open": later("Opened a community again"),
    "community.show": later("Showed a hidden thread again"),
    "community.twin": later("Asked for a twin"),
    "community.twin_answer": later("Answered a twin's request"),
    "community.untwin": later("Ended a twinning"),
    "domain.allow": later("Allowed a server"),
    "domain.allow_list": later("Chose whether only named servers are let in"),
    "domain.block": later("Blocked a server"),
    "domain.drop": later("Lifted a rule about a server"),
    "domain.import": later("Took in a file of rules about servers"),
    "domain.limit": later("Limited a server"),
    "domain_list.change": later("A shared list of servers changed"),
    "domain_list.confirm": later("Put a shared list of servers into force"),
    "domain_list.read": later("Read a shared list of servers again"),
    "domain_list.subscribe": later("Added a shared list of servers"),
    "domain_list.unsubscribe": later("Removed a shared list of servers"),
    "house.change": later("Changed rules and texts"),
    "identity.change": later("Changed name and look"),
    "invitation.make": later("Invited somebody"),
    "invitation.withdraw": later("Took an invitation back"),
    "kle.import": later("Brought the KLE list"),
    "letters.drop": later("Threw away what was given up"),
    "letters.retry": later("Tried again what was given up"),
    "organization.change": later("Changed an organisation"),
    "organization.create": later("Made an organisation"),
    "organization.editor": later("Made somebody an editor of an organisation"),
    "organization.editor_removed": later("Removed an editor of an organisation"),
    "peer.unpark": later("Wrote to a server again"),
    "post.remove": later("Took a post out of a community"),
    "post.restore": later("Put a post back into a community"),
    "question.apart": later("Took two merged questions apart"),
    "question.merge": later("Merged a question into an earlier one"),
    "question.duplicate": later("Marked a question as asked before"),
    "question.no_duplicate": later("Let a question stand for itself again"),
    "registrations": later("Chose who may make an account"),
    "report.close": later("Closed a report"),
    "dogma.adopted": later("Adopted a dogma"),
    "dogma.rejected": later("Rejected a proposed dogma"),
    "dogma.withdrawn": later("Withdrew a dogma"),
    "dogma.vote": later("Opened a vote about a dogma"),
    "report.example": later("Marked a report of experience as a good example"),
    "report.forward": later("Passed a report on to another server"),
    "report.give": later("Gave a report to a moderator"),
    "report.let_go": later("Let go of a report"),
    "report.no_example": later("Took a report of experience out of the good examples"),
    "report.note": later("Wrote a note about a report"),
    "report.reopen": later("Opened a report again"),
    "report.take": later("Took a report on"),
    "sanction.appeal": later("Appealed against a decision"),
    "sanction.impose.warn": later("Warned somebody"),
    "sanction.impose.limit": later("Limited an account"),
    "sanction.impose.suspend": later("Decided to suspend an account"),
    "sanction.impose.remove_post": later("Decided to take a post out of a community"),
    "sanction.impose.hide_post": later("Hid a post"),
    "sanction.impose.delete_post": later("Deleted a post"),
    "sanction.impose.delete": later("Deleted an account"),
    "sanction.impose.ban": later("Shut somebody out of a community"),
    "sanction.end.ban": later("Let somebody into a community again"),
    "sanction.end.delete_post": later("Let the deletion of a post count no more"),
    "sanction.end.warn": later("Took a warning back"),
    "sanction.end.limit": later("Ended a limit"),
    "sanction.end.suspend": later("Decided to end a suspension"),
    "sanction.end.remove_post": later("Decided to put a post back into a community"),
    "sanction.end.hide_post": later("Showed a hidden post again"),
    "appeal.upheld": later("Let a decision stand"),
    "appeal.overturned": later("Overturned a decision"),
    "moderation.log": later("Chose whether everybody can read what moderators have done"),
    "sign_up.approve": later("Let somebody in"),
    "sign_up.refuse": later("Did not let somebody in"),
    "tag.synonym": later("Let a tag mean another"),
    "tag.synonym.drop": later("Let a tag stand for itself again"),
}
"""Every deed that is written down, in words. A test looks for ones that are missing here."""


DETAILS = {
    "reason": later("why"),
    "rule": later("rule"),
    "role": later("role now"),
    "before": later("role before"),
    "outcome": later("outcome"),
    "answer": later("answer"),
    "person": later("person"),
    "moderator": later("moderator"),
    "editor": later("editor"),
    "community": later("community"),
    "twin": later("twin"),
    "organization": later("organisation"),
    "way": later("how"),
    "of": later("the earlier question"),
    "into": later("the earlier question"),
    "to": later("to whom"),
    "server": later("server"),
    "main": later("main name"),
    "app": later("app"),
    "scopes": later("may do"),
    "days": later("days"),
    "domains": later("domains"),
    "rules": later("how many rules"),
    "changed": later("how many changes"),
    "count": later("how many"),
}
"""What else is written down of a deed, in words; the names of what is seldom asked for stay as they are."""

OUTCOMES = {
    Outcome.NOTHING_WRONG: later("Nothing was wrong"),
    Outcome.ACTED: later("Something was done"),
    Outcome.FORWARDED: later("Passed on to others"),
}

MEANINGS: Mapping[str, Mapping[Any, str]] = {"role": ROLES, "before": ROLES, "outcome": OUTCOMES}
"""What the words in these details mean."""

UNSAID = {"sanction"}
"""Numbers that say nothing to a reader."""


@dataclass
class Entry:
    """One deed: who did it (None: the node itself, or its command line), and whom or what it concerns."""

    row: AuditEntry
    who: Actor | None
    known: Mapping[str, Actor] = field(default_factory=dict)
    """The actors that it names, by id."""
    origin: str = ""
    """The node's own, to know its posts by."""

    @property
    def whom(self) -> Actor | None:
        """Whom it concerns, where that is an actor we know."""
        return self.known.get(self.row.subject)

    @property
    def address(self) -> str:
        """Where the report or the post that it concerns is shown; empty for everything else."""
        if self.row.action.startswith("report.") and self.row.subject.isdigit():
            return f"/admin/reports/{self.row.subject}"
        here = self.row.subject.startswith(f"{self.origin}/p/")
        return self.row.subject.removeprefix(self.origin) if here else ""

    @property
    def details(self) -> list[tuple[str, Any, str]]:
        """What else is known of it: its name, the actor or value, and what the value means, as a text of ours."""
        found = []
        for name, value in self.row.detail.items():
            if name in UNSAID or value in ("", None) or value == self.row.subject:
                continue
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            meaning = MEANINGS.get(name, {}).get(value, "") if isinstance(value, str) else ""
            found.append((DETAILS.get(name, name), self.known.get(str(value), shown), meaning))
        return found


def _named(rows: Iterable[AuditEntry]) -> set[str]:
    """Everything in these rows that may be the id of an actor."""
    said = {value for row in rows for value in (row.subject, *row.detail.values()) if isinstance(value, str)}
    return {one for one in said if one.startswith(("https://", "http://"))}


@own_page
async def log(visit: Visit) -> Response:
    """`GET /admin/audit?action=&who=&before=`: who did what and when, newest first."""
    visit.require(Role.ADMIN)
    action = visit.query("action") if visit.query("action") in ACTIONS else ""
    handle = visit.query("who").strip()
    form = Form.filled(who=handle)

    def look(db: Session) -> list[Entry]:
        chosen = actors.find(db, handle) if handle else None
        if handle and chosen is None:
            form.error("who", later("Nobody is called that."))
            return []
        rows = moderation.audit_log(
            db, action=action, actor_id=chosen.id if chosen else None, before=visit.cursor(), limit=PAGE + 1
        )
        people = actors.many(db, [row.actor_id for row in rows if row.actor_id])
        known = {actor.uri: actor for actor in db.scalars(select(Actor).where(Actor.uri.in_(_named(rows))))}
        return [Entry(row, people.get(row.actor_id or 0), known, visit.node.origin) for row in rows]

    found = await visit.read(look)
    return visit.page(
        "admin_audit.html",
        found=found[:PAGE],
        next=found[PAGE - 1].row.id if len(found) > PAGE else None,
        action=action,
        form=form,
        actions=ACTIONS,
        choices=sorted(((key, visit.say(text)) for key, text in ACTIONS.items()), key=lambda one: one[1]),
        tab="audit",
    )
