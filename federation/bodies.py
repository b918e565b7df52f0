"""Reading an answer's body without ever holding more than was asked for.

We ask for `identity`; a server that compresses all the same is unpacked step by step, because one 194 kB gzip body
becomes a single chunk of 67 MB where the HTTP library unpacks it.
"""

import zlib
from collections.abc import AsyncIterable

from federation.fetch_errors import BadAnswer, TooLarge


class Unpacker:
    """Takes raw chunks and gives at most `limit` bytes in all. Raises TooLarge, and BadAnswer for damaged data."""

    def __init__(self, encoding: str, limit: int) -> None:
        self.limit = limit
        self.received = 0
        self.body = bytearray()
        name = encoding.strip().lower()
        if name in ("", "identity"):
            self._stream = None
        elif name in ("gzip", "x-gzip", "deflate"):
            self._stream = zlib.decompressobj(wbits=47)
        else:
            raise BadAnswer("encoding", "an answer in an encoding we did not ask for")

    def take(self, chunk: bytes) -> None:
        """Add one chunk as it came from the network."""
        self.received += len(chunk)
        room = self.limit - len(self.body)
        if self._stream is not None:
            try:
                chunk = self._stream.decompress(chunk, room + 1)
            except zlib.error as error:
                raise BadAnswer("encoding", "the compressed answer is damaged") from error
        if len(chunk) > room or self.received > self.limit:
            raise TooLarge("size", f"the answer is larger than {self.limit} bytes")
        self.body += chunk


async def read_whole(chunks: AsyncIterable[bytes], *, encoding: str, declared: str, limit: int) -> bytes:
    """The whole body. `declared` is its Content-Length, if it has one; a lie in it changes nothing."""
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > limit:
        raise TooLarge("size", f"the answer is larger than {limit} bytes")
    unpacker = Unpacker(encoding, limit)
    async for chunk in chunks:
        unpacker.take(chunk)
    return bytes(unpacker.body)


async def read_start(chunks: AsyncIterable[bytes], *, keep: int, limit: int = 65536) -> bytes:
    """The first `keep` raw bytes: enough of an error text for the log. Reads on for a while so that the connection
    stays usable, but not beyond `limit`."""
    kept, received = bytearray(), 0
    async for chunk in chunks:
        kept += chunk[: max(0, keep - len(kept))]
        received += len(chunk)
        if received > limit:
            break
    return bytes(kept)
