"""Where files are kept: the folder `data_dir/media`, in small folders by the first letters of their names, or a bucket.

A file stands whole under its name or not at all: in the folder it is written beside, forced to the disk and then
renamed. Its name is the hash of its content and of the row it belongs to, so that a file of one row never takes the
place, or goes with the removal, of another's, and nobody can guess a name from a content he knows.

With a bucket (`media_store`) the folder holds only what is being worked on here, and files of other servers, which can
be fetched again; so machines need no folder in common. What is not where new files go is looked for in the other
place, so that a node serves all its files while `torv media move` is under way.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from models.base import now
from server.media import bucket as buckets
from server.media.bucket import Bucket
from server.media.kinds import MEDIA_TYPES
from server.settings import Settings

NAME = re.compile(r"[0-9a-f]{64}\.(?:" + "|".join(sorted(MEDIA_TYPES)) + ")")
"""Every name of a kept file; whatever else is asked for is not here, however it is written."""

UPLOAD = re.compile(r"[0-9a-f]{32}")
BLOCK = 1 << 20
UNUSED_UPLOAD = timedelta(days=2)
"""After this what is left of uploads belongs to nobody."""


@dataclass(frozen=True)
class Store:
    """Where files are kept. `shared`: new ones go into the bucket."""

    folder: Path
    bucket: Bucket | None = None
    shared: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Store":
        """The store of a node."""
        return cls(settings.data_path / "media", Bucket.of(settings), settings.media_store == "s3")

    @property
    def uploads(self) -> Path:
        """The folder of what is not worked on yet."""
        return self.folder / "uploads"

    @property
    def remote(self) -> Path:
        """The folder of files of other servers, which can be fetched again."""
        return self.folder / "remote"

    def path(self, name: str) -> Path | None:
        """Where a file lies in the folder; None for what is no name."""
        return self.folder / name[:2] / name[2:4] / name if NAME.fullmatch(name) else None

    def upload(self, name: str) -> Path:
        """Where an upload lies in the folder. Raises ValueError for what is no name."""
        if not UPLOAD.fullmatch(name):
            raise ValueError("no name of an upload")
        return self.uploads / name

    def new_upload(self) -> tuple[str, Path]:
        """A free name for an upload and its place."""
        self.uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = secrets.token_hex(16)
        return name, self.uploads / name

    def share_upload(self, name: str) -> None:
        """Let whichever machine works on it have an upload that lies here. Raises Unavailable."""
        if self.bucket is not None and self.shared:
            self.bucket.put(buckets.UPLOADS + name, self.upload(name))

    def bring_upload(self, name: str) -> Path:
        """An upload, brought here if another machine took it in; its place, where nothing lies if it is lost.

        Raises Unavailable.
        """
        place = self.upload(name)
        if self.bucket is not None and not place.exists():
            self.uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileNotFoundError):  # whoever reads it says so
                self.bucket.fetch(buckets.UPLOADS + name, place)
        return place

    def keep(self, made: Path, owner: int, extension: str) -> str:
        """Take a finished file (of the same disk) in; returns its name. It is kept for good when this returns.

        Raises Unavailable where the bucket does not take it.
        """
        found = hashlib.sha256(f"{owner}:".encode())
        with made.open("rb") as content:
            while block := content.read(BLOCK):
                found.update(block)
            os.fsync(content.fileno())
        name = f"{found.hexdigest()}.{extension}"
        place = self.path(name)
        if place is None:
            raise ValueError(f"files that end in {extension!r} are not kept")
        if self.bucket is not None and self.shared:
            self.bucket.put(buckets.MEDIA + name, made, MEDIA_TYPES[extension])
        else:
            self.place(made, place)
        return name

    def place(self, made: Path, place: Path) -> None:
        """Put a file that is whole and on the disk where it belongs in the folder, to last through a power cut."""
        _folders(place.parent, self.folder)
        made.replace(place)
        sync_folder(place.parent)

    def read(self, name: str) -> Iterator[bytes]:
        """A kept file, piece by piece, from wherever it lies. Raises FileNotFoundError, or Unavailable."""
        place = self.path(name)
        if place is None:
            raise FileNotFoundError(name)
        try:
            with place.open("rb") as content:
                while block := content.read(BLOCK):
                    yield block
        except FileNotFoundError:
            if self.bucket is None:
                raise
            yield from self.bucket.read(buckets.MEDIA + name)

    def remove(self, names: Iterable[str], uploads: Iterable[str] = ()) -> None:
        """Remove files; those that are gone already do not matter. Raises Unavailable: then it has to come again."""
        kept = [name for name in names if NAME.fullmatch(name)]
        raw = [name for name in uploads if UPLOAD.fullmatch(name)]
        for name in kept:
            if (place := self.path(name)) is not None:
                place.unlink(missing_ok=True)
        for name in raw:
            self.upload(name).unlink(missing_ok=True)
        if self.bucket is not None and (kept or raw):
            self.bucket.remove([buckets.MEDIA + name for name in kept] + [buckets.UPLOADS + name for name in raw])

    def sweep_uploads(self) -> int:
        """Throw away uploads that nobody finished; how many."""
        edge, gone = now() - UNUSED_UPLOAD, 0
        for path in self.uploads.glob("*"):
            if path.is_file() and path.stat().st_mtime < edge.timestamp():
                path.unlink(missing_ok=True)
                gone += 1
        if self.bucket is not None:
            old = [found.key for found in self.bucket.all(buckets.UPLOADS) if found.changed < edge]
            self.bucket.remove(old)
            gone += len(old)
        return gone


def _folders(folder: Path, top: Path) -> None:
    """Make a folder below `top`, and its name last."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for parent in folder.parents:
        sync_folder(parent)
        if parent == top:
            return


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
