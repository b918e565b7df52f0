"""Shared lists of servers to keep out, subscribed to at an address and read daily.

What a list wants is kept apart from what holds. A list is read at once, but nothing of it holds before an administrator
has seen what it would change and said yes; from then on every reading takes hold. A rule made here always wins; where
lists differ the stricter wins. A list that cannot be read keeps the rules it had. Without the list its rules are gone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Text, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import domains, jobs, moderation, settings, text
from models.actors import Actor
from models.base import Base, Id, UtcTime, new_id, now
from models.database import node_of
from models.domain_csv import Table, Wanted
from models.domains import DomainAction, DomainRule
from models.errors import Conflict, Invalid, NotFound

DAILY = timedelta(days=1)
AFTER_FAILURE = timedelta(hours=6)
MAX_LISTS = 20
BATCH = 400
FILE = "domain_file"
"""Under which a file that was sent in waits."""


class DomainList(Base):
    """One list that is subscribed to."""

    __tablename__ = "domain_lists"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    url: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When an administrator said that its rules shall hold."""
    read_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When it was read last with success."""
    next_at: Mapped[datetime] = mapped_column(UtcTime, default=now, index=True)
    error: Mapped[str] = mapped_column(Text, default="")
    """Why the last try failed; empty when it did not."""
    skipped: Mapped[int] = mapped_column(default=0)
    """Lines of it that are no rules to us."""


class DomainListRule(Base):
    """What a list wants for one domain."""

    __tablename__ = "domain_list_rules"

    domain: Mapped[str] = mapped_column(Text, primary_key=True)
    list_id: Mapped[int] = mapped_column(
        ForeignKey("domain_lists.id"), primary_key=True, autoincrement=False, index=True
    )
    action: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")


@dataclass
class Plan:
    """What wanted rules would change: what comes, what becomes another rule, and where a rule of our own stays."""

    new: dict[str, Wanted] = field(default_factory=dict)
    changed: dict[str, Wanted] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    """The domains that have another rule of our own, with that rule."""
    same: int = 0
    own: bool = False
    """This node itself is among them; that is passed over."""

    @property
    def does_something(self) -> bool:
        """Whether anything would change."""
        return bool(self.new or self.changed)


def plan(db: Session, wanted: Mapping[str, Wanted], *, ours: bool = False) -> Plan:
    """What would come of it, next to the rules there are. `ours`: they would be rules of our own, not a list's."""
    found, known = Plan(), {rule.domain: rule for rule in domains.rules(db)}
    here = _ourselves(db)
    for domain, one in wanted.items():
        rule = known.get(domain)
        if domain in here:
            found.own = True
        elif rule is None:
            found.new[domain] = one
        elif rule.action == one.action:
            found.same += 1
        elif rule.list_id is None:
            found.kept[domain] = rule.action
        elif ours or one.action == DomainAction.BLOCK:
            found.changed[domain] = one
        else:
            found.same += 1
    return found


def keep_file(db: Session, table: Table) -> None:
    """Keep what a file wants until somebody has looked at it; the file before it is forgotten."""
    rows = [[domain, one.action, one.reason] for domain, one in table.rules.items()]
    settings.put(db, FILE, {"id": str(new_id()), "rules": rows, "skipped": table.skipped, "examples": table.examples})


def kept_file(db: Session) -> tuple[str, Table]:
    """The file that waits for a yes, with the name of this very one. Raises NotFound where none does."""
    kept = settings.get(db, FILE)
    if not kept:
        raise NotFound("No file is waiting. Choose it again.")
    rules = {domain: Wanted(DomainAction(action), reason) for domain, action, reason in kept["rules"]}
    return kept["id"], Table(rules, kept["skipped"], kept["examples"])


def forget_file(db: Session) -> None:
    """Nothing comes of it."""
    settings.put(db, FILE, {})


