"""Files of other servers, fetched when a reader here first looks at them, kept on disk, thrown away when there are many.

What comes is judged by its first bytes and never made anew: images, films and sounds as they are, under a policy that
lets nothing in them run; all else (SVG and HTML among it) is not kept.
"""

import asyncio
import hashlib
import logging
import os
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from federation import media_types
from federation.context import Federation
from federation.crossing import in_thread
from federation.fetch_errors import FetchError
from models.errors import NotFound
from server.media.kinds import HEAD, Sniffed, sniff
from server.media.store import Store
from server.settings import Settings

log = logging.getLogger("torv.media")

ACCEPT = "image/*, video/*, audio/*"
DEADLINE = 30.0
AT_ONCE = 6
"""Fetches under way at once, per process: each holds a file in memory."""

FAILED_FOR = 600.0
FAILURES = 4096
TOUCHED_EVERY = 3600.0


@dataclass(frozen=True)
class Found:
    """A kept file and what it is."""

    path: Path
    sniffed: Sniffed


class RemoteFiles:
    """The files of other servers. One per process; processes may share the folder."""

    def __init__(self, store: Store, fed: Federation, settings: Settings) -> None:
        self.store = store
        self.fed = fed
        self.max_bytes = settings.media_max_remote_bytes
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._failed: OrderedDict[str, float] = OrderedDict()
        self._slots: asyncio.Semaphore | None = None

    async def get(self, url: str) -> Found:
        """The file at `url`, from the disk or from its server. Raises NotFound if it cannot be had."""
        name = hashlib.sha256(url.encode()).hexdigest()
        place = self.store.remote / name[:2] / name
        found = await in_thread(lambda: look(place))
        if found is None:
            await self._fetched(url, place)
            found = await in_thread(lambda: look(place))
        if found is None:
            raise NotFound("The file cannot be had from its server at the moment.")
        return found

    async def _fetched(self, url: str, place: Path) -> None:
        """Fetch once, however many ask for it meanwhile; not again for a while if it fails."""
        failed = self._failed.get(url)
        if failed is not None and time.monotonic() - failed < FAILED_FOR:
            return
        task = self._under_way.get(url)
        if task is None:
            task = self._under_way[url] = asyncio.create_task(self._fetch(url, place))
            task.add_done_callback(lambda _: self._under_way.pop(url, None))
        await asyncio.shield(task)

    async def _fetch(self, url: str, place: Path) -> None:
        if self._slots is None:
            self._slots = asyncio.Semaphore(AT_ONCE)
        try:
            async with self._slots:
                answer = await self.fed.client.get(
                    url, accept=ACCEPT, max_bytes=self.max_bytes, deadline=DEADLINE, content_types=_may_be_a_file
                )
        except FetchError as error:
            log.info("a file of another server could not be had: %s", error)
            self._fail(url)
            return
        if not answer.ok or sniff(answer.body[:HEAD]) is None:
            self._fail(url)
            return
        body = answer.body
        await in_thread(lambda: _keep(body, place))

    def _fail(self, url: str) -> None:
        self._failed[url] = time.monotonic()
        self._failed.move_to_end(url)
        while len(self._failed) > FAILURES:
            self._failed.popitem(last=False)


def _may_be_a_file(content_type: str) -> bool:
    name = media_types.parse(content_type).name
    return name in {"", "application/octet-stream", "binary/octet-stream"} or name.split("/")[0] in {
        "image", "video", "audio",
    }  # fmt: skip


def look(place: Path) -> Found | None:
    """A file that is kept, marked as looked at; None if it is not."""
    try:
        with place.open("rb") as content:
            sniffed = sniff(content.read(HEAD))
            if time.time() - os.fstat(content.fileno()).st_mtime > TOUCHED_EVERY:
                os.utime(content.fileno())
    except OSError:
        return None
    return Found(place, sniffed) if sniffed is not None else None


def _keep(body: bytes, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        unfinished.write_bytes(body)
        unfinished.replace(place)
    finally:
        unfinished.unlink(missing_ok=True)


def sweep(store: Store, most: int) -> int:
    """Keep the folder of other servers' files below `most` bytes: those go first that were not looked at for longest.

    Returns how many files went.
    """
    gone = 0
    kept: list[tuple[float, int, Path]] = []
    for path in store.remote.rglob("*"):
        try:
            if path.is_file():
                known = path.stat()
                kept.append((known.st_mtime, known.st_size, path))
        except OSError:
            continue
    total = sum(size for _, size, _ in kept)
    if total <= most:
        return gone
    for _, size, path in sorted(kept):
        path.unlink(missing_ok=True)
        gone += 1
        total -= size
        if total <= most * 0.9:
            break
    return gone
