"""`/media/…`: files as browsers and apps get them, whole or in parts. What they are is in their name, which we made; they
are never served as anything that could be taken for a page, a script or an ActivityPub object."""

import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from federation.crossing import in_thread, reading
from models.errors import NotFound
from server.media import links
from server.media.kinds import MEDIA_TYPES
from server.media.remote import RemoteFiles
from server.media.store import Store

FOREVER = "public, max-age=31536000, immutable"
A_WEEK = "public, max-age=604800, immutable"


async def own_file(request: Request) -> Response:
    """`GET /media/{name}`: a file that somebody uploaded here. Its content never changes."""
    store = Store.of(request.app.state.settings)
    name = request.path_params["name"]
    place = store.path(name)
    if place is None:
        raise NotFound("There is no such file.")
    return await _file(place, MEDIA_TYPES[name.rpartition(".")[2]], FOREVER)


async def remote_file(request: Request) -> Response:
    """`GET /media/remote/{token}`: a file of another server, at an address that only we can make."""
    token = request.path_params["token"]
    url = await reading(request.app.state.database, lambda db: links.resolve(db, token))
    files: RemoteFiles = request.app.state.remote_files
    found = await files.get(url)
    return await _file(found.path, found.sniffed.media_type, A_WEEK)


async def _file(place: Path, media_type: str, caching: str) -> Response:
    try:
        known = await in_thread(lambda: os.stat(place))
    except OSError:
        raise NotFound("There is no such file.") from None
    headers = {"Cache-Control": caching, "Cross-Origin-Resource-Policy": "cross-origin"}
    return FileResponse(place, media_type=media_type, headers=headers, stat_result=known)
