"""Rules about other servers as a table, in the form Mastodon writes and reads:

    #domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate
    reklame.example,suspend,False,False,Spam,False

`suspend` is our block and `silence` our limit. A rule of ours has no halves, so the columns about media and reports are
written as Mastodon's own default and not read; a line that says `noop` is no rule of ours.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field

from models import csv_text, text
from models.domains import DomainAction, DomainRule, canonical
from models.errors import Invalid

COLUMNS = ("#domain", "#severity", "#reject_media", "#reject_reports", "#public_comment", "#obfuscate")
SEVERITIES = {"suspend": DomainAction.BLOCK, "silence": DomainAction.LIMIT}
WRITTEN = {action: severity for severity, action in SEVERITIES.items()}
MAX_LINES = 20_000
MAX_REASON = 500
SKIPPED_KEPT = 20
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Wanted:
    """What a table wants for one domain and all below it."""

    action: DomainAction
    reason: str = ""


@dataclass
class Table:
    """A table that was read: what it wants by domain, in its order, and how many lines are no rules to us."""

    rules: dict[str, Wanted] = field(default_factory=dict)
    skipped: int = 0
    examples: list[str] = field(default_factory=list)
    """The first of those lines' domains, as they were written."""


def read(data: bytes) -> Table:
    """A table in UTF-8. Of two lines about a domain the stricter holds. Raises Invalid for what is no such table."""
    lines = csv_text.lines(data)
    heading = [cell.lower().lstrip("#") for cell in lines.pop(0)] if lines else []
    if "domain" not in heading:
        raise Invalid("The file is not a list of servers in Mastodon's format.", code="file_kind")
    if len(lines) > MAX_LINES:
        raise Invalid(f"The file has more than {MAX_LINES} lines. Split it.", code="file_long")
    table = Table()
    for line in lines:
        _take(table, dict(zip(heading, line, strict=False)))
    if not table.rules:
        raise Invalid("There is no rule in the file.", code="file_empty")
    return table


def _take(table: Table, line: dict[str, str]) -> None:
    name = line["domain"]
    # Mastodon's oldest tables have no column for it: every line is a block.
    action = SEVERITIES.get(line.get("severity", "suspend").lower())
    try:
        domain = canonical(name)
    except Invalid:
        action = None
    if action is None or "." not in domain:
        table.skipped += 1
        if len(table.examples) < SKIPPED_KEPT:
            table.examples.append(text.one_line(name, 100))
        return
    before = table.rules.get(domain)
    if before is None or (before.action == DomainAction.LIMIT and action == DomainAction.BLOCK):
        table.rules[domain] = Wanted(action, text.one_line(line.get("public_comment", ""), MAX_REASON))


def write(rules: Iterable[DomainRule]) -> str:
    """The blocks and limits among these rules as a table; reading it again gives the same rules."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for rule in rules:
        if rule.action in WRITTEN:
            table.writerow((rule.domain, WRITTEN[DomainAction(rule.action)], False, False, _safe(rule.reason), False))
    return out.getvalue()


def _safe(reason: str) -> str:
    """A reason that no spreadsheet takes for a formula."""
    return f" {reason}" if reason.startswith(_FORMULA) else reason
