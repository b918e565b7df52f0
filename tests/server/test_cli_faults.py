"""A real node whose disk is full, whose database is locked by another, or whose door is crowded: passing, and no more."""

import json
import resource
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation import signatures
from models import accounts, actors, base, composing, oauth
from models.actors import RemoteActor
from models.database import Database
from models.inbox import Received
from models.posts import Draft, Post
from server.commands.node import make
from server.settings import Settings
from tests import keys
from tests.server.test_cli_serve import PROGRAM, environment, free_port, until_it_answers

T = TypeVar("T")
HOST = "a.example"
ORIGIN = f"https://{HOST}"
JONAS = "https://m.example/users/jonas"
TEXT = "Vi prøver igen i morgen"


class Served:
    """`torv serve` on a folder: Lene has an account and a token, and Jonas on another server is known with his key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(origin=ORIGIN, data_dir=str(folder / "data"))
        make(self.settings)
        self.private, public = keys.draw()
        self.token = ""
        with closing(self._database()) as database:
            database.write(lambda db: self._meet(db, public))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def _database(self) -> Database:
        return Database(self.settings.database, self.settings.node)

    def _meet(self, db: Session, public: str) -> None:
        lene = accounts.create(db, username="lene", email="lene@a.example", password="torvet-er-aabent")
        actor = actors.by_handle(db, "lene")
        assert actor is not None
        composing.note(db, actor, Draft("Allerede her"))
        self.token = oauth.issue_for(db, lene, "read write", app_name="tests")
        inbox = f"{JONAS}/inbox"
        known = RemoteActor(
            uri=JONAS, type="Person", username="jonas", domain="m.example", inbox=inbox,
            keys=[(f"{JONAS}#main-key", public)],
        )  # fmt: skip
        actors.record_remote(db, known)

    def start(self) -> None:
        environ = environment(self.folder, TORV_ORIGIN=ORIGIN, TORV_LISTEN_PORT=str(self.port))
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen([*PROGRAM, "serve"], env=environ, cwd=self.folder, stdout=quiet, stderr=quiet)
        until_it_answers(f"http://127.0.0.1:{self.port}/healthz", self.process)  # type: ignore[arg-type]

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, seconds: float = 20, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request through the door, whatever comes back."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, {"Host": HOST, **named}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds) as found:
                return found.status, {key.lower(): value for key, value in found.headers.items()}, found.read()
        except urllib.error.HTTPError as error:
            return error.code, {key.lower(): value for key, value in error.headers.items()}, error.read()

    def posts_a_note(self) -> tuple[int, dict[str, str], bytes]:
        """Lene's app posts."""
        body = json.dumps({"status": TEXT}).encode()
        how = {"Authorization": f"Bearer {self.token}", "Content_Type": "application/json"}
        return self.ask("POST", "/api/v1/statuses", body, **how)

    def sends_a_picture(self) -> tuple[int, dict[str, str], bytes]:
        """Lene's app sends a file that is larger than what is left of the disk."""
        head = (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        )
        body = head + b"\x89PNG\r\n\x1a\n" + b"\0" * 400_000 + b"\r\n--x--\r\n"
        how = {"Authorization": f"Bearer {self.token}", "Content_Type": "multipart/form-data; boundary=x"}
        return self.ask("POST", "/api/v2/media", body, **how)

    def hears_jonas(self) -> tuple[int, dict[str, str], bytes]:
        """Jonas follows Lene: the same activity each time, freshly signed."""
        follow = {"id": f"{JONAS}/follow", "type": "Follow", "actor": JONAS, "object": f"{ORIGIN}/u/lene"}
        body = json.dumps({"@context": "https://www.w3.org/ns/activitystreams", **follow}).encode()
        key = signatures.private_key(self.private)
        headers = signatures.sign_cavage(key, f"{JONAS}#main-key", "POST", f"{ORIGIN}/inbox", body, base.now())
        return self.ask("POST", "/inbox", body, **headers)

    def read(self, work: Callable[[Session], T]) -> T:
        with closing(self._database()) as database, database.reading() as db:
            return work(db)

    def notes(self) -> int:
        """How many posts hold the text that is posted here."""
        return self.read(lambda db: db.scalar(select(func.count(Post.id)).where(Post.source == TEXT)) or 0)

    def heard(self) -> int:
        """How many activities are stored."""
        return self.read(lambda db: db.scalar(select(func.count(Received.id))) or 0)


