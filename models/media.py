"""Files that people upload: images, films, sounds. The rows; the files themselves are the server's to keep.

A file is uploaded on its own, worked on, and then attached to a post, by which it becomes a part of what is said: the
post carries a copy of all that its readers need (`snapshot`), so that reading a post never asks this table. What is in
no post is thrown away after a day. Whoever removes a row promises, in the same transaction, to remove its files.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import jobs
from models.base import Base, Id, Json, UtcTime, new_id, now
from models.database import node_of
from models.errors import Conflict, Invalid, NotFound
from models.posts import Post

MAX_FILES = 4
"""Most files of one post."""

MAX_DESCRIPTION = 1500
UNUSED = timedelta(hours=24)
"""How long a file waits to be put into a post."""

REWRITTEN = timedelta(hours=1)
"""How long the files of a deleted post wait to be put into the one that is written instead."""

ATTEMPTS = 3
LEASE = timedelta(minutes=5)
"""For how long whoever works on a file has it to himself."""


class State(StrEnum):
    """How far the work on a file has come."""

    WAITING = "waiting"
    WORKING = "working"
    READY = "ready"
    FAILED = "failed"


class Purpose(StrEnum):
    """What a file is for: a post, one of the two pictures of a profile, or the mark of the node."""

    POST = "post"
    AVATAR = "avatar"
    HEADER = "header"
    LOGO = "logo"


PICTURES = {Purpose.AVATAR: "icon_url", Purpose.HEADER: "image_url"}
"""Where an actor keeps the address of each picture."""


class Media(Base):
    """One uploaded file."""

    __tablename__ = "media"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    """Whose it is; nobody's where its owner left and the post, which he wrote anonymously, stays."""
    purpose: Mapped[str] = mapped_column(Text, default=Purpose.POST.value)
    kind: Mapped[str] = mapped_column(Text)
    """`image`, `gifv` (a film without sound, made from a GIF), `video` or `audio`."""
    state: Mapped[str] = mapped_column(Text, default=State.WAITING.value)
    error: Mapped[str] = mapped_column(Text, default="")
    """Why it failed, in words for who uploaded it."""
    upload: Mapped[str] = mapped_column(Text, default="")
    """Name of the file as it came, until it is worked on."""
    file: Mapped[str] = mapped_column(Text, default="")
    """Name of the file that is shown; made from its content."""
    preview: Mapped[str] = mapped_column(Text, default="")
    media_type: Mapped[str] = mapped_column(Text, default="")
    size: Mapped[int] = mapped_column(default=0)
    """Bytes of the file that is shown."""
    meta: Mapped[Any] = mapped_column(Json, default=dict)
    """{"original": {"width", "height", "duration" (s), "fps", "bitrate"}, "small": {"width", "height"}}"""
    focus_x: Mapped[float] = mapped_column(default=0.0)
    focus_y: Mapped[float] = mapped_column(default=0.0)
    """What a crop must keep: -1 is left or bottom, 1 right or top."""
    blurhash: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    """What it shows, in words, for those who do not see it."""
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    kept_until: Mapped[datetime | None] = mapped_column(UtcTime, index=True)
    """When it is thrown away; never while it is in use."""
    working_until: Mapped[datetime | None] = mapped_column(UtcTime)
    attempts: Mapped[int] = mapped_column(default=0)
    """How often the work was begun: a file that kills whoever works on it must not do so for ever."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass(frozen=True)
class Made:
    """What the work on an upload came to."""

    kind: str
    file: str
    media_type: str
    size: int
    preview: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    blurhash: str = ""

    @property
    def files(self) -> list[str]:
        """The names of all its files."""
        return [name for name in (self.file, self.preview) if name]


@dataclass(frozen=True)
class Thumbnail:
    """A picture that stands for a film or a sound; `file` is the name it is kept under."""

    file: str
    width: int
    height: int
    blurhash: str

    @property
    def files(self) -> list[str]:
        """The names of all its files."""
        return [self.file]


def create(
    db: Session,
    account_id: int,
    kind: str,
    upload: str,
    *,
    id: int | None = None,
    description: str = "",
    focus: tuple[float, float] | None = None,
    thumbnail: Thumbnail | None = None,
    run_at: datetime | None = None,
) -> Media:
    """Keep an upload, and promise the work on it, not before `run_at` where somebody begins at once. Raises Invalid.

    `thumbnail` was made for the row with this `id`.
    """
    row = Media(id=id or new_id(), account_id=account_id, kind=kind, upload=upload, kept_until=now() + UNUSED)
    describe(row, description, focus)
    if thumbnail is not None:
        show_by(db, row, thumbnail)
    db.add(row)
    db.flush()
    jobs.enqueue(db, "media", {"media": row.id}, dedupe=f"media:{row.id}", run_at=run_at)
    return row


def describe(row: Media, description: str | None = None, focus: tuple[float, float] | None = None) -> None:
    """Say what a file shows and where its heart is; None leaves it as it is. Raises Invalid."""
    if description is not None:
        said = description.replace("\x00", "").strip()
        if len(said) > MAX_DESCRIPTION:
            raise Invalid(f"Description has at most {MAX_DESCRIPTION} characters", code="description_long")
        row.description = said
    if focus is not None:
        row.focus_x, row.focus_y = (min(max(value, -1.0), 1.0) for value in focus)


def takes_thumbnail(kind: str) -> None:
    """Raises Invalid for what is its own picture."""
    if kind not in {"video", "audio"}:
        raise Invalid("Validation failed: Thumbnail must be blank", code="thumbnail_unfit")


def show_by(db: Session, row: Media, chosen: Thumbnail) -> None:
    """Let this picture stand for a film or sound instead of the one before, whose file goes. Raises Invalid."""
    takes_thumbnail(row.kind)
    if row.preview and row.preview != chosen.file:
        _drop_files(db, [row.preview])
    row.preview, row.blurhash = chosen.file, chosen.blurhash
    row.meta = {**(row.meta or {}), "small": {"width": chosen.width, "height": chosen.height}}


def begin(db: Session, id: int) -> Media | None:
    """Take an upload to work on; None if it is gone, done, or in other hands."""
    row = db.scalar(select(Media).where(Media.id == id).with_for_update())
    if row is None or row.state not in {State.WAITING, State.WORKING}:
        return None
    if row.state == State.WORKING and row.working_until is not None and row.working_until > now():
        return None
    if row.attempts >= ATTEMPTS:
        fail(db, id, "The file could not be worked on")
        return None
    row.state, row.working_until, row.attempts = State.WORKING.value, now() + LEASE, row.attempts + 1
    db.flush()
    return row


def under_way(db: Session, id: int) -> bool:
    """Whether somebody still has to work on it, or does."""
    row = db.get(Media, id)
    return row is not None and row.state in {State.WAITING, State.WORKING}


def finish(db: Session, id: int, made: Made) -> bool:
    """It is done and can be shown. False if it was removed meanwhile: then its files have to go.

    A thumbnail that was chosen meanwhile stays, and the picture that was made goes.
    """
    row = db.scalar(select(Media).where(Media.id == id).with_for_update())
    if row is None:
        return False
    if row.preview:
        if made.preview and made.preview != row.preview:
            _drop_files(db, [made.preview])
        chosen = {"small": row.meta["small"]}
        made = replace(made, preview=row.preview, blurhash=row.blurhash, meta={**made.meta, **chosen})
    row.kind, row.file, row.preview, row.media_type, row.size = (
        made.kind, made.file, made.preview, made.media_type, made.size,
    )  # fmt: skip
    row.meta, row.blurhash = made.meta, made.blurhash
    row.state, row.error, row.upload, row.working_until = State.READY.value, "", "", None
    db.flush()
    return True


def fail(db: Session, id: int, error: str) -> None:
    """It cannot be shown, and why."""
    row = db.get(Media, id)
    if row is not None and row.state != State.READY:
        row.state, row.error, row.upload, row.working_until = State.FAILED.value, error[:500], "", None
        db.flush()


def release(db: Session, id: int, *, untried: bool = False) -> None:
    """Give an upload back, to be worked on later. `untried`: it was not its fault, and the attempt does not count."""
    row = db.get(Media, id)
    if row is not None and row.state == State.WORKING:
        row.state, row.working_until = State.WAITING.value, None
        row.attempts -= untried
        db.flush()


def mine(db: Session, account_id: int, id: int) -> Media:
    """One's own upload for posts. Raises NotFound, the same for somebody else's and for none."""
    row = db.get(Media, id)
    if row is None or row.account_id != account_id or row.purpose != Purpose.POST:
        raise NotFound("Record not found")
    return row


def several(db: Session, account_id: int, ids: Sequence[int]) -> list[Media]:
    """One's own uploads among these, in their order."""
    query = select(Media).where(Media.id.in_(list(ids)), Media.account_id == account_id, Media.purpose == Purpose.POST)
    found = {row.id: row for row in db.scalars(query)}
    return [found[id] for id in dict.fromkeys(ids) if id in found]