def take_in(db: Session, seen: str, *, by: Actor) -> None:
    """Make what the kept file wants rules of our own; those we have stay as they are. `seen`: the name of the file that
    was looked at. Raises NotFound, or Conflict where it is another by now."""
    name, table = kept_file(db)
    if name != seen:
        raise Conflict("Another file was chosen meanwhile. Look at it again first.")
    known, here, names = {rule.domain: rule for rule in domains.rules(db)}, _ourselves(db), []
    for domain, one in table.rules.items():
        rule = known.get(domain)
        if domain in here or (rule is not None and rule.list_id is None):
            continue
        if rule is None:
            rule = DomainRule(domain=domain, created_at=now())
            db.add(rule)
        rule.action, rule.reason, rule.list_id = one.action, one.reason, None
        names.append(domain)
    db.flush()
    moderation.apply_rules(db, names)
    moderation.audit(db, by.id, "domain.import", "CSV", rules=len(names))
    forget_file(db)


def subscribe(db: Session, url: str, *, by: Actor) -> DomainList:
    """Begin with a list: it is read soon, and holds when it is confirmed. Raises Conflict, also where there are many."""
    if db.scalar(select(DomainList.id).where(DomainList.url == url)) is not None:
        raise Conflict("This list is here already.")
    if (db.scalar(select(func.count()).select_from(DomainList)) or 0) >= MAX_LISTS:
        raise Conflict(f"At most {MAX_LISTS} lists can be followed.")
    row = DomainList(id=new_id(), url=url, created_at=now(), next_at=now() + DAILY, error="", skipped=0)
    db.add(row)
    db.flush()
    moderation.audit(db, by.id, "domain_list.subscribe", url)
    _read_soon(db, row)
    return row


def read_now(db: Session, list_id: int, *, by: Actor) -> None:
    """Read it again at once. Raises NotFound."""
    row = get(db, list_id)
    moderation.audit(db, by.id, "domain_list.read", row.url)
    _read_soon(db, row)


def _read_soon(db: Session, row: DomainList) -> None:
    jobs.enqueue(db, "read_domain_list", {"list": row.id}, dedupe=f"domain list {row.id}")


def promise_due(db: Session, limit: int = 100) -> int:
    """Promise to read the lists whose day is over; how many."""
    due = list(db.scalars(select(DomainList).where(DomainList.next_at <= now()).limit(limit)))
    for row in due:
        row.next_at = now() + DAILY
        _read_soon(db, row)
    db.flush()
    return len(due)


def get(db: Session, list_id: int) -> DomainList:
    """One list; raises NotFound."""
    row = db.get(DomainList, list_id)
    if row is None:
        raise NotFound("There is no such list.")
    return row


def everything(db: Session) -> list[tuple[DomainList, int]]:
    """All lists with how many rules each wants, oldest first; one query."""
    count = select(func.count()).where(DomainListRule.list_id == DomainList.id).scalar_subquery()
    return [(row[0], int(row[1])) for row in db.execute(select(DomainList, count).order_by(DomainList.id))]


def wanted_by(db: Session, list_id: int) -> dict[str, Wanted]:
    """What a list wants, by domain."""
    rows = db.scalars(select(DomainListRule).where(DomainListRule.list_id == list_id).order_by(DomainListRule.domain))
    return {row.domain: Wanted(DomainAction(row.action), row.reason) for row in rows}


def confirm(db: Session, list_id: int, seen: str, *, by: Actor) -> None:
    """From now on its rules hold. `seen`: the `read_at` of what was looked at, as ISO 8601. Raises Conflict where the
    list was read anew since then, or not yet."""
    row = get(db, list_id)
    if row.read_at is None or row.read_at.isoformat() != seen:
        raise Conflict("The list has changed meanwhile. Look at it again first.")
    row.confirmed_at = row.confirmed_at or now()
    db.flush()
    names = list(wanted_by(db, list_id))
    _settle(db, names)
    moderation.audit(db, by.id, "domain_list.confirm", row.url, rules=len(names))


