"""All clients connected to this process: who they are, what they hear, and when they have to go.

Two tasks run while anybody is connected. One reads events, at once when this process wrote them (on PostgreSQL also
when another did) and every second besides, and hands out messages. The other looks every few seconds whether the tokens
still hold.
"""

import asyncio

import structlog

from federation.crossing import reading
from federation.waking import Bell
from models import lists, oauth, scopes
from models.database import Database
from models.errors import Forbidden, Unauthenticated, Unavailable
from models.events import Event, Reader
from server.limits import TooMany
from server.streaming.channels import LIST, Channel
from server.streaming.connections import Connection
from server.streaming.fanout import Listeners, Told, tell

log = structlog.get_logger("torv.streaming")

POLL = 1.0
"""Seconds between two looks for events of other processes."""

CHECK = 3.0
"""Seconds between two looks at the tokens; a token that was revoked elsewhere works no longer than this."""

PER_ACCOUNT = 20
IN_TOTAL = 5000


class Full(TooMany):
    """Too many streams are open (HTTP 429)."""

    def __init__(self) -> None:
        super().__init__(60)
        self.text = "Too many streams are open. Close one, or try again in a minute."


class Hub:
    """Lets clients in, tells them what happens, and puts them out. One per process."""

    def __init__(self, database: Database, *, per_account: int = PER_ACCOUNT, in_total: int = IN_TOTAL) -> None:
        self._database = database
        self._per_account, self._in_total = per_account, in_total
        self._connections: set[Connection] = set()
        self._feeding: asyncio.Task[None] | None = None
        self._guarding: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._stop = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._connections)

    async def join(self, secret: str | None, channel: Channel | None = None) -> Connection:
        """Let a client in that holds this token, listening to `channel`; it hears what happens from now on.

        Raises Unauthenticated, Forbidden (scope), NotFound (somebody else's list), Full.
        """
        if not secret:
            raise Unauthenticated("Missing access token", code="invalid_token")
        found = await reading(self._database, lambda db: oauth.who(db, secret))
        if found is None or found.account is None or found.account.waits_for:
            raise Unauthenticated("Invalid access token", code="invalid_token")
        connection = Connection(found.account.id, found.token.id, found.token.scopes)
        if channel is not None:
            await self.subscribe(connection, channel)
        elif not any(scopes.covers(connection.scopes, scope) for scope in ("read:statuses", "read:notifications")):
            raise Forbidden("Access token does not have the required scopes", code="scope_missing")
        mine = sum(other.account_id == connection.account_id for other in self._connections)
        if self._closed or mine >= self._per_account or len(self._connections) >= self._in_total:
            raise Full()
        self._connections.add(connection)
        self._run()
        await self._listening.wait()
        return connection

    async def subscribe(self, connection: Connection, channel: Channel) -> None:
        """Let a client listen to one more channel. Raises Forbidden (scope), NotFound (somebody else's list)."""
        if channel.name == LIST:
            account_id, list_id = connection.account_id, int(channel.param)
            await reading(self._database, lambda db: lists.get(db, account_id, list_id))
        connection.subscribe(channel)

    def leave(self, connection: Connection) -> None:
        """The client is gone."""
        connection.end("left")
        self._connections.discard(connection)

    async def close(self) -> None:
        """Put everybody out: the process is going down."""
        self._closed = True
        for connection in self._connections:
            connection.end("shutdown")
        self._stop.set()
        await asyncio.gather(*filter(None, (self._feeding, self._guarding)), return_exceptions=True)

    def _run(self) -> None:
        """Start what does not run. Each of the two tasks ends in its own time after the last client left, and the next
        client may come in between."""
        if self._feeding is None or self._feeding.done():
            self._listening = asyncio.Event()
            self._feeding = asyncio.create_task(self._feed())
        if self._guarding is None or self._guarding.done():
            self._guarding = asyncio.create_task(self._guard())

    @property
    def _busy(self) -> bool:
        return bool(self._connections) and not self._stop.is_set()

    async def _feed(self) -> None:
        reader = Reader()
        with Bell(self._database, {"events"}) as bell:
            while self._busy:
                try:
                    events = await reading(self._database, reader.read)
                    self._listening.set()
                    for event in events:
                        await self._hand_out(event)
                except Unavailable:
                    events = []
                if not events:
                    await bell.wait(POLL, self._stop)

    async def _hand_out(self, event: Event) -> None:
        listeners = self._listeners()
        if not listeners:
            return
        try:
            told = await reading(self._database, lambda db: tell(db, event, listeners))
        except Unavailable:
            raise
        except Exception:
            log.exception("an event was not handed out", kind=event.kind, event_id=event.id)
            return
        for one in told:
            self._offer(one)

    def _offer(self, told: Told) -> None:
        for connection in self._connections:
            if connection.account_id in told.accounts and told.message.channel in connection.channels:
                connection.offer(told.message)

    def _listeners(self) -> Listeners:
        found: dict[Channel, set[int]] = {}
        for connection in self._connections:
            for channel in connection.channels:
                found.setdefault(channel, set()).add(connection.account_id)
        return {channel: frozenset(accounts) for channel, accounts in found.items()}

    async def _guard(self) -> None:
        with Bell(self._database, {"tokens"}) as bell:
            while self._busy:
                try:
                    await self._check()
                except Unavailable:
                    log.warning("the tokens of open streams could not be checked")
                await bell.wait(CHECK, self._stop)

    async def _check(self) -> None:
        held = {connection.token_id for connection in self._connections}

        still = await reading(self._database, lambda db: oauth.still_hold(db, list(held)))
        for connection in list(self._connections):
            if connection.token_id in held and connection.token_id not in still:
                connection.end("revoked")
