"""A farm of fake servers: signed actors that can be asked for, and inboxes that swallow what is sent there.

    https://h7.farm.test/users/u7         one actor per host; his key can be fetched
    https://h7.farm.test/inbox            answers 202, at once or after `delay`, and remembers when

It speaks HTTP in clear on one port and stands behind one nginx with a certificate for `*.farm.test`.
"""

import asyncio
import itertools
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.bench import activities
from tests.bench.wire import Wire
from tests.farm import ACTIVITY, DOMAIN, JSON, host, listen, web_finger
from tests.fediverse.front import Nginx
from tests.fediverse.ground import Ground

NODEINFO = "http://nodeinfo.diaspora.software/ns/schema/2.0"

SITE = """\
upstream farm {{ server {backend}; keepalive 512; }}
server {{
  listen {address}:{port} ssl backlog=4096;
  server_name *.{domain};
  ssl_certificate {chain}; ssl_certificate_key {key};
  keepalive_timeout 75s;
  location / {{
    proxy_pass http://farm;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
  }}
}}
"""


class Farm:
    """All fake servers, in this process. `delay` is what an inbox waits before it answers, in seconds."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.followed_by: dict[str, tuple[str, Wire]] = {}
        """By id of a measured server's account: its inbox and the way there."""
        self.arrived: dict[str, float] = {}
        self.types: Counter[str] = Counter()
        self._marker = b""
        self._all_there = asyncio.Event()
        self._wanted = 0
        self._names = itertools.count(time.time_ns())
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> int:
        """Answer on a free port, which is returned."""
        self._server = await listen(self._answer, "127.0.0.1")
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def expect(self, marker: str, hosts: int) -> None:
        """From now on remember when each host first got something with `marker` in it; `hosts` of them are to."""
        self._marker, self._wanted = marker.encode(), hosts
        self.arrived.clear()
        self._all_there.clear()

    async def all_there(self, seconds: float) -> None:
        """Wait until every expected host got it. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await self._all_there.wait()

    def _answer(self, method: bytes, host: str, target: str, body: bytes) -> tuple[int, str, Any, float]:
        if method == b"POST":
            self.receive(host, body)
            return 202, JSON, {}, self.delay
        return *self.document(host, target), 0.0

    def document(self, host: str, target: str) -> tuple[int, str, Any]:
        """(status, type, JSON) of what is asked for."""
        parts = urlsplit(target)
        found = re.fullmatch(r"/users/(\w+)(/\w+)?", parts.path)
        if found and not found[2]:
            return 200, ACTIVITY, activities.actor(f"https://{host}{parts.path}")
        if found:
            empty = {"type": "OrderedCollection", "totalItems": 0, "orderedItems": []}
            return 200, ACTIVITY, {"@context": activities.CONTEXT, "id": f"https://{host}{parts.path}", **empty}
        if parts.path == "/.well-known/webfinger":
            return web_finger(host, parts.query)
        if parts.path == "/.well-known/nodeinfo":
            return 200, JSON, {"links": [{"rel": NODEINFO, "href": f"https://{host}/nodeinfo/2.0"}]}
        if parts.path == "/nodeinfo/2.0":
            software = {"name": "farm", "version": "1.0.0"}
            usage = {"users": {"total": 1}, "localPosts": 0}
            return 200, JSON, {
                "version": "2.0", "software": software, "protocols": ["activitypub"], "usage": usage,
                "services": {"inbound": [], "outbound": []}, "openRegistrations": False, "metadata": {},
            }  # fmt: skip
        return 404, JSON, {"error": "There is nothing here."}

    def receive(self, host: str, body: bytes) -> None:
        """Something came to an inbox."""
        if self._marker and self._marker in body and host not in self.arrived:
            self.arrived[host] = time.perf_counter()
            if len(self.arrived) == self._wanted:
                self._all_there.set()
        activity = msgspec.json.decode(body)
        self.types[activity["type"]] += 1
        if activity["type"] == "Follow":
            task = asyncio.get_running_loop().create_task(self._accept(activity))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _accept(self, follow: dict[str, Any]) -> None:
        # GoToSocial drops an Accept that comes while it still fetches the actor.
        await asyncio.sleep(0.2)
        inbox, server = self.followed_by[follow["actor"]]
        await server.ask(activities.post(inbox, activities.accept(follow, str(next(self._names)))))


def front(ground: Ground, backend_port: int, hosts: int) -> Nginx:
    """TLS before the farm, and all its hosts' names on the ground."""

    def site(address: str, _chain: Path, _key: Path) -> str:
        chain, key = ground.certificate(f"*.{DOMAIN}")
        backend = f"127.0.0.1:{backend_port}"
        return SITE.format(backend=backend, address=address, port=ground.port, domain=DOMAIN, chain=chain, key=key)

    made = Nginx(ground, DOMAIN, site)
    for number in range(1, hosts + 1):
        ground.addresses[host(number)] = ground.addresses[DOMAIN]
    return made
