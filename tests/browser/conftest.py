"""A node on loopback with the fictional world, opened in a real Chromium; and axe, which judges the pages.

Where Chromium or npm is not installed the tests are skipped, but not in CI.
"""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from models import accounts, actor_keys, actors
from models.actors import ActorType
from models.database import Database, Node
from models.tables import metadata
from server import sessions
from server.app import create_app
from server.settings import Settings
from tests import chromium as chromium_program
from tests import keys, world
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.missing import missing

AXE = Path(__file__).parent / "axe"
CACHE = Path(__file__).parents[2] / ".cache" / "axe"
WAIT_MS = 15_000


@dataclass
class Site:
    """The node under test."""

    origin: str
    database: Database
    open: Callable[..., BrowserContext]

    def signed_in(self, username: str, **how: Any) -> Page:
        """A page of a browser in which somebody has signed in. The form that leads there is sent where it is the point."""
        secret = self.database.write(lambda db: accounts.start_login(db, accounts.by_username(db, username)))
        context = self.open(**how)
        name = sessions.cookie_name(self.database.node, sessions.SESSION)
        context.add_cookies([{"name": name, "value": secret, "url": self.origin, "httpOnly": True, "sameSite": "Lax"}])
        page = context.new_page()
        page.goto(f"{self.origin}/")
        return page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser of the system."""
    with chromium_program.running("--host-resolver-rules=MAP *.example ~NOTFOUND") as browser:
        yield browser


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Database]]:
    """A running node: its origin and its database."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        settings = Settings(
            origin=f"http://localhost:{port}",
            node_name="Torv i Vesterlund",
            data_dir="unused",
            smtp_host="localhost",  # nothing is sent, because no worker runs; but there are the pages around mail
            registrations="approval",
        )
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('browser')}/torv.db", settings.node)
        metadata.create_all(database.engine)
        database.write(_fill)
        app = create_app(settings, federation=federation_with(database, Elsewhere()))
        sock.listen(64)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.started
        yield settings.origin, database
        server.should_exit = True
        thread.join(timeout=10)
        database.close()


def _fill(db: Any) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(actor_keys, "new_key_pair", keys.draw)
    node: Node = db.info["node"]
    actors.create_local(db, node.domain, ActorType.APPLICATION)
    world.agree(db, world.share(db, world.build(db)))
    patch.undo()


@pytest.fixture
def site(chromium: Browser, node: tuple[str, Database]) -> Iterator[Site]:
    """The node, and browsers that are closed after the test."""
    opened: list[BrowserContext] = []

    def open_context(**how: Any) -> BrowserContext:
        context = chromium.new_context(**{"locale": "da-DK", "viewport": {"width": 1280, "height": 900}, **how})
        context.set_default_timeout(WAIT_MS)
        opened.append(context)
        return context

    yield Site(node[0], node[1], open_context)
    for context in opened:
        context.close()


@cache
def _install_axe() -> str:
    """The text of axe-core, installed once for each lock file; empty, with the reason raised, if it cannot be."""
    lock = (AXE / "package-lock.json").read_text()
    done = CACHE / "installed-lock.json"
    if not (done.exists() and done.read_text() == lock):
        if shutil.which("npm") is None:
            return ""
        CACHE.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(AXE / name, CACHE / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        ran = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=240, check=False)
        if ran.returncode != 0:
            return ""
        done.write_text(lock)
    return (CACHE / "node_modules/axe-core/axe.min.js").read_text()


RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that judge colours, and so all that can come out otherwise in the dark."""


class Faults(Protocol):
    """What axe finds wrong with a page by WCAG 2.1 A and AA: one line for each rule broken."""

    def __call__(self, page: Page, *, colours_only: bool = False) -> list[str]: ...


@pytest.fixture
def faults() -> Faults:
    """Judges pages."""
    source = _install_axe()
    if not source:
        missing("axe-core is not installed: it comes with npm")

    def judge(page: Page, *, colours_only: bool = False) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(source)  # the debugger's door: our own policy lets no page load it
            page.context.add_init_script(source)  # what is opened from now on has it already
        only = {"type": "rule", "values": COLOURS} if colours_only else {"type": "tag", "values": RULES}
        found = page.evaluate("only => axe.run(document, {runOnly: only, resultTypes: ['violations']})", only)
        return [
            f"{rule['id']}: {node['target']} {node['html'][:120]} {node.get('failureSummary', '')[:300]}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    return judge
