"""Files of the bucket as answers: whole, or the part that was asked for, a piece in memory at a time."""

import re
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from federation.crossing import in_thread
from models.errors import NotFound
from server.media.bucket import PIECE, Bucket

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


async def from_bucket(
    request: Request, bucket: Bucket, key: str, media_type: str, headers: Mapping[str, str]
) -> Response:
    """A file whose content never changes under its name.

    Raises NotFound, or Unavailable where the bucket does not answer: the first piece is read before the answer begins.
    """
    size = await in_thread(lambda: bucket.size(key))
    if size is None:
        raise NotFound("There is no such file.")
    etag = f'"{key.rpartition("/")[2]}"'
    headed = {**headers, "Accept-Ranges": "bytes", "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headed)
    wanted = request.headers.get("range") if request.headers.get("if-range", etag) == etag else None
    start, end, status = part(wanted, size)
    if status == 416:
        return Response(status_code=416, headers={**headed, "Content-Range": f"bytes */{size}"})
    if status == 206:
        headed["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headed["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headed, media_type=media_type)
    try:
        first = await bucket.piece(key, start, min(start + PIECE, end)) if end > start else b""
    except FileNotFoundError:
        raise NotFound("There is no such file.") from None
    return StreamingResponse(_pieces(bucket, key, first, start, end), status, headed, media_type)


async def _pieces(bucket: Bucket, key: str, first: bytes, start: int, end: int) -> AsyncIterator[bytes]:
    yield first
    for at in range(start + PIECE, end, PIECE):
        yield await bucket.piece(key, at, min(at + PIECE, end))


def part(wanted: str | None, size: int) -> tuple[int, int, int]:
    """(first byte, the one after the last, status) for a Range header.

    >>> part("bytes=2-5", 10), part("bytes=-3", 10), part("bytes=99-", 10), part(None, 10)
    ((2, 6, 206), (7, 10, 206), (0, 10, 416), (0, 10, 200))

    What is no range, or several, gets the whole, as RFC 9110 allows.
    """
    found = RANGE.fullmatch(wanted.strip()) if wanted else None
    if found is None or not (found[1] or found[2]):
        return 0, size, 200
    start = int(found[1]) if found[1] else max(0, size - int(found[2]))
    end = min(size, int(found[2]) + 1) if found[1] and found[2] else size
    if start >= size or end <= start:
        if found[1] and found[2] and int(found[2]) < int(found[1]):
            return 0, size, 200
        return 0, size, 416
    return start, end, 206
