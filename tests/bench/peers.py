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
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httptools
import msgspec

from tests.bench import activities
from tests.bench.wire import Wire
from tests.fediverse.front import Nginx
from tests.fediverse.ground import Ground

DOMAIN = "farm.test"
ACTIVITY = "application/activity+json"
JSON = "application/json"
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


def actor_at(number: int, port: int = 443) -> str:
    """The actor of host `number`."""
    return f"https://h{number}.{DOMAIN}{'' if port == 443 else f':{port}'}/users/u{number}"


def handle_at(number: int, port: int = 443) -> str:
    """His handle."""
    return f"@u{number}@h{number}.{DOMAIN}{'' if port == 443 else f':{port}'}"


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
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Visit(self), "127.0.0.1", 0, backlog=4096)
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
            name = parse_qs(parts.query).get("resource", [""])[0].removeprefix("acct:").partition("@")[0]
            link = {"rel": "self", "type": ACTIVITY, "href": f"https://{host}/users/{name}"}
            return 200, "application/jrd+json", {"subject": f"acct:{name}@{host}", "links": [link]}
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


class _Visit(asyncio.Protocol):
    """One connection to the farm."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: Any) -> None:
        self._write: Callable[[bytes], None] = transport.write

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._target, self._host, self._body = b"", "", bytearray()

    def on_url(self, url: bytes) -> None:
        """Called by the parser."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        if name.lower() == b"host":
            self._host = value.decode()

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body += body

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self._parser.get_method() == b"POST":
            self._farm.receive(self._host, bytes(self._body))
            answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
            if self._farm.delay:
                asyncio.get_running_loop().call_later(self._farm.delay, self._write, answer)
                return
        else:
            status, kind, found = self._farm.document(self._host, self._target.decode())
            body = msgspec.json.encode(found)
            head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
            answer = head.encode() + body
        self._write(answer)


def front(ground: Ground, backend_port: int, hosts: int) -> Nginx:
    """TLS before the farm, and all its hosts' names on the ground."""

    def site(address: str, _chain: Path, _key: Path) -> str:
        chain, key = ground.certificate(f"*.{DOMAIN}")
        backend = f"127.0.0.1:{backend_port}"
        return SITE.format(backend=backend, address=address, port=ground.port, domain=DOMAIN, chain=chain, key=key)

    made = Nginx(ground, DOMAIN, site)
    for number in range(1, hosts + 1):
        ground.addresses[f"h{number}.{DOMAIN}"] = ground.addresses[DOMAIN]
    return made
