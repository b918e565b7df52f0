"""A person with a browser that runs no scripts, at the node `a.example`."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any, TypeVar

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts
from models.actors import Actor
from models.database import Database
from models.posts import Post
from server.app import create_app
from server.settings import Settings
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.world import PASSWORD

T = TypeVar("T")
ORIGIN = "https://a.example"
TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')


@dataclass
class Browser:
    """Cookies, and ways to open pages and send forms."""

    http: httpx.AsyncClient
    database: Database
    elsewhere: Elsewhere
    token: str = ""

    def do(self, work: Callable[[Session], T]) -> T:
        return self.database.write(work)

    async def open(self, path: str, **headers: str) -> httpx.Response:
        """A page, redirects not followed."""
        return await self.http.get(path, headers={"Accept": "text/html", **headers})

    async def read(self, path: str, **headers: str) -> str:
        """The text of a page that must be there; redirects within the node are followed."""
        answer = await self.http.get(path, headers={"Accept": "text/html", **headers}, follow_redirects=True)
        assert answer.status_code == 200, f"{path}: {answer.status_code}\n{answer.text[-2000:]}"
        return answer.text

    async def send(self, path: str, *, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        """Send a form as our own page would, whatever comes back."""
        filled = {"token": self.token, **fields}
        return await self.http.post(
            path, data=filled, headers={"Accept": "text/html", "Origin": ORIGIN, **(headers or {})}
        )

    async def succeed(self, path: str, **fields: Any) -> str:
        """Send a form that must do what was asked; where it leads to."""
        answer = await self.send(path, **fields)
        assert answer.status_code == 303, f"{path} {fields}: {answer.status_code}\n{answer.text[-2000:]}"
        return str(answer.headers["location"])

    async def take_token(self, path: str) -> None:
        """Get the form token from a page with a form."""
        found = TOKEN.search(await self.read(path))
        assert found, f"{path} has no form"
        self.token = found[1]

    async def sign_in(self, login: str, password: str = PASSWORD) -> "Browser":
        """Sign in through the form."""
        await self.take_token("/sign-in")
        await self.succeed("/sign-in", login=login, password=password)
        await self.take_token("/follow")
        return self

    def quick_sign_in(self, username: str) -> None:
        """A session as the form would have made it, without the time a password takes."""
        secret = self.do(lambda db: accounts.start_login(db, accounts.by_username(db, username)))
        self.http.cookies.set("__Host-torv", secret, domain="a.example", path="/")


@dataclass
class Visiting:
    """The node with its world, and any number of browsers."""

    database: Database
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    settings: Settings = field(
        default_factory=lambda: Settings(
            origin=ORIGIN, node_name="Torv i a", data_dir="unused", contact_email="t@a.example"
        )
    )

    def __post_init__(self) -> None:
        self.app = create_app(self.settings, federation=federation_with(self.database, self.elsewhere))

    @asynccontextmanager
    async def browser(self, username: str = "", *, client: str = "203.0.113.7") -> AsyncIterator[Browser]:
        """A browser, signed in as `username` if one is given."""
        transport = httpx.ASGITransport(self.app, client=(client, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            made = Browser(http, self.database, self.elsewhere)
            if username:
                made.quick_sign_in(username)
                await made.take_token("/follow")
            yield made


def question(db: Session, beginning: str) -> Post:
    """The question whose title begins so."""
    found = db.scalars(select(Post).where(Post.title.startswith(beginning))).one()
    return found


def person(db: Session, username: str) -> Actor:
    """Somebody of this node."""
    return db.scalars(select(Actor).where(Actor.username == username, Actor.local.is_(True))).one()


def words(html: str) -> str:
    """What a page says, without mark-up, on one line."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())
