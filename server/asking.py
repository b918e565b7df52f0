"""Whoever asks the node for something, on a page or by an app: what both need to be answered."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from sqlalchemy.orm import Session
from starlette.requests import Request

from federation.context import Federation
from federation.crossing import reading, writing
from models import actors
from models.accounts import Account
from models.actors import Actor
from models.database import Database, Node
from models.errors import Unauthenticated
from server.clients import address, network
from server.limits import Limits
from server.settings import Settings
from server.site import Site

T = TypeVar("T")


class Asker:
    """One request, and who makes it. `account` and `actor` are both set for somebody who is known, else both None."""

    request: Request
    account: Account | None
    actor: Actor | None
    NOBODY: ClassVar[str]
    """What is said where somebody has to be known and nobody is."""

    @property
    def settings(self) -> Settings:
        """The node's settings."""
        settings: Settings = self.request.app.state.settings
        return settings

    @property
    def database(self) -> Database:
        """The node's database."""
        database: Database = self.request.app.state.database
        return database

    @property
    def fed(self) -> Federation:
        """The way to other servers."""
        fed: Federation = self.request.app.state.fed
        return fed

    @property
    def site(self) -> Site:
        """Who the node says it is."""
        site: Site = self.request.app.state.site
        return site

    @property
    def limits(self) -> Limits:
        """The counters of tries."""
        limits: Limits = self.request.app.state.limits
        return limits

    @property
    def node(self) -> Node:
        """Who we are."""
        return self.database.node

    @property
    def me(self) -> Actor:
        """The asker's actor. Raises Unauthenticated where nobody is known."""
        if self.actor is None:
            raise Unauthenticated(self.NOBODY)
        return self.actor

    @property
    def my_account(self) -> Account:
        """The asker's account. Raises Unauthenticated where nobody is known."""
        if self.account is None:
            raise Unauthenticated(self.NOBODY)
        return self.account

    @property
    def client(self) -> str:
        """The network the asker comes from, as limits count it."""
        return network(address(self.request, self.settings.proxy_networks))

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run queries."""
        return await reading(self.database, work)

    async def write(self, work: Callable[[Session, Actor], T]) -> T:
        """Run one transaction for the asker, whose actor row it gets."""
        me = self.me.id
        return await writing(self.database, lambda db: work(db, actors.get(db, me)))
