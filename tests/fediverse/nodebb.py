"""A real NodeBB as a neighbour, from a checkout that you bring.

    TORV_NODEBB=/path/NodeBB TORV_NODEBB_NODE=/path/bin/node pytest tests/fediverse/test_nodebb.py

`npm install` has run in the checkout, with its `install/package.json` as `package.json`; Node is at least 22. Its Redis
(Debian: `redis-server`) is started for it. It talks to port 443 only, so the test has to be root.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.fediverse.front import Front
from tests.fediverse.ground import Ground, free_port
from tests.fediverse.processes import Process, until
from tests.fediverse.visitor import browser

PASSWORD = "Nabolaget-7Qx!-kun-i-test"

# It looks names up with Node's own resolver and talks to public addresses only: both are told here of the ground.
PRELOADED = """
const names = %s;
const { createRequire } = require('module');
const { IPv4 } = createRequire(process.cwd() + '/app.js')('ipaddr.js');
IPv4.prototype.range = () => 'unicast';
require('dns').promises.lookup = async (name, options) => {
    if (!(name in names)) throw new Error(`only the ground is known, not ${name}`);
    const found = { address: names[name], family: 4 };
    return options && options.all ? [found] : found;
};
"""

# What would keep one person from doing in seconds what others do in days.
WITHOUT_WAITING = {
    "postDelay": 0,
    "initialPostDelay": 0,
    "newbiePostDelay": 0,
    "chatMessageDelay": 0,
    "newbieChatMessageDelay": 0,
    "upvotesPerDay": 0,
    "upvotesPerUserPerDay": 0,
    "downvotesPerDay": 0,
    "downvotesPerUserPerDay": 0,
    "postQueue": 0,
}


def require_nodebb(ground: Ground) -> tuple[Path, Path]:
    """(checkout, Node), or the test is skipped with the reason."""
    checkout, node = os.environ.get("TORV_NODEBB", ""), os.environ.get("TORV_NODEBB_NODE", "")
    if not checkout or not node:
        pytest.skip("set TORV_NODEBB and TORV_NODEBB_NODE to a checkout of NodeBB with its packages and a Node 22")
    if os.geteuid() != 0 or ground.port != 443:
        pytest.skip("NodeBB wants port 443: run this test as root")
    if shutil.which("redis-server") is None:
        pytest.skip("NodeBB needs redis-server")
    return Path(checkout), Path(node)


class NodeBB:
    """One forum with a fresh database."""

    def __init__(self, ground: Ground, name: str) -> None:
        self.checkout, self.node = require_nodebb(ground)
        self.ground = ground
        self.name = name
        self.origin = f"https://{name}"
        self.folder = ground.folder / name
        shutil.copytree(self.checkout / "public" / "uploads", self.folder / "uploads")
        self.port, self._redis_port = free_port(), free_port()
        self.configuration = self.folder / "config.json"
        self.preloaded = self.folder / "ground.js"
        self.preloaded.write_text(PRELOADED % json.dumps(ground.addresses))
        self.front = Front(ground, name, self.port)
        self._processes: list[Process] = []

    @property
    def _environ(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        return kept | {
            "NODE_ENV": os.environ.get("TORV_NODEBB_ENV", "production"),
            "NODE_EXTRA_CA_CERTS": str(self.ground.ca_file),
        }

    def _command(self, *more: str) -> list[str]:
        return [str(self.node), "--require", str(self.preloaded), "app.js", f"--config={self.configuration}", *more]

    def _run(self, *more: str) -> None:
        done = subprocess.run(
            self._command(*more),
            env=self._environ,
            cwd=self.checkout,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}{done.stderr[-3000:]}"

    def start(self) -> None:
        """Set it up, start it and wait until it answers."""
        redis = ["redis-server", "--port", str(self._redis_port), "--bind", "127.0.0.1", "--save", ""]
        self._processes.append(Process(redis, self.folder / "redis.log", self._environ, self.folder))
        chosen = {
            "url": self.origin,
            "secret": "only-for-tests",
            "database": "redis",
            "redis:host": "127.0.0.1",
            "redis:port": str(self._redis_port),
            "redis:password": "",
            "redis:database": "0",
            "admin:username": "admin",
            "admin:email": "admin@nodebb.test",
            "admin:password": PASSWORD,
            "admin:password:confirm": PASSWORD,
        }
        self._run(f"--setup={json.dumps(chosen)}", "--skip-build")
        if not (self.checkout / "build" / "cache-buster").exists():
            self._run("--build=tpl,lang")
        found = json.loads(self.configuration.read_text())
        more = {
            "port": self.port,
            "bind_address": "127.0.0.1",
            "trust_proxy": 1,
            "upload_path": str(self.folder / "uploads"),
        }
        self.configuration.write_text(json.dumps(found | more))
        web = Process(self._command(), self.folder / "web.log", self._environ, self.checkout)
        self._processes.append(web)

        def ready() -> bool:
            assert web.running, web.tail()
            try:
                answer = httpx.get(f"http://127.0.0.1:{self.port}/api/config", timeout=5, trust_env=False)
            except httpx.TransportError:
                return False
            return answer.status_code == 200

        until(f"{self.name} answers", ready, seconds=60, tell=web.tail)
        self.admin = Neighbour(self, "admin")
        for name, value in WITHOUT_WAITING.items():
            self.admin.call("PUT", f"/admin/settings/{name}", value=value)

    def log(self) -> str:
        """The end of what it logged."""
        return self._processes[-1].tail()

    def close(self) -> None:
        """Stop it and throw its data away."""
        for process in reversed(self._processes):
            if process.running:
                process.stop(40)
        self.front.close()

    def account(self, username: str) -> "Neighbour":
        """Make an account and sign in."""
        self.admin.call("POST", "/users", username=username, password=PASSWORD, email=f"{username}@nodebb.test")
        return Neighbour(self, username)

    def category(self, name: str) -> int:
        """Make a category; its number."""
        made = self.admin.call("POST", "/categories", name=name)
        return int(made["cid"])


class Neighbour:
    """Somebody with an account at the NodeBB, through its API."""

    def __init__(self, server: NodeBB, username: str) -> None:
        self.server = server
        self.username = username
        self.handle = f"@{username}@{server.name}"
        self._http = browser(server.ground, server.origin)
        self._take_token()
        self.uid = int(self.call("POST", "/utilities/login", username=username, password=PASSWORD)["uid"])
        self._take_token()
        self.uri = f"{server.origin}/uid/{self.uid}"

    def _take_token(self) -> None:
        self._http.headers["X-CSRF-Token"] = self._http.get("/api/config").raise_for_status().json()["csrf_token"]

    def ask(self, method: str, path: str, **data: Any) -> httpx.Response:
        """One call, whatever comes back."""
        return self._http.request(method, f"/api/v3{path}", json=data)

    def call(self, method: str, path: str, **data: Any) -> Any:
        """One call that must succeed; what it answers."""
        answer = self.ask(method, path, **data)
        assert answer.status_code < 300, f"{method} {path} {data}: {answer.status_code} {answer.text[:800]}"
        return answer.json()["response"]

    def page(self, path: str, **query: Any) -> Any | None:
        """What a page shows, as JSON; None if it is not there (or not yet)."""
        answer = self._http.get(f"/api{path}", params=query or None, follow_redirects=True)
        return answer.json() if answer.status_code == 200 else None

    def topic(self, number: Any) -> Any:
        """A topic: its title, its category, and its posts in order."""
        return self.page(f"/topic/{number}")

    def topic_of(self, uri: str) -> Any | None:
        """The topic in which a post of another server stands; None if it is not known (or not yet)."""
        answer = self.ask("GET", f"/posts/{quote(uri, safe='')}")
        return self.topic(answer.json()["response"]["tid"]) if answer.status_code == 200 else None

    def vote(self, uri: str, delta: int = 1) -> None:
        """Vote for a post, or take the vote back with 0."""
        path = f"/posts/{quote(uri, safe='')}/vote"
        self.call("PUT", path, delta=delta) if delta else self.call("DELETE", path)

    def follow(self, what: str) -> None:
        """Follow a person by `name@host`, or track a category elsewhere by its id."""
        if "://" in what:
            self.call("PUT", f"/categories/{quote(what, safe='')}/watch", state="tracking")
        else:
            self.call("PUT", f"/users/{what}/follow")

    def begin(self, category: int | str, title: str, text: str) -> tuple[int, str]:
        """Begin a topic; its number and the id of its first post."""
        made = self.call("POST", "/topics", cid=category, title=title, content=text)
        return made["tid"], f"{self.server.origin}/post/{made['mainPid']}"

    def reply(self, topic: Any, text: str, **more: Any) -> str:
        """Write in a topic; the id of the post."""
        return f"{self.server.origin}/post/{self.call('POST', f'/topics/{topic}', content=text, **more)['pid']}"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
