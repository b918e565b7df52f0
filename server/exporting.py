"""Making a copy of everything of somebody's: one archive, in forms that other programs read.

    actor.json, outbox.json, likes.json, bookmarks.json        ActivityStreams
    following_accounts.csv, blocked_accounts.csv, …            as Mastodon writes and reads them
    media/                                                     the files

It is written piece by piece, so that memory does not grow with what somebody wrote, into a folder from which nothing is
served but through the one door that asks who wants it.
"""

import csv
import io
import os
import re
import secrets
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.context import Federation
from federation.crossing import in_thread, reading, writing
from federation.vocabulary import CTX, CTX_ACTOR, CTX_PLAIN
from federation.working import Run
from federation.writing import activities, document, dumps, objects, stamp
from federation.writing import actors as writing_actors
from models import (
    account_domains,
    actors,
    anonymity,
    attendance,
    blocks,
    bookmarks,
    calls,
    exports,
    follows,
    lists,
    media,
)
from models.actors import Actor
from models.audience import addressing
from models.base import now
from models.database import Database
from models.exports import State
from models.outbox import Activity
from models.posts import Post
from models.reactions import Vote
from models.windows import Window
from server.media.bucket import EXPORTS, Bucket
from server.media.store import Store
from server.settings import Settings

NAME = re.compile(r"[0-9a-f]{48}\.zip")
BATCH = 200
ALL = Window(limit=100_000)


def folder(settings: Settings) -> Path:
    """Where the copies lie."""
    return settings.data_path / "exports"


def place(settings: Settings, name: str) -> Path | None:
    """Where a copy lies in the folder; None for what is no name of one."""
    return folder(settings) / name if NAME.fullmatch(name) else None


def in_bucket(settings: Settings, name: str) -> tuple[Bucket, str] | None:
    """The bucket and the name under which a copy lies there, whichever machine made it; None without a bucket."""
    bucket = Bucket.of(settings)
    return (bucket, EXPORTS + name) if bucket is not None and NAME.fullmatch(name) else None


def jobs(settings: Settings) -> Mapping[str, Run]:
    """The work on copies that models promise."""

    async def export(fed: Federation, payload: dict[str, Any]) -> None:
        number = int(payload["export"])
        row = await reading(fed.database, lambda db: db.get(exports.Export, number))
        if row is None or row.state == State.READY:
            return
        name = f"{secrets.token_hex(24)}.zip"
        size = await in_thread(lambda: make(fed.database, settings, row.account_id, name))
        if not await writing(fed.database, lambda db: exports.finish(db, number, name, size)):
            await in_thread(lambda: _remove(settings, [name]))

    async def gone(_fed: Federation, payload: dict[str, Any]) -> None:
        await in_thread(lambda: _remove(settings, payload.get("files", ())))

    return {"export": export, "export_gone": gone}


def _remove(settings: Settings, names: Iterable[Any]) -> None:
    for name in names:
        if (file := place(settings, str(name))) is not None:
            file.unlink(missing_ok=True)
        if (there := in_bucket(settings, str(name))) is not None:
            bucket, key = there
            bucket.remove([key])


def make(database: Database, settings: Settings, account_id: int, name: str) -> int:
    """Write the archive of an account under `name`; its size. It is whole and kept for good when this returns."""
    folder(settings).mkdir(parents=True, exist_ok=True, mode=0o700)
    made, kept = folder(settings) / f".{name}", folder(settings) / name
    try:
        with made.open("xb") as file:
            made.chmod(0o600)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                _fill(archive, database, Store.of(settings), account_id)
            file.flush()
            os.fsync(file.fileno())
        size = made.stat().st_size
        there = in_bucket(settings, name)
        if settings.media_store == "s3" and there is not None:
            bucket, key = there
            bucket.put(key, made, "application/zip")
        else:
            made.replace(kept)
    finally:
        made.unlink(missing_ok=True)
    return size


def _fill(archive: zipfile.ZipFile, database: Database, store: Store, account_id: int) -> None:
    with database.reading() as db:
        me = actors.get(db, account_id)
        archive.writestr("actor.json", dumps(document(writing_actors.actor(db, me), CTX_ACTOR)))
        for table, rows in _tables(db, me).items():
            archive.writestr(table, _csv(rows))
        likes = select(Post.uri).join(Vote, Vote.post_id == Post.id).where(Vote.actor_id == me.id, Vote.value > 0)
        archive.writestr("likes.json", _collection("likes.json", list(db.scalars(likes))))
        kept = [post.uri for _, post in bookmarks.page(db, me, ALL)]
        archive.writestr("bookmarks.json", _collection("bookmarks.json", kept))
        files = media.files_of(db, account_id)
    with archive.open("outbox.json", "w") as out:
        begin = dumps({"@context": CTX, "id": "outbox.json", "type": "OrderedCollection"})
        out.write(begin[:-1] + b',"orderedItems":[')
        count = 0
        for item in _items(database, account_id):
            out.write((b"," if count else b"") + dumps(item))
            count += 1
        out.write(b'],"totalItems":%d}' % count)
    for name in files:
        with suppress(FileNotFoundError):
            _add(archive, f"media/{name}", store.read(name))


