"""What the reader of calendar files hands on: a module of its own, so that a node which serves does not load the reader."""

from datetime import datetime

import msgspec


class Occurrence(msgspec.Struct, frozen=True):
    """Something that takes place once. Times are UTC."""

    key: str
    """The same however often the file is read: the event's UID, and for one of several also when it was planned."""
    begins: datetime
    ends: datetime
    zone: str
    """The IANA name; empty where the file has one that is none."""
    title: str
    all_day: bool = False
    text: str = ""
    place: str = ""
    latitude: float | None = None
    longitude: float | None = None
    url: str = ""
    cancelled: bool = False


class Read(msgspec.Struct, frozen=True):
    """What a file says."""

    name: str
    occurrences: list[Occurrence]
    skipped: int
    """Events that are none to us: without a title or a time, private, or repeating within a day."""
    full: bool = False
    """Whether there was more than is taken from a file."""