def took(db: Session, list_id: int, table: Table) -> None:
    """The list was read and wants this now. It takes hold if the list is confirmed."""
    row = db.get(DomainList, list_id, with_for_update=True)
    if row is None:
        return
    before = wanted_by(db, list_id)
    row.read_at, row.next_at, row.error, row.skipped = now(), now() + DAILY, "", table.skipped
    changed = [name for name in {*before, *table.rules} if before.get(name) != table.rules.get(name)]
    for start in range(0, len(changed), BATCH):
        some = changed[start : start + BATCH]
        db.execute(delete(DomainListRule).where(DomainListRule.list_id == list_id, DomainListRule.domain.in_(some)))
        fresh = [
            {"domain": name, "list_id": list_id, "action": table.rules[name].action, "reason": table.rules[name].reason}
            for name in some
            if name in table.rules
        ]
        if fresh:
            db.execute(insert(DomainListRule), fresh)
    db.flush()
    if row.confirmed_at is not None and changed:
        _settle(db, changed)
        moderation.audit(db, None, "domain_list.change", row.url, changed=len(changed))


def failed(db: Session, list_id: int, error: str) -> None:
    """It could not be read: its rules stay, and it is tried again in some hours."""
    row = db.get(DomainList, list_id)
    if row is not None:
        row.error, row.next_at = text.one_line(error, 300), now() + AFTER_FAILURE
        db.flush()


def unsubscribe(db: Session, list_id: int, *, by: Actor) -> None:
    """Be without a list: its rules go, unless another list wants them too. Raises NotFound."""
    row = get(db, list_id)
    names = list(wanted_by(db, list_id))
    db.execute(delete(DomainListRule).where(DomainListRule.list_id == list_id))
    _settle(db, names)
    db.delete(row)
    db.flush()
    moderation.audit(db, by.id, "domain_list.unsubscribe", row.url, rules=len(names))


def settle(db: Session, name: str) -> None:
    """Let the lists have their say on a domain about which there is no rule of our own any more."""
    _settle(db, [name])


def _settle(db: Session, names: Collection[str]) -> None:
    """Make the rules about these domains what the confirmed lists want, where there is none of our own."""
    ours, changed = _ourselves(db), []
    wanted = list(names)
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        rules = {rule.domain: rule for rule in db.scalars(select(DomainRule).where(DomainRule.domain.in_(some)))}
        voices = _voices(db, some)
        for name in some:
            rule, voice = rules.get(name), voices.get(name)
            if name in ours or (rule is not None and rule.list_id is None):
                continue
            if voice is None:
                if rule is not None:
                    db.delete(rule)
                    changed.append(name)
                continue
            if rule is None:
                rule = DomainRule(domain=name, created_at=now())
                db.add(rule)
            rule.action, rule.reason, rule.list_id = voice.action, voice.reason, voice.list_id
            changed.append(name)
        db.flush()
    moderation.apply_rules(db, changed)


def _voices(db: Session, names: Collection[str]) -> dict[str, DomainListRule]:
    """For each domain what the strictest of the confirmed lists says, the oldest of several."""
    query = (
        select(DomainListRule)
        .join(DomainList, DomainList.id == DomainListRule.list_id)
        .where(DomainListRule.domain.in_(names), DomainList.confirmed_at.is_not(None))
        .order_by(DomainListRule.list_id)
    )
    found: dict[str, DomainListRule] = {}
    for row in db.scalars(query):
        before = found.get(row.domain)
        if before is None or (before.action != DomainAction.BLOCK and row.action == DomainAction.BLOCK):
            found[row.domain] = row
    return found


def _ourselves(db: Session) -> set[str]:
    """This node's own names and all above them: a rule there would shut us out of our own house."""
    found = set()
    for name in (node_of(db).domain, node_of(db).host):
        try:
            found.update(domains.with_parents(domains.canonical(name)))
        except Invalid:
            continue
    return found