def _add(archive: zipfile.ZipFile, name: str, pieces: Iterator[bytes]) -> None:
    """Put a file into the archive as it is. Raises FileNotFoundError, before anything is written, if it is not there."""
    first = next(pieces, b"")
    entry = zipfile.ZipInfo(name, date_time=now().timetuple()[:6])
    entry.compress_type = zipfile.ZIP_STORED
    with archive.open(entry, "w") as out:
        out.write(first)
        for piece in pieces:
            out.write(piece)


def _collection(name: str, items: list[str]) -> bytes:
    body = {"id": name, "type": "OrderedCollection", "totalItems": len(items), "orderedItems": items}
    return dumps(document(body, CTX_PLAIN))


def _items(database: Database, account_id: int) -> Iterator[dict[str, Any]]:
    """Everything somebody wrote, what he wrote anonymously, and what he passed on, each oldest first; private things too:
    it is for him alone."""
    written = select(Post).where(Post.author_id == account_id, Post.deleted_at.is_(None)).order_by(Post.id)
    after = 0
    while True:
        with database.reading() as db:
            found = db.scalars(written.where(Post.id > after).limit(BATCH)).all()
            made = [_create(db, post) for post in found]
        yield from made
        if not found:
            break
        after = found[-1].id
    with database.reading() as db:
        made = [_create(db, post) for post in anonymity.posts_of(db, account_id) if post.deleted_at is None]
    yield from made
    announced = select(Activity).where(Activity.actor_id == account_id, Activity.type == "Announce")
    after = 0
    while True:
        with database.reading() as db:
            rows = db.scalars(announced.where(Activity.id > after).order_by(Activity.id).limit(BATCH)).all()
            made = [body for row in rows if (body := activities.activity(db, row)) is not None]
        yield from made
        if not rows:
            return
        after = rows[-1].id


def _create(db: Session, post: Post) -> dict[str, Any]:
    to, cc = addressing(db, post)
    return {
        "id": f"{post.uri}#create",
        "type": "Create",
        "actor": actors.get(db, post.author_id).uri,
        "published": stamp(post.published),
        "to": to,
        "cc": cc,
        "object": objects.post(db, post),
    }


def _csv(rows: Iterable[Iterable[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def _tables(db: Session, me: Actor) -> dict[str, list[list[str]]]:
    """The lists, as Mastodon writes them."""
    followed = [
        [who.handle, _yes(row.show_boosts), _yes(row.notify), ", ".join(row.languages or [])]
        for row, who in follows.all_of(db, me.id)
    ]
    muted = [[who.handle, _yes(row.hide_notifications)] for row, who in blocks.muted(db, me.id, ALL)]
    return {
        "following_accounts.csv": [
            ["Account address", "Show boosts", "Notify on new posts", "Languages"],
            *followed,
        ],
        "blocked_accounts.csv": [[who.handle] for who in blocks.blocked_by(db, me.id)],
        "muted_accounts.csv": [["Account address", "Hide notifications"], *muted],
        "lists.csv": [[row.title, who.handle] for row in lists.mine(db, me.id) for who in lists.all_members(db, row)],
        "bookmarks.csv": [[post.uri] for _, post in bookmarks.page(db, me, ALL)],
        "meetings.csv": [["Meeting", "Title", "Begins", "State", "Signed up"], *_meetings(db, me)],
        "would_come.csv": [
            ["Question", "Title", "Said"],
            *([post.uri, post.title, own.created_at.isoformat()] for post, own in calls.said(db, me)),
        ],
        "blocked_domains.csv": [[row.domain] for row in account_domains.of(db, me.id, ALL)],
    }


def _meetings(db: Session, me: Actor) -> list[list[str]]:
    return [
        [post.uri, post.title, row.starts_at.isoformat(), own.state, own.created_at.isoformat()]
        for post, row, own in attendance.attended(db, me)
    ]


def _yes(value: bool) -> str:
    return "true" if value else "false"