def attach(db: Session, account_id: int, ids: Sequence[int], post: Post) -> None:
    """Make these the files of a post, in this order; files it had and that are not named are let go.

    Raises Invalid for files that are not the author's, stand in another post, or are not ready.
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MAX_FILES:
        raise Invalid(f"Cannot attach more than {MAX_FILES} files", code="files_many")
    query = select(Media).where(Media.account_id == account_id, Media.purpose == Purpose.POST)
    found = {row.id: row for row in db.scalars(query.where(Media.id.in_(wanted)).order_by(Media.id).with_for_update())}
    rows = [found[id] for id in wanted if id in found and found[id].post_id in {None, post.id}]
    if len(rows) < len(wanted):
        raise Invalid("Media not found or already attached to another post", code="file_unknown")
    if any(row.state != State.READY for row in rows):
        raise Invalid("Cannot attach files that have not finished processing. Try again in a moment!", code="file_raw")
    if len(rows) > 1 and any(row.kind in {"video", "audio"} for row in rows):
        raise Invalid("Cannot attach a video to a post that already contains images", code="files_mixed")
    for row in db.scalars(query.where(Media.post_id == post.id, Media.id.not_in(wanted))):
        row.post_id, row.kept_until = None, now() + UNUSED
    for position, row in enumerate(rows):
        row.post_id, row.position, row.kept_until = post.id, position, None
    db.flush()
    show_again(db, post)


def of_post(db: Session, post_id: int) -> list[Media]:
    """The files of a post of this node, in order."""
    return list(db.scalars(select(Media).where(Media.post_id == post_id).order_by(Media.position)))


def show_again(db: Session, post: Post) -> None:
    """Copy into the post what its readers need to know of its files."""
    origin = node_of(db).origin
    post.attachments = [snapshot(row, origin) for row in of_post(db, post.id)]
    db.flush()


def snapshot(row: Media, origin: str) -> dict[str, Any]:
    """A file as its post carries it, see `Post.attachments`."""
    original = row.meta.get("original", {})
    values = {
        "id": row.id,
        "type": "Document",
        "kind": row.kind,
        "url": address(origin, row.file),
        "preview_url": address(origin, row.preview) if row.preview else "",
        "media_type": row.media_type,
        "name": row.description,
        "width": original.get("width"),
        "height": original.get("height"),
        "blurhash": row.blurhash,
        "focus": [row.focus_x, row.focus_y] if (row.focus_x, row.focus_y) != (0.0, 0.0) else None,
        "meta": row.meta,
    }
    return {name: value for name, value in values.items() if value not in ("", None)}


def address(origin: str, name: str) -> str:
    """Where a file is read."""
    return f"{origin}/media/{name}"


def hold(db: Session, account_id: int, ids: Sequence[int], until: datetime) -> None:
    """Keep files that a post will need at a later time."""
    for row in several(db, account_id, ids):
        if row.post_id is None:
            row.kept_until = until + UNUSED
    db.flush()


def delete(db: Session, account_id: int, id: int) -> None:
    """Remove one's own upload. Raises NotFound, or Conflict if it stands in a post."""
    row = mine(db, account_id, id)
    if row.post_id is not None:
        raise Conflict("Media attachment is currently used by a status", code="file_used")
    remove(db, [row])


