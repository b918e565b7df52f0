"""`/media/…`: files as browsers and apps get them, whole or in parts. What they are is in their name, which we made; they
are never served as anything that could be taken for a page, a script or an ActivityPub object."""

import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from federation.crossing import in_thread, reading
from models.errors import NotFound
from server.media import links
from server.media.bucket import FOREVER, MEDIA
from server.media.kinds import MEDIA_TYPES
from server.media.parts import from_bucket
from server.media.remote import RemoteFiles
from server.media.store import Store
from server.settings import Settings

A_WEEK = "public, max-age=604800, immutable"
A_DAY = "public, max-age=86400"
"""For how long browsers believe that a file is read elsewhere: the address there can change, the one here cannot."""


async def own_file(request: Request) -> Response:
    """`GET /media/{name}`: a file that somebody uploaded here. Its content never changes."""
    settings: Settings = request.app.state.settings
    store = Store.of(settings)
    name = request.path_params["name"]
    place = store.path(name)
    if place is None:
        raise NotFound("There is no such file.")
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    if store.bucket is None:
        return await _file(place, media_type, FOREVER)
    if not store.shared or await in_thread(place.exists):
        try:
            return await _file(place, media_type, FOREVER)
        except NotFound:
            pass  # `torv media move` has not come to it yet
    if settings.media_origin:
        moved = {"Cache-Control": A_DAY, "Cross-Origin-Resource-Policy": "cross-origin"}
        return RedirectResponse(f"{settings.media_url.rstrip('/')}/{name}", 302, moved)
    return await from_bucket(request, store.bucket, MEDIA + name, media_type, _headers(FOREVER))


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
    return FileResponse(place, media_type=media_type, headers=_headers(caching), stat_result=known)


def _headers(caching: str) -> dict[str, str]:
    return {"Cache-Control": caching, "Cross-Origin-Resource-Policy": "cross-origin"}
