"""The node's other processes: telling them that something was committed for them, and hearing it (LISTEN/NOTIFY).

A notification is a hint and no promise. What is promised lies in the tables, and every loop looks there by itself every
second; so a notification that is lost costs that second and nothing else.

It is therefore sent *after* the commit, for all commits of a moment together. Sent within the transaction, PostgreSQL
would hold one lock over all of the database from there to the end of the sync to disk, so that no two transactions that
notify could share a sync: with 16 writers that left 1 300 of 4 300 commits a second; this way 3 800 are left.
"""

import logging
import os
import secrets
import selectors
import threading
from collections.abc import Callable, Iterable

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger("torv.heralds")

CHANNEL = "torv"
"""A database is one node, and channels belong to a database."""

PAUSE = 0.02
"""Seconds between two notifications that a process sends or heeds: more of them would only cost queries."""

RETRY = 1.0
"""Seconds until a connection that was cut is tried again."""

KEEPALIVE = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""A machine that is gone without a word is noticed within half a minute."""

Hear = Callable[[set[str] | None], None]


class Herald:
    """Tells and hears for one process. `hear` is called in a thread of its own with topics that others committed
    something for, and with None once it listens (again): something may have been missed before."""

    def __init__(self, engine: Engine, address: str, hear: Hear) -> None:
        self._engine, self._address, self._hear = engine, address, hear
        self._me = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._untold: set[str] = set()
        self._telling: threading.Thread | None = None
        self._listening: threading.Thread | None = None
        self._stop = threading.Event()
        self._ended, self._end = -1, -1

    def tell(self, topics: Iterable[str]) -> None:
        """Let the others know, in a moment. Never waits and never fails."""
        with self._lock:
            self._untold |= set(topics)
            if self._telling is None:
                self._telling = threading.Thread(target=self._tell_all, name="torv-telling", daemon=True)
                self._telling.start()

    def _tell_all(self) -> None:
        while True:
            with self._lock:
                topics, self._untold = self._untold, set()
                if not topics:
                    self._telling = None
                    return
            try:
                self._notify(" ".join([self._me, *sorted(topics)]))
            except (SQLAlchemyError, psycopg.Error):
                log.debug("the other processes were not told; they look by themselves")
            self._stop.wait(PAUSE)

    def _notify(self, said: str) -> None:
        with self._engine.begin() as connection:
            # past the statements that are counted: nobody who asked for something asked for this
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("SELECT pg_notify(%s, %s)", (CHANNEL, said))

    def listen(self) -> None:
        """Begin to hear the others; returns at once."""
        with self._lock:
            if self._listening is None and not self._stop.is_set():
                self._ended, self._end = os.pipe()
                self._listening = threading.Thread(target=self._keep_listening, name="torv-listening", daemon=True)
                self._listening.start()

    def _keep_listening(self) -> None:
        heard_well = True
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._address, autocommit=True, **KEEPALIVE) as connection:  # type: ignore[arg-type]
                    connection.execute(f"LISTEN {CHANNEL}")
                    if not heard_well:
                        log.info("the other processes are heard again")
                    heard_well = True
                    self._hear(None)
                    self._listen_on(connection)
            except psycopg.Error as error:
                if heard_well:  # once, not every second
                    log.warning("the other processes are not heard; looking every second: %s", str(error).strip())
                heard_well = False
                self._stop.wait(RETRY)

    def _listen_on(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        with selectors.DefaultSelector() as either:
            either.register(connection.fileno(), selectors.EVENT_READ)
            either.register(self._ended, selectors.EVENT_READ)
            while not self._stop.is_set():
                either.select()
                topics: set[str] = set()
                for note in connection.notifies(timeout=0):
                    who, _, said = note.payload.partition(" ")
                    if who != self._me:
                        topics.update(said.split())
                if topics:
                    self._hear(topics)
                    self._stop.wait(PAUSE)  # what many others say meanwhile is heard together

    def close(self) -> None:
        """Say what is still to be said, and hear nothing more."""
        self._stop.set()
        with self._lock:
            telling, listening, self._listening = self._telling, self._listening, None
            if listening is not None:
                os.write(self._end, b".")
        for thread in (telling, listening):
            if thread is not None:
                thread.join(timeout=15)
        if listening is not None and not listening.is_alive():
            for end in (self._ended, self._end):
                os.close(end)