def remove(db: Session, rows: Sequence[Media]) -> None:
    """Remove rows, and promise to remove their files."""
    files = [name for row in rows for name in (row.file, row.preview) if name]
    uploads = [row.upload for row in rows if row.upload]
    for row in rows:
        db.delete(row)
    _drop_files(db, files, uploads)
    db.flush()


def _drop_files(db: Session, files: Sequence[str], uploads: Sequence[str] = ()) -> None:
    if files or uploads:
        jobs.enqueue(db, "media_gone", {"files": list(files), "uploads": list(uploads)})


def let_go(db: Session, post: Post) -> None:
    """Take the files out of a post that is about to be deleted, so that its author may put them into another."""
    for row in of_post(db, post.id):
        row.post_id, row.kept_until = None, now() + REWRITTEN
    db.flush()


def remove_of_post(db: Session, post: Post) -> None:
    """The files of a post that is being deleted."""
    remove(db, of_post(db, post.id))


def remove_of_account(db: Session, account_id: int) -> None:
    """All files of somebody who leaves."""
    remove(db, list(db.scalars(select(Media).where(Media.account_id == account_id))))


def files_of(db: Session, account_id: int) -> list[str]:
    """The names of all finished files of somebody's, oldest first."""
    query = select(Media.file).where(Media.account_id == account_id, Media.file != "").order_by(Media.id)
    return list(db.scalars(query))


def set_picture(db: Session, account_id: int, purpose: Purpose, made: Made, id: int) -> str:
    """Keep a new picture of a profile instead of the one before; returns its address."""
    forget_picture(db, account_id, purpose)
    row = Media(id=id, account_id=account_id, purpose=purpose.value, kind=made.kind, state=State.READY.value)
    row.file, row.media_type, row.size, row.meta, row.blurhash = (
        made.file, made.media_type, made.size, made.meta, made.blurhash,
    )  # fmt: skip
    db.add(row)
    db.flush()
    return address(node_of(db).origin, made.file)


def forget_picture(db: Session, account_id: int, purpose: Purpose) -> None:
    """Remove a picture of a profile, if there is one."""
    query = select(Media).where(Media.account_id == account_id, Media.purpose == purpose.value)
    remove(db, list(db.scalars(query)))


def sweep(db: Session, limit: int) -> int:
    """Throw away what nobody put into a post; how many."""
    query = select(Media).where(Media.kept_until < now()).order_by(Media.kept_until).limit(limit)
    rows = list(db.scalars(query.with_for_update(skip_locked=True)))
    remove(db, rows)
    return len(rows)
