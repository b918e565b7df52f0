"""The servers that are measured: each an account with a token at an address, whoever wrote it.

A Torv and a GoToSocial can be started here; any other is named by what stands in `Server`.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from models import accounts, oauth
from tests.bench import activities, wire
from tests.bench.wire import Wire
from tests.farm import actor_at
from tests.fediverse.gotosocial import GoToSocial
from tests.fediverse.ground import Ground
from tests.fediverse.nodes import PASSWORD, RealNode

GENEROUS = {
    "API_CALLS": "1000000000",
    "INBOX_BURST": "1000000",
    "INBOX_PER_SECOND": "86400",
    "INBOX_UNKNOWN_BURST": "1000000",
    "INBOX_UNKNOWN_PER_SECOND": "86400",
}
"""The load comes from one address, so what limits one visitor is opened, as it is for the servers beside."""


@dataclass
class Server:
    """One measured server, and what the loads found out about it."""

    name: str
    handle: str
    """Its account, as `user@host`."""
    address: str
    """`host:port` of the server itself, in clear: what stands before it is not measured."""
    token: str
    """A token of that account with `read write follow`."""
    pid: Callable[[], int]
    start: Callable[[], None] | None = None
    """Starts it again, if we may."""
    stop: Callable[[], None] | None = None
    actor: str = ""
    inbox: str = ""
    shared_inbox: str = ""
    memory: dict[str, Any] = field(default_factory=dict)
    """What loads remember from one round to the next."""

    def __post_init__(self) -> None:
        self.wire = Wire(self.address)
        self.host = self.handle.rpartition("@")[2]

    async def discover(self) -> None:
        """Learn the account's id and inboxes."""
        resource = quote(f"acct:{self.handle}", safe="")
        url = f"https://{self.host}/.well-known/webfinger?resource={resource}"
        found = await self._json(wire.request("GET", url, {"Accept": "application/json"}))
        self.actor = next(link["href"] for link in found["links"] if link.get("rel") == "self")
        document = await self._json(activities.get(self.actor, actor_at(1)))
        self.inbox = document["inbox"]
        self.shared_inbox = document.get("endpoints", {}).get("sharedInbox") or self.inbox

    async def call(self, method: str, path: str, **data: str) -> Any:
        """One call of the client API; its JSON."""
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self.token}"}
        if data:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(data).encode()
        return await self._json(wire.request(method, f"https://{self.host}{path}", headers, body))

    async def _json(self, message: bytes) -> Any:
        answer = await self.wire.ask(message)
        line = message.partition(b"\r\n")[0].decode()
        assert answer.status < 300, f"{self.name}: {line}: {answer.status} {answer.body[:500]!r}"
        return json.loads(answer.body)

    async def follow(self, handle: str) -> None:
        """Let the account follow somebody elsewhere, and wait until he accepted."""
        found = await self.call("GET", f"/api/v2/search?q={quote(handle)}&resolve=true&type=accounts&limit=1")
        id = found["accounts"][0]["id"]
        await self.call("POST", f"/api/v1/accounts/{id}/follow")
        for _ in range(200):
            relation = (await self.call("GET", f"/api/v1/accounts/relationships?id[]={id}"))[0]
            if relation["following"]:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name}: {handle} did not accept")


def torv(ground: Ground, name: str = "torv", **settings: str) -> tuple[Server, RealNode]:
    """A fresh Torv with one member, started. `settings` as in the environment, without the prefix."""
    node = RealNode(ground, f"{name}.bench.test", **(GENEROUS | settings))
    node.fill(lambda db: accounts.create(db, username="anna", email="anna@torv.test", password=PASSWORD, role="member"))
    token = node.fill(lambda db: oauth.issue_for(db, accounts.by_username(db, "anna"), "read write follow"))
    server = Server(
        name=name,
        handle=f"anna@{node.host}",
        address=f"127.0.0.1:{node.port}",
        token=token,
        pid=lambda: node.process.pid,
        start=node.start,
        stop=lambda: _ended(node.process.stop()),
    )
    node.start()
    return server, node


def _ended(code: int) -> None:
    assert code == 0, f"it ended with {code}"


def gotosocial(ground: Ground) -> tuple[Server, GoToSocial]:
    """A fresh GoToSocial with one member, started."""
    instance = GoToSocial(ground, "gotosocial.bench.test")
    instance.start()
    neighbour = instance.account("anna")
    server = Server(
        name="gotosocial",
        handle=f"anna@{instance.name}",
        address=f"127.0.0.1:{instance.port}",
        token=neighbour.token,
        pid=lambda: instance.process.pid,
        start=instance.start,
        stop=lambda: _ended(instance.process.stop(40)),
    )
    neighbour.close()
    return server, instance
