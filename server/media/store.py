"""The folder of files: `data_dir/media`, in small folders by the first letters of their names.

A file stands whole under its name or not at all: it is written beside, forced to the disk and then renamed. Its name is
the hash of its content and of the row it belongs to, so that a file of one row never takes the place, or goes with the
removal, of another's, and nobody can guess a name from a content he knows.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from server.media.kinds import MEDIA_TYPES
from server.settings import Settings

NAME = re.compile(r"[0-9a-f]{64}\.(?:" + "|".join(sorted(MEDIA_TYPES)) + ")")
"""Every name of a kept file; whatever else is asked for is not here, however it is written."""

UPLOAD = re.compile(r"[0-9a-f]{32}")
BLOCK = 1 << 20


@dataclass(frozen=True)
class Store:
    """Where files are kept."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> "Store":
        """The store of a node."""
        return cls(settings.data_path / "media")

    @property
    def uploads(self) -> Path:
        """The folder of what is not worked on yet."""
        return self.folder / "uploads"

    @property
    def remote(self) -> Path:
        """The folder of files of other servers, which can be fetched again."""
        return self.folder / "remote"

    def path(self, name: str) -> Path | None:
        """Where a file lies; None for what is no name."""
        return self.folder / name[:2] / name[2:4] / name if NAME.fullmatch(name) else None

    def upload(self, name: str) -> Path:
        """Where an upload lies. Raises ValueError for what is no name."""
        if not UPLOAD.fullmatch(name):
            raise ValueError("no name of an upload")
        return self.uploads / name

    def new_upload(self) -> tuple[str, Path]:
        """A free name for an upload and its place."""
        self.uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = secrets.token_hex(16)
        return name, self.uploads / name

    def keep(self, made: Path, owner: int, extension: str) -> str:
        """Take a finished file (of the same disk) in; returns its name. It is on the disk when this returns."""
        found = hashlib.sha256(f"{owner}:".encode())
        with made.open("rb") as content:
            while block := content.read(BLOCK):
                found.update(block)
            os.fsync(content.fileno())
        name = f"{found.hexdigest()}.{extension}"
        place = self.path(name)
        if place is None:
            raise ValueError(f"files that end in {extension!r} are not kept")
        _folders(place.parent, self.folder)
        made.replace(place)
        sync_folder(place.parent)
        return name

    def remove(self, names: Iterable[str], uploads: Iterable[str] = ()) -> None:
        """Remove files; those that are gone already do not matter."""
        for name in names:
            if (place := self.path(name)) is not None:
                place.unlink(missing_ok=True)
        for name in uploads:
            if UPLOAD.fullmatch(name):
                self.upload(name).unlink(missing_ok=True)


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
