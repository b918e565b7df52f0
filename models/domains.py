"""Rules about other domains: whom this node talks to. A rule holds for the domain and everything below it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import ForeignKey, Text, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import quick, settings
from models.base import Base, UtcTime, now, table_of
from models.errors import Invalid


class DomainAction(StrEnum):
    """`block`: nothing in or out. `limit`: only those who follow see it. `allow`: named in allow-list mode."""

    BLOCK = "block"
    LIMIT = "limit"
    ALLOW = "allow"


class DomainRule(Base):
    """What holds for a domain and everything below it."""

    __tablename__ = "domain_rules"

    domain: Mapped[str] = mapped_column(Text, primary_key=True)
    """Lower case A-label form, no port, no trailing dot."""
    action: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    list_id: Mapped[int | None] = mapped_column(ForeignKey("domain_lists.id"))
    """The shared list that wants it; null for a rule of our own, which no list changes."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@lru_cache(maxsize=4096)
def canonical(domain: str) -> str:
    """A domain in the one form rules are kept and compared in: A-labels, lower case, no port, no trailing dot.

    Raises Invalid for what is no domain.
    """
    name = domain.strip().lower().rstrip(".")
    if name.startswith("["):
        raise Invalid("An address is not a domain.", code="domain_form")
    name, colon, port = name.partition(":")
    if colon and not (port.isascii() and port.isdigit()):
        raise Invalid("This is not a domain name.", code="domain_form")  # an address with its scheme, most likely
    name = name.rstrip(".")
    try:
        name = name.encode("ascii").decode() if name.isascii() else idna_name(name)
    except UnicodeError as error:
        raise Invalid("This is not a domain name.", code="domain_form") from error
    labels = name.split(".")
    if (
        not name
        or len(name) > 253
        or any(not 0 < len(x) <= 63 or set(x) - ALLOWED or x.startswith("-") for x in labels)
    ):
        raise Invalid("This is not a domain name.", code="domain_form")
    return name


ALLOWED = set("abcdefghijklmnopqrstuvwxyz0123456789-_")


def idna_name(name: str) -> str:
    """Unicode labels as A-labels (IDNA 2008, with the usual mapping)."""
    import idna

    return idna.encode(name, uts46=True).decode()


def with_parents(host: str) -> list[str]:
    """A domain and all above it, itself first."""
    labels = host.split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]


@dataclass(frozen=True)
class Rules:
    """Rules as they stood at one moment, by domain; in allow-list mode the unknown is blocked."""

    actions: Mapping[str, str]
    allow_list: bool

    def rule_for(self, host: str) -> DomainAction | None:
        """What holds for a host: the nearest rule of it or its parents."""
        try:
            names = with_parents(canonical(host))
        except Invalid:
            return DomainAction.BLOCK
        for name in names:
            if name in self.actions:
                return DomainAction(self.actions[name])
        return DomainAction.BLOCK if self.allow_list else None


def all_rules(db: Session) -> Rules:
    """All rules at once, for who asks about many hosts."""
    rows = db.execute(select(DomainRule.domain, DomainRule.action))
    return Rules({row.domain: row.action for row in rows}, settings.get(db, "allow_list", False))


def rule_for(db: Session, host: str) -> DomainAction | None:
    """What holds for a host: the nearest rule of it or its parents; in allow-list mode the unknown is blocked."""
    return rules_for(db, [host])[host]


def rules_for(db: Session, hosts: Iterable[str]) -> dict[str, DomainAction | None]:
    """`rule_for` of several hosts, asked in one go."""
    names: dict[str, list[str]] = {}
    found: dict[str, DomainAction | None] = {}
    for host in hosts:
        try:
            names[host] = with_parents(canonical(host))
        except Invalid:
            found[host] = DomainAction.BLOCK
    wanted = {name for several in names.values() for name in several}
    rules = {row[0]: DomainAction(row[1]) for row in quick.rows(db, _RULES, {"names": list(wanted)})} if wanted else {}
    for host, several in names.items():
        found[host] = next((rules[name] for name in several if name in rules), None)
    if None in found.values() and settings.get(db, "allow_list", False):
        return {host: DomainAction.BLOCK if rule is None else rule for host, rule in found.items()}
    return found


_rules = table_of(DomainRule).c
_RULES = select(_rules.domain, _rules.action).where(_rules.domain.in_(bindparam("names", expanding=True)))


def is_blocked(db: Session, host: str) -> bool:
    """Whether nothing may come from or go to this host."""
    return rule_for(db, host) == DomainAction.BLOCK


def blocked_among(db: Session, hosts: Iterable[str]) -> set[str]:
    """`is_blocked` for several hosts, in one go."""
    return {host for host, rule in rules_for(db, hosts).items() if rule == DomainAction.BLOCK}


def standing(db: Session, host: str) -> str:
    """What the rules make of an actor there: empty, `limited` or `blocked`."""
    return standing_by(rule_for(db, host))


def standing_by(rule: DomainAction | None) -> str:
    """`standing` where the rule is known."""
    match rule:
        case DomainAction.BLOCK:
            return "blocked"
        case DomainAction.LIMIT:
            return "limited"
        case _:
            return ""


def rules(db: Session) -> list[DomainRule]:
    """All rules, by domain."""
    return list(db.scalars(select(DomainRule).order_by(DomainRule.domain)))
