"""Style sheets, fonts and icons: read once, served from memory under an address that changes with their content.

`/static/<hash>/torv.css`: the hash is over all files, so relative links between them hold, browsers may keep them for a
year, and a new release is a new address.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from models.errors import NotFound

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class StaticFile:
    """One file, ready to send; `packed` is its gzip form where that is shorter."""

    content: bytes
    packed: bytes
    media_type: str


@lru_cache(maxsize=1)
def files() -> tuple[str, dict[str, StaticFile]]:
    """All files by their path below `static/`, and the hash over all of them."""
    found: dict[str, StaticFile] = {}
    total = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if not path.is_file() or path.suffix not in MEDIA_TYPES:
            continue
        content = path.read_bytes()
        name = path.relative_to(FOLDER).as_posix()
        total.update(name.encode() + b"\0" + content)
        packed = b"" if path.suffix in {".woff2", ".png"} else gzip.compress(content, mtime=0)
        found[name] = StaticFile(content, packed if len(packed) < len(content) else b"", MEDIA_TYPES[path.suffix])
    return total.hexdigest()[:12], found


def address(name: str) -> str:
    """The address of a file, to be used in pages. Raises KeyError for a file that is not there."""
    version, found = files()
    if name not in found:
        raise KeyError(name)
    return f"/static/{version}/{name}"


@lru_cache(maxsize=64)
def icon(name: str) -> str:
    """The drawing of an icon of the design system, to stand in a page."""
    return files()[1][f"vendor/dkfds-11.2.0/img/svg-icons/{name}.svg"].content.decode()


async def static(request: Request) -> Response:
    """`GET /static/{version}/{path}`: one file. An old version gets today's file, but may not keep it."""
    version, found = files()
    file = found.get(request.path_params["path"])
    if file is None:
        raise NotFound("There is no such file.")
    headers = {
        "Cache-Control": FOREVER if request.path_params["version"] == version else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if file.packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.packed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)


async def favicon(request: Request) -> Response:
    """`GET /favicon.ico`: the mark, for browsers that ask without having been told."""
    return Response(
        files()[1]["mark.svg"].content, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"}
    )
