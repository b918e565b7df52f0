"""`torv media`: the files that people uploaded."""

import hashlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from models.errors import Conflict, Unavailable
from server.cli import UNAVAILABLE, Failed
from server.commands.opening import as_json, show
from server.media import bucket as buckets
from server.media.bucket import Bucket
from server.media.kinds import MEDIA_TYPES
from server.media.store import BLOCK, NAME, Store
from server.settings import load

AT_ONCE = 4


@click.group()
def media() -> None:
    """The files that people uploaded."""


@media.command()
@click.option("--keep", is_flag=True, help="Leave the files where they were, too.")
@as_json
def move(keep: bool, as_json: bool) -> None:
    """Bring all files to where `media_store` says: from the folder into the bucket, or back. The node may run.

    Each file is read again in its new place and compared before it is removed from the old one. A run that was
    interrupted is simply started again.
    """
    store = Store.of(load())
    if store.bucket is None:
        raise Conflict("The settings name no bucket: set TORV_S3_BUCKET and what belongs to it.")
    names = list(_in_folder(store) if store.shared else _in_bucket(store.bucket))
    failed: list[str] = []
    moved = 0
    with (
        ThreadPoolExecutor(AT_ONCE) as pool,
        click.progressbar(length=len(names), label="Moving", file=sys.stderr, show_pos=True) as bar,
    ):
        for name, arrived in zip(names, pool.map(lambda name: _moved(store, name, keep), names), strict=True):
            bar.update(1)
            moved += arrived
            if not arrived:
                failed.append(name)
    if as_json:
        show({"to": "s3" if store.shared else "disk", "moved": moved, "failed": failed})
    else:
        click.echo(f"{moved} of {len(names)} files are in the {'bucket' if store.shared else 'folder'}, compared.")
    if failed:
        raise Failed(f"{len(failed)} stay where they were, {failed[0]} the first of them: try again.", UNAVAILABLE)


def _in_folder(store: Store) -> Iterator[str]:
    return (path.name for path in sorted(store.folder.glob("??/??/*")) if NAME.fullmatch(path.name))


def _in_bucket(bucket: Bucket) -> Iterator[str]:
    names = (found.key.removeprefix(buckets.MEDIA) for found in bucket.all(buckets.MEDIA))
    return (name for name in names if NAME.fullmatch(name))


def _moved(store: Store, name: str, keep: bool) -> bool:
    """Move one file; False if it is not the same afterwards, or could not be moved. One removed meanwhile is no matter."""
    place, key, bucket = store.path(name), buckets.MEDIA + name, store.bucket
    assert place is not None
    assert bucket is not None
    try:
        if store.shared:
            expected = _sha256(_blocks(place))
            bucket.put(key, place, MEDIA_TYPES[place.suffix.removeprefix(".")])
            if _sha256(bucket.read(key)) != expected:
                return False
            if not keep:
                place.unlink(missing_ok=True)
        else:
            store.uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
            coming = store.uploads / f"coming-{name}"
            bucket.fetch(key, coming)
            same = _sha256(_blocks(coming)) == _sha256(bucket.read(key))
            if not same:
                coming.unlink()
                return False
            store.place(coming, place)
            if not keep:
                bucket.remove([key])
    except FileNotFoundError:
        return True
    except (Unavailable, OSError):
        return False
    return True


def _blocks(place: Path) -> Iterator[bytes]:
    with place.open("rb") as content:
        while block := content.read(BLOCK):
            yield block


def _sha256(blocks: Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for block in blocks:
        found.update(block)
    return found.hexdigest()
