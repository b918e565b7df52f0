"""Lists that somebody brings along from another server: whom he follows, blocks and mutes, his lists, his bookmarks and
the servers he blocks, as Mastodon writes them (and `server/exporting.py`).

    follows     Account address,Show boosts,Notify on new posts,Languages
    blocks      one address a line, without a heading
    mutes       Account address,Hide notifications
    lists       the list's name and an address a line, without a heading
    bookmarks   the id of a post a line, without a heading
    domains     a server a line; with or without the heading `#domain`

A job takes them in one by one, because most have to be looked up at their own servers first. How far it has come stands
in the row, written together with the deed, so that it can die anywhere and goes on where it was.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import (
    access,
    account_domains,
    actors,
    blocks,
    bookmarks,
    csv_text,
    follows,
    jobs,
    lists,
    notifications,
    text,
)
from models.actors import Actor
from models.base import Base, Id, Json, UtcTime, new_id, now
from models.errors import Conflict, DomainError, Invalid, NotFound
from models.follows import Wishes
from models.notifications import NotificationKind
from models.posts import Post

MAX_ROWS = 5_000
MAX_ERRORS = 200
KEPT = 10
"""How many imports of one account are remembered."""

ADDRESS = re.compile(r"@?([^\s@,;\"'<>/]{1,100}@[^\s@,;\"'<>/]{1,253})")


class ImportKind(StrEnum):
    """What a list is of."""

    FOLLOWS = "follows"
    BLOCKS = "blocks"
    MUTES = "mutes"
    LISTS = "lists"
    BOOKMARKS = "bookmarks"
    DOMAINS = "domains"


HEADINGS = {"account address", "list name", "#domain", "#uri"}
"""How the first line begins where it is a heading."""


class Import(Base):
    """One list, and how far it was taken in."""

    __tablename__ = "imports"
    __table_args__ = (Index("ix_imports_account_id_id", "account_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str] = mapped_column(Text)
    rows: Mapped[Any] = mapped_column(Json, default=list)
    """[{"address" (of a person, a post, a server), and what else the file says}]; emptied at the end."""
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    errors: Mapped[Any] = mapped_column(Json, default=list)
    """[[address, why not]], the first 200."""
    failed: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)


def read(kind: str, data: bytes) -> list[dict[str, Any]]:
    """The rows of a file. Raises Invalid if it is too large, no text, has too many rows, or none that is an address."""
    lines = [line for line in csv_text.lines(data) if line[0]]
    heading = [cell.lower() for cell in lines.pop(0)] if lines and lines[0][0].lower() in HEADINGS else []
    rows = [_row(kind, dict(zip(heading, line, strict=False)), line) for line in lines]
    if len(rows) > MAX_ROWS:
        raise Invalid(f"The file has more than {MAX_ROWS} lines. Split it.", code="file_long")
    if not any(_fits(kind, row["address"]) for row in rows):
        raise Invalid("There is no address in the file. It should be a list in Mastodon's format.", code="file_empty")
    return rows


def _fits(kind: str, address: str) -> bool:
    if kind == ImportKind.BOOKMARKS:
        return address.startswith(("https://", "http://"))
    if kind == ImportKind.DOMAINS:
        return "." in address and "@" not in address and "/" not in address
    return ADDRESS.fullmatch(address) is not None


def _row(kind: str, said: dict[str, str], line: list[str]) -> dict[str, Any]:
    if kind == ImportKind.LISTS:
        address = line[1] if len(line) > 1 else ""
        return {"address": text.one_line(address, 360), "list": text.one_line(line[0], lists.MAX_TITLE)}
    row: dict[str, Any] = {"address": text.one_line(line[0], 2000 if kind == ImportKind.BOOKMARKS else 360)}
    if kind == ImportKind.FOLLOWS:
        languages = [word.strip().lower() for word in said.get("languages", "").split(",")]
        row["boosts"] = said.get("show boosts", "true").lower() != "false"
        row["notify"] = said.get("notify on new posts", "false").lower() == "true"
        row["languages"] = [word for word in languages if re.fullmatch(r"[a-z]{2,3}", word)][:20]
    if kind == ImportKind.MUTES:
        row["notices"] = said.get("hide notifications", "true").lower() != "false"
    return row


def start(db: Session, account_id: int, kind: str, rows: list[dict[str, Any]]) -> Import:
    """Begin to take a list in. Raises Invalid, or Conflict while another one is under way."""
    if kind not in set(ImportKind):
        raise Invalid("Choose one of these.", code="kind_unknown")
    before = of(db, account_id)
    if any(row.finished_at is None for row in before):
        raise Conflict("Another list is being taken in. Wait until it is done.", code="file_busy")
    for row in before[KEPT - 1 :]:
        db.delete(row)
    row = Import(id=new_id(), account_id=account_id, kind=kind, rows=rows, total=len(rows), errors=[])
    row.done, row.failed, row.created_at = 0, 0, now()
    db.add(row)
    db.flush()
    jobs.enqueue(db, "import", {"import": row.id}, dedupe=f"import:{row.id}")
    return row


def of(db: Session, account_id: int) -> list[Import]:
    """What somebody brought along, newest first."""
    query = select(Import).where(Import.account_id == account_id).order_by(Import.id.desc())
    return list(db.scalars(query))


def upcoming(db: Session, import_id: int) -> tuple[str, int, dict[str, Any]] | None:
    """What the list is of, the number and the content of the row that is next; None at the end."""
    row = db.get(Import, import_id)
    if row is None or row.finished_at is not None or row.done >= len(row.rows):
        return None
    return row.kind, row.done, row.rows[row.done]


def take(db: Session, import_id: int, number: int, found: Actor | Post | str | None, why: str = "") -> None:
    """Do what row `number` says about `found` (a person, a post, or the server's name), or note `why` nothing was found;
    and go one row on.

    Nothing happens if that row was done already.
    """
    row = db.get(Import, import_id)
    if row is None or row.finished_at is not None or row.done != number:
        return
    wanted = row.rows[number]
    if found is not None:
        try:
            with db.begin_nested():
                _do(db, row, found, wanted)
        except DomainError as error:
            why = error.text
    if why:
        row.failed += 1
        row.errors = [*row.errors, [wanted["address"], why]][:MAX_ERRORS]
    row.done = number + 1
    db.flush()


def _do(db: Session, row: Import, found: Actor | Post | str, wanted: dict[str, Any]) -> None:
    me = actors.get(db, row.account_id)
    if isinstance(found, Post):
        bookmarks.add(db, me.id, access.access_post(db, me, found.id))
        return
    if isinstance(found, str):
        account_domains.block(db, me, found)
        return
    target = actors.get(db, found.id)
    if not target.active:
        raise NotFound("There is no such account.")
    if row.kind == ImportKind.FOLLOWS:
        wishes = Wishes(wanted["boosts"], wanted["notify"], wanted["languages"])
        follows.request(db, me, target, wishes=wishes)
    elif row.kind == ImportKind.LISTS:
        _put_on_list(db, me, target, wanted["list"])
    elif row.kind == ImportKind.BLOCKS:
        blocks.block(db, me, target)
    else:
        blocks.mute(db, me, target, hide_notifications=wanted["notices"])


def _put_on_list(db: Session, me: Actor, target: Actor, title: str) -> None:
    """On the list of that name, which is made where there is none; who is on a list is followed, as Mastodon has it."""
    if target.id != me.id and follows.find(db, me.id, target.id) is None:
        follows.request(db, me, target)
    mine = next((one for one in lists.mine(db, me.id) if one.title == title), None) or lists.create(db, me.id, title)
    if target.id not in {one.id for one in lists.all_members(db, mine)}:
        lists.add(db, mine, [target.id])


def finish(db: Session, import_id: int) -> None:
    """All rows are done: the list itself is forgotten, and its owner is told."""
    row = db.get(Import, import_id)
    if row is None or row.finished_at is not None:
        return
    row.rows, row.finished_at = [], now()
    db.flush()
    notifications.notify(db, row.account_id, NotificationKind.IMPORT, actors.node_actor(db), subject=str(row.id))
