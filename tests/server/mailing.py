"""A small mail server on this machine, and whoever brings it what a node has promised."""

import asyncio
import ssl
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from sqlalchemy import delete, select

from federation import working
from models.base import now
from models.database import Database
from models.jobs import Job
from server import worker
from server.settings import Settings
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.server.visiting import ORIGIN


@dataclass
class MailServer:
    """Speaks SMTP (RFC 5321) as far as it goes without encryption, and keeps what it takes."""

    port: int = 0
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    """(address it was for, letter), in the order they came."""
    answers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What to say to the next commands of a name instead of yes, such as `450 later`."""
    said: list[str] = field(default_factory=list)
    encrypts: ssl.SSLContext | None = None
    """With what it goes on in after STARTTLS, which it offers then; and what it heard before that."""
    in_clear: list[str] = field(default_factory=list)
    broken: list[bytes] = field(default_factory=list)
    """Letters after which it hung up without a word: the answer `HANG UP` to a `BODY`."""

    @property
    def letters(self) -> list[EmailMessage]:
        return [letter for _, letter in self.taken]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        recipients: list[str] = []

        async def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        try:
            await say(self._answer("HELLO", "220 ready"))
            while line := (await reader.readline()).decode(errors="replace").strip():
                self.said.append(line)
                verb = line.split()[0].upper()
                if writer.get_extra_info("ssl_object") is None:
                    self.in_clear.append(verb)
                if verb == "EHLO" and writer.get_extra_info("ssl_object") is not None:
                    await say("250-mail.test\r\n250 AUTH PLAIN")
                    continue
                if verb == "EHLO" and self.encrypts is not None:
                    await say("250-mail.test\r\n250 STARTTLS")
                    continue
                if verb == "STARTTLS" and self.encrypts is not None:
                    await say("220 go on")
                    await writer.start_tls(self.encrypts)
                    continue
                if verb == "AUTH":
                    await say("235 welcome")
                    continue
                answer = self._answer(verb, {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 yes"))
                if verb == "RCPT" and answer.startswith("250"):
                    recipients.append(line.partition("<")[2].partition(">")[0])
                await say(answer)
                if verb == "DATA" and answer.startswith("354"):
                    body = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                    answer = self._answer("BODY", "250 taken")
                    if answer == "HANG UP":
                        self.broken.append(body)
                        break
                    if answer.startswith("250"):
                        letter = message_from_bytes(body, policy=policy.default)
                        assert isinstance(letter, EmailMessage)
                        self.taken += [(recipient, letter) for recipient in recipients]
                    recipients = []
                    await say(answer)
                if verb == "QUIT":
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    def _answer(self, verb: str, default: str) -> str:
        return self.answers[verb].pop(0) if self.answers[verb] else default


@dataclass
class PostOffice:
    """A node that sends mail by a mail server of this machine."""

    database: Database
    server: MailServer
    settings: Settings

    async def empty(self) -> list[EmailMessage]:
        """Do all that is due; the letters that arrived meanwhile."""
        before = len(self.server.taken)
        stop = asyncio.Event()
        fed = federation_with(self.database, Elsewhere())
        running = asyncio.create_task(working.run_jobs(fed, stop, worker.jobs(self.settings)))
        async with asyncio.timeout(20):
            while await asyncio.to_thread(self._busy):  # noqa: ASYNC110 - what it waits for happens in threads
                await asyncio.sleep(0.02)
        stop.set()
        await running
        return self.server.letters[before:]

    def _busy(self) -> bool:
        with self.database.reading() as db:
            waiting = select(Job.id).where(Job.dead_at.is_(None), Job.run_at <= now())
            return db.execute(waiting.limit(1)).first() is not None


@asynccontextmanager
async def post_office(
    database: Database, *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, **chosen: object
) -> AsyncIterator[PostOffice]:
    """A mail server, and the node that uses it; what its world has promised to others is let go.

    `tls`: the server speaks nothing but TLS; `starttls`: it offers to.
    """
    await asyncio.to_thread(database.write, lambda db: db.execute(delete(Job)))
    server = MailServer(encrypts=starttls)
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    values = {
        "origin": ORIGIN,
        "node_name": "Torv i a",
        "data_dir": "unused",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": "none",
        "mail_from": "torv@a.example",
    }
    try:
        yield PostOffice(database, server, Settings(**(values | chosen)))  # type: ignore[arg-type]
    finally:
        listening.close()
        await listening.wait_closed()


@contextmanager
def smtp_server() -> Iterator[MailServer]:
    """A mail server for a test that is not asynchronous itself."""
    made, ready, stop = MailServer(), threading.Event(), asyncio.Event()

    async def listen() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
        made.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()

    loop: asyncio.AbstractEventLoop | None = None
    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    ready.wait(10)
    try:
        yield made
    finally:
        assert loop is not None
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


def link(letter: EmailMessage, beginning: str) -> str:
    """The path of the link in a letter that begins so."""
    text = said(letter)
    assert f"{ORIGIN}{beginning}" in text, text
    return beginning + text.split(f"{ORIGIN}{beginning}", 1)[1].split()[0]


def said(letter: EmailMessage, kind: str = "plain") -> str:
    """The text of a letter, or its HTML."""
    part = letter.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content
