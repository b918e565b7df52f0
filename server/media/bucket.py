"""A bucket of an object storage that speaks S3: files that every machine of the node shares.

    media/<name>              what is shown; the only part that may be open to everybody
    private/uploads/<name>    what is not worked on yet
    private/exports/<name>    copies of somebody's own things, for him alone

The requests are made and signed by obstore, which is loaded when a bucket is in use. The guard of `federation.client`
does not stand before it: where the bucket is, the administrator says, and nobody else.
"""

import contextlib
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.errors import Conflict, Unavailable
from server.settings import Settings

log = logging.getLogger("torv.media")

MEDIA = "media/"
UPLOADS = "private/uploads/"
EXPORTS = "private/exports/"

PIECE = 2 << 20
"""Bytes fetched at once: so much of a film is in memory for each who looks at it, however slow he is."""

PART = 8 << 20
"""Files larger than this go up in parts of this size."""

PARTS_AT_ONCE = 2
RETRIES = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
TIMES = {"connect_timeout": "3s", "read_timeout": "15s", "timeout": "120s"}
BATCH = 500
FOREVER = "public, max-age=31536000, immutable"


class Unreachable(Unavailable):
    """The bucket does not answer, or does not let us in (HTTP 503 with Retry-After)."""

    def __init__(self) -> None:
        super().__init__("The storage of files does not answer. Nothing was lost; try again in a moment.")


@dataclass(frozen=True)
class Known:
    """A file in the bucket, and how large it is."""

    key: str
    size: int
    changed: datetime


@lru_cache(maxsize=4)
def _client(
    endpoint: str, bucket: str, region: str, access_key: str, secret_key: str, path_style: bool, ca_file: str
) -> Any:
    try:
        from obstore.store import S3Store
    except ImportError:
        raise Conflict("A bucket needs the package obstore: install Torv with its extra `s3`.") from None
    config: dict[str, Any] = {
        "bucket": bucket,
        "region": region,
        "access_key_id": access_key,
        "secret_access_key": secret_key,
        "virtual_hosted_style_request": not path_style,
    }
    if endpoint:
        config["endpoint"] = endpoint
    options: dict[str, Any] = {"allow_http": endpoint.startswith("http://"), **TIMES}
    if ca_file:
        options["root_certificate"] = Path(ca_file).read_bytes()
    return S3Store(config=config, client_options=options, retry_config=RETRIES)  # type: ignore[arg-type]


@contextlib.contextmanager
def _reached(what: str) -> Iterator[None]:
    """What goes wrong on the way to the bucket is passing, and logged; that a file is not there is told as it is."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, PermissionError, TimeoutError, ConnectionError) as error:
        log.error("the bucket: %s failed: %s", what, first_line(error))
        raise Unreachable from error


def first_line(error: BaseException) -> str:
    """What went wrong, without the pages of detail that come along."""
    return " ".join(str(error).partition("Debug source")[0].split())[:500]


@dataclass(frozen=True)
class Bucket:
    """One bucket. All its functions block but `piece`; call them in a thread. What fails raises Unreachable."""

    client: Any

    @classmethod
    def of(cls, settings: Settings) -> "Bucket | None":
        """The bucket that the settings name; None if they name none."""
        if not settings.s3_bucket:
            return None
        client = _client(
            settings.s3_endpoint,
            settings.s3_bucket,
            settings.s3_region,
            settings.s3_access_key,
            settings.s3_secret_key,
            settings.s3_path_style,
            settings.ca_file,
        )
        return cls(client)

    def put(self, key: str, file: Path, media_type: str = "application/octet-stream") -> None:
        """Copy a file up. It is there, whole and for good, when this returns."""
        import obstore

        told: Any = {"Content-Type": media_type}
        if key.startswith(MEDIA):
            told["Cache-Control"] = FOREVER
        expected = file.stat().st_size
        with _reached(f"PUT {key}"):
            obstore.put(
                self.client,
                key,
                file,
                attributes=told,
                use_multipart=expected > PART,
                chunk_size=PART,
                max_concurrency=PARTS_AT_ONCE,
            )
            found = self.size(key)
        if found != expected:
            log.error("the bucket: %s has %s bytes of %s", key, found, expected)
            raise Unreachable

    def size(self, key: str) -> int | None:
        """Bytes of a file; None if it is not there."""
        import obstore

        try:
            with _reached(f"HEAD {key}"):
                return int(obstore.head(self.client, key)["size"])
        except FileNotFoundError:
            return None

    async def piece(self, key: str, start: int, end: int) -> bytes:
        """Bytes `start` up to and without `end`. Raises FileNotFoundError."""
        import obstore

        with _reached(f"GET {key}"):
            return bytes(await obstore.get_range_async(self.client, key, start=start, end=end))

    def read(self, key: str) -> Iterator[bytes]:
        """A file, piece by piece. Raises FileNotFoundError."""
        import obstore

        size = self.size(key)
        if size is None:
            raise FileNotFoundError(key)
        for start in range(0, size, PIECE):
            with _reached(f"GET {key}"):
                block = bytes(obstore.get_range(self.client, key, start=start, end=min(start + PIECE, size)))
            yield block

    def fetch(self, key: str, target: Path) -> None:
        """Copy a file down, so that it stands whole under its name or not at all. Raises FileNotFoundError."""
        unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with unfinished.open("xb") as out:
                for block in self.read(key):
                    out.write(block)
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove files; those that are gone already do not matter."""
        import obstore

        for start in range(0, len(keys), BATCH):
            with _reached("DELETE"), contextlib.suppress(FileNotFoundError):
                obstore.delete(self.client, list(keys[start : start + BATCH]))

    def all(self, prefix: str) -> Iterator[Known]:
        """Every file below `prefix`."""
        import obstore

        pages: Iterable[Any] = obstore.list(self.client, prefix)
        with _reached(f"LIST {prefix}"):
            for page in pages:
                for found in page:
                    yield Known(str(found["path"]), int(found["size"]), found["last_modified"])
