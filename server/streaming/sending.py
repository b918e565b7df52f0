"""Sending what waits for a client until one of the two sides ends it."""

import asyncio
from collections.abc import Awaitable, Callable

from server.streaming.connections import Connection, Message

HEARTBEAT = 15.0
"""Seconds of silence after which we say that we are still there."""

LAST_WORD = 2.0
"""Seconds that a client has to take our goodbye."""

Sending = Callable[[Message | None], Awaitable[None]]


async def send_until_over(connection: Connection, send: Sending, gone: Awaitable[None]) -> bool:
    """Send each message (None: the heartbeat) until `gone` is done, or the connection is ended from our side.

    True if the client is still there to hear goodbye.
    """
    sending = asyncio.ensure_future(_send(connection, send))
    leaving = asyncio.ensure_future(gone)
    ending = asyncio.ensure_future(connection.ended.wait())
    tasks = (sending, leaving, ending)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return not leaving.done() and not sending.done()
    finally:
        # A client that takes nothing holds `send` for ever: what hangs there is cancelled, not waited for.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(connection: Connection, send: Sending) -> None:
    while not connection.ended.is_set():
        message = await connection.next(HEARTBEAT)
        if message is not None or not connection.ended.is_set():
            await send(message)
