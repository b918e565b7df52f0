"""Service areas by KLE number, the municipalities' common subject list.

The list's texts are not free, so none come with Torv: an administrator imports the list that the municipality has. Only
numbers leave the node. Without a list any number of the right form will do.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from xml.parsers import expat

from sqlalchemy import Text, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import text
from models.base import Base, Bytewise
from models.errors import Invalid

NUMBER = re.compile(r"[0-9]{2}(?:\.[0-9]{2}(?:\.[0-9]{2})?)?")
"""A main group, a group, or a subject: `05`, `05.04`, `05.04.06`."""

MAX_BYTES = 20_000_000
MAX_ENTRIES = 50_000
MAX_TITLE = 300
FOUND = 10


class KleEntry(Base):
    """One line of the imported list."""

    __tablename__ = "kle_entries"

    number: Mapped[str] = mapped_column(Bytewise, primary_key=True)
    title: Mapped[str] = mapped_column(Text)


def imported(db: Session) -> bool:
    """Whether this node has a list."""
    return db.scalar(select(KleEntry.number).limit(1)) is not None


def title(db: Session, number: str) -> str:
    """What a number is called; empty without a list, or where it is not in it."""
    row = db.get(KleEntry, number) if number else None
    return row.title if row is not None else ""


def titles(db: Session, numbers: Iterable[str]) -> dict[str, str]:
    """The same of several, in one query."""
    wanted = {number for number in numbers if number}
    if not wanted:
        return {}
    return {row.number: row.title for row in db.scalars(select(KleEntry).where(KleEntry.number.in_(wanted)))}


def main_groups(db: Session) -> list[KleEntry]:
    """The main groups of the list, by number."""
    query = select(KleEntry).where(KleEntry.number < ":", ~KleEntry.number.contains("."))
    return list(db.scalars(query.order_by(KleEntry.number)))


def find(db: Session, words: str) -> list[KleEntry]:
    """Lines with these letters in their titles, or numbers that begin so; at most ten."""
    wanted = words.strip()
    if not wanted:
        return []
    query = select(KleEntry).where(
        KleEntry.title.icontains(wanted, autoescape=True) | KleEntry.number.startswith(wanted, autoescape=True)
    )
    return list(db.scalars(query.order_by(KleEntry.number).limit(FOUND)))


def checked(db: Session, number: str) -> str:
    """A number as it may be kept; empty for none. Raises Invalid for what is none, or not in the node's list."""
    number = number.strip()
    if not number:
        return ""
    if not NUMBER.fullmatch(number):
        raise Invalid("A KLE number looks like 05.04.06.", code="kle_form")
    if imported(db) and not title(db, number):
        raise Invalid("That number is not in the KLE list of this server.", code="kle_unknown")
    return number


def replace(db: Session, entries: Mapping[str, str]) -> int:
    """The list from now on; how many lines. Reports keep the numbers they have."""
    db.execute(delete(KleEntry))
    rows = [{"number": number, "title": title} for number, title in entries.items()]
    for start in range(0, len(rows), 1000):
        db.execute(insert(KleEntry), rows[start : start + 1000])
    db.flush()
    return len(rows)


def count(db: Session) -> int:
    """How many lines the list has."""
    return db.scalar(select(func.count()).select_from(KleEntry)) or 0


def read(data: bytes) -> dict[str, str]:
    """A list as KLE publishes it (XML), or a table with a number and a title on each line. Raises Invalid."""
    if len(data) > MAX_BYTES:
        raise Invalid("The file is too large.", code="file_large")
    found = _xml(data) if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _table(data)
    if not found:
        raise Invalid("There is no KLE number with a title in the file.", code="file_empty")
    if len(found) > MAX_ENTRIES:
        raise Invalid(f"The file has more than {MAX_ENTRIES} lines.", code="file_long")
    return dict(sorted(found.items()))


class _Reader:
    """Takes each `…Nr` with the `…Titel` that comes after it, whatever the elements around them are called."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.number = ""
        self.words: list[str] | None = None

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self.words = [] if name.endswith(("Nr", "Titel")) else None

    def text(self, data: str) -> None:
        if self.words is not None:
            self.words.append(data)

    def end(self, name: str) -> None:
        said = text.one_line("".join(self.words or ()), MAX_TITLE)
        if name.endswith("Nr"):
            self.number = said if NUMBER.fullmatch(said) else ""
        elif name.endswith("Titel") and self.number and said:
            self.found.setdefault(self.number, said)
            self.number = ""
        self.words = None


def _refuse(*_about: object) -> None:
    raise Invalid("The file has a document type of its own, which is not read.", code="file_kind")


def _xml(data: bytes) -> dict[str, str]:
    reader, parser = _Reader(), expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise Invalid("The file is no XML that can be read.", code="file_kind") from None
    return reader.found


def _table(data: bytes) -> dict[str, str]:
    try:
        written = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        written = data.decode("cp1252", errors="replace")  # as spreadsheets write it
    first = written.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    found: dict[str, str] = {}
    try:
        for line in csv.reader(io.StringIO(written.replace("\x00", ""), newline=""), delimiter=delimiter):
            cells = [text.one_line(cell, MAX_TITLE) for cell in line]
            number = max((cell for cell in cells if NUMBER.fullmatch(cell)), key=len, default="")
            after = cells[cells.index(number) + 1 :] + cells if number else []
            said = next((cell for cell in after if cell and not NUMBER.fullmatch(cell)), "")
            if number and said:
                found.setdefault(number, said)
    except csv.Error:
        raise Invalid("The file is no table that can be read.", code="file_kind") from None
    return found