def _tmpfs(folder: Path, held: ExitStack) -> None:
    """A small disk of its own."""
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small disk is not allowed here")
    held.callback(subprocess.run, ["umount", "-l", str(folder)], timeout=10, check=False)


@pytest.fixture(params=["small disk", "limit on files"])
def disk(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Served, Callable[[], None], Callable[[], None]]]:
    """A node that serves, and what fills its disk and what makes room again."""
    with ExitStack() as held:
        if request.param == "small disk":
            _tmpfs(tmp_path, held)
        served = Served(tmp_path)
        held.callback(served.stop)
        served.start()
        assert served.process is not None
        process, filler = served.process.pid, tmp_path / "filler"

        def fill() -> None:
            if request.param != "small disk":
                resource.prlimit(process, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
                return
            with filler.open("wb", buffering=0) as out:
                for block in (1 << 16, 1 << 12, 1):
                    try:
                        while out.write(b"\0" * block):
                            pass
                    except OSError:
                        continue

        def make_room() -> None:
            if request.param != "small disk":
                resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                return
            filler.unlink()

        yield served, fill, make_room


@pytest.mark.slow
def test_t132_with_a_full_disk_pages_are_read_what_is_new_hears_503_and_room_heals_it(
    disk: tuple[Served, Callable[[], None], Callable[[], None]],
) -> None:
    served, fill, make_room = disk
    fill()
    for attempt in range(2):
        for doing in (served.posts_a_note, served.hears_jonas, served.sends_a_picture):
            # What is left of a page may still take a row or two; a yes is then a real one.
            status, headers, said = doing()
            if doing is served.sends_a_picture or attempt:
                assert status == 503, (doing.__name__, status, said)
                assert int(headers["retry-after"]) > 0
    kept = served.notes(), served.heard()
    assert served.ask("GET", "/@lene", Accept="text/html")[0] == 200
    assert served.ask("GET", "/u/lene", Accept="application/activity+json")[0] == 200
    assert served.ask("GET", "/readyz")[0] == 503
    assert served.process is not None
    assert served.process.poll() is None
    make_room()
    assert served.posts_a_note()[0] == 200
    assert served.hears_jonas()[0] == 202
    assert (served.notes(), served.heard()) == (kept[0] + 1, max(kept[1], 1))
    until = time.monotonic() + 8
    while served.ask("GET", "/readyz")[0] != 200:
        assert time.monotonic() < until, "it is not ready though there is room"
        time.sleep(0.2)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.mark.slow
def test_t131_while_another_holds_the_database_ten_seconds_it_says_so_and_loses_nothing(served: Served) -> None:
    other = sqlite3.connect(served.settings.sqlite_path or "", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    begun = time.monotonic()
    while time.monotonic() - begun < 10:
        for doing in (served.hears_jonas, served.posts_a_note):
            status, headers, _ = doing()
            assert (status, int(headers["retry-after"]) > 0) == (503, True), doing.__name__
        assert served.ask("GET", "/@lene", Accept="text/html")[0] == 200
    other.execute("ROLLBACK")
    other.close()
    assert (served.notes(), served.heard()) == (0, 0)
    assert served.hears_jonas()[0] == 202
    assert served.posts_a_note()[0] == 200
    assert (served.notes(), served.heard()) == (1, 1)


@pytest.mark.slow
def test_t87_five_hundred_half_open_requests_hold_up_nobody(served: Served) -> None:
    heads = (
        b"GET / HTTP/1.1\r\nHost: a.exam",
        b"POST /inbox HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/activity+json\r\n"
        b"Content-Length: 900000\r\n\r\n{",
    )
    with ExitStack() as held:
        for number in range(500):
            crowd = held.enter_context(socket.create_connection(("127.0.0.1", served.port), 10))
            crowd.sendall(heads[number % 2])
        took = []
        for _ in range(5):
            begun = time.monotonic()
            assert served.ask("GET", "/@lene", Accept="text/html")[0] == 200
            took.append(time.monotonic() - begun)
    assert min(took) < 1, "of several, because this machine may have other work too"
