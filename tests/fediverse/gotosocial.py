"""A real GoToSocial as a neighbour, from a binary that you bring.

    TORV_GOTOSOCIAL=/path/gotosocial TORV_GOTOSOCIAL_WEB=/path/web pytest tests/fediverse/test_gotosocial.py

`web` is the folder with `template/` and `assets/` of its release. It looks names up as the system does and talks to
port 443 only, so its neighbours' names stand in /etc/hosts for as long as it runs, and the test has to be root.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.fediverse.front import Front
from tests.fediverse.ground import Ground, free_port
from tests.fediverse.processes import Process, until
from tests.fediverse.visitor import browser

HOSTS = Path("/etc/hosts")
PASSWORD = "Nabolaget-7Qx!-kun-i-test"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"

CONFIGURATION = {
    "log-level": "info",
    "protocol": "https",
    "bind-address": "127.0.0.1",
    "db-type": "sqlite",
    "trusted-proxies": ["127.0.0.0/8", "::1"],
    "instance-expose-public-timeline": True,
    "storage-backend": "local",
    "letsencrypt-enabled": False,
    "http-client": {"allow-ips": ["127.0.0.0/8"], "timeout": "10s"},  # it refuses loopback otherwise
    "advanced-rate-limit-requests": 0,  # all its clients come from one address here
}


def require_gotosocial(ground: Ground) -> tuple[Path, Path]:
    """(binary, web folder), or the test is skipped with the reason."""
    binary, web = os.environ.get("TORV_GOTOSOCIAL", ""), os.environ.get("TORV_GOTOSOCIAL_WEB", "")
    if not binary or not web:
        pytest.skip("set TORV_GOTOSOCIAL and TORV_GOTOSOCIAL_WEB to a GoToSocial binary and its web folder")
    if os.geteuid() != 0 or ground.port != 443:
        pytest.skip("GoToSocial reads /etc/hosts and wants port 443: run this test as root")
    return Path(binary), Path(web)


@contextmanager
def names_in_etc_hosts(ground: Ground) -> Iterator[None]:
    """Let the whole machine know the ground's names, in a marked block that is taken out again."""
    mark = f"torv tests {os.getpid()}"
    block = "".join(f"{address} {name}\n" for name, address in ground.addresses.items())
    _edit_hosts(lambda text: f"{text.rstrip()}\n# begin {mark}\n{block}# end {mark}\n")
    try:
        yield
    finally:
        _edit_hosts(lambda text: re.sub(rf"# begin {mark}\n.*?# end {mark}\n", "", text, flags=re.S))


def _edit_hosts(change: Any) -> None:
    with HOSTS.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = change(file.read())
        file.seek(0)
        file.write(text)
        file.truncate()


class GoToSocial:
    """One instance with a fresh database."""

    def __init__(self, ground: Ground, name: str) -> None:
        self.binary, web = require_gotosocial(ground)
        self.ground = ground
        self.name = name
        self.origin = f"https://{name}"
        self.folder = ground.folder / name
        (self.folder / "storage").mkdir(parents=True)
        self.port = free_port()
        chosen = CONFIGURATION | {
            "host": name,
            "port": self.port,
            "db-address": str(self.folder / "sqlite.db"),
            "storage-local-base-path": str(self.folder / "storage"),
            "web-template-base-dir": f"{web}/template/",
            "web-asset-base-dir": f"{web}/assets/",
        }
        self.configuration = self.folder / "config.yaml"
        self.configuration.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in chosen.items()))
        self.front = Front(ground, name, self.port)
        self._process: Process | None = None

    @property
    def _environ(self) -> dict[str, str]:
        nothing = str(self.folder / "nothing")
        return {**os.environ, "SSL_CERT_FILE": str(self.ground.ca_file), "SSL_CERT_DIR": nothing, "NO_PROXY": "*"}

    def start(self) -> None:
        """Start it and wait until its migrations are done."""
        command = [str(self.binary), "--config-path", str(self.configuration), "server", "start"]
        self._process = process = Process(command, self.folder / "server.log", self._environ, self.folder)

        def ready() -> bool:
            assert process.running, process.tail()
            try:
                answer = httpx.get(
                    f"http://127.0.0.1:{self.port}/nodeinfo/2.0",
                    headers={"Host": self.name, "Accept": "application/json", "User-Agent": "torv-test"},
                    timeout=2,
                    trust_env=False,
                )
            except httpx.TransportError:
                return False
            return answer.status_code == 200

        until(f"{self.name} answers", ready, seconds=120, tell=process.tail)

    @property
    def process(self) -> Process:
        """The running server."""
        assert self._process is not None
        return self._process

    def log(self) -> str:
        """The end of what it logged."""
        return self.process.tail()

    def close(self) -> None:
        """Stop it and throw its data away."""
        if self._process is not None and self._process.running:
            self._process.stop(40)
        self.front.close()
        shutil.rmtree(self.folder / "storage", ignore_errors=True)

    def account(self, username: str, *, locked: bool = False) -> "Neighbour":
        """Make an account and sign in with an app, as people do."""
        email = f"{username}@{self.name}"
        command = [str(self.binary), "--config-path", str(self.configuration), "admin", "account", "create"]
        command += ["--username", username, "--email", email, "--password", PASSWORD]
        made = subprocess.run(
            command, env=self._environ, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert made.returncode == 0, made.stdout + made.stderr
        neighbour = Neighbour(self, username, self._token(email))
        neighbour.call("PATCH", "/api/v1/accounts/update_credentials", locked=str(locked).lower())
        return neighbour

    def _token(self, email: str) -> str:
        scopes = "read write"
        with browser(self.ground, self.origin) as http:
            http.headers["User-Agent"] = "torv-test"
            data = {"client_name": "torv tests", "redirect_uris": OUT_OF_BAND, "scopes": scopes}
            app = http.post("/api/v1/apps", data=data).raise_for_status().json()
            query = {
                "client_id": app["client_id"],
                "redirect_uri": OUT_OF_BAND,
                "response_type": "code",
                "scope": scopes,
            }
            http.get("/oauth/authorize", params=query)
            http.post("/auth/sign_in", data={"username": email, "password": PASSWORD})
            allowed = http.post("/oauth/authorize")
            assert allowed.status_code < 400, f"{allowed.status_code} {allowed.text[:500]}"
            codes = parse_qs(urlsplit(allowed.headers.get("location", "")).query).get("code")
            code = codes[0] if codes else re.search(r"<code>([^<]+)</code>", allowed.text)[1]  # type: ignore[index]
            answer = http.post(
                "/oauth/token",
                data={
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": OUT_OF_BAND,
                    "client_id": app["client_id"],
                    "client_secret": app["client_secret"],
                },
            )
            token: str = answer.raise_for_status().json()["access_token"]
            return token


class Neighbour:
    """Somebody with an account at the GoToSocial, through its client API."""

    def __init__(self, server: GoToSocial, username: str, token: str) -> None:
        self.server = server
        self.username = username
        self.token = token
        self.handle = f"@{username}@{server.name}"
        self._http = browser(server.ground, server.origin)
        self._http.headers.update(
            {"Authorization": f"Bearer {token}", "User-Agent": "torv-test", "Accept": "application/json"}
        )

    def call(self, method: str, path: str, **data: Any) -> Any:
        """One call that must succeed; its JSON."""
        answer = self._http.request(method, path, data=data or None)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def find(self, handle: str) -> Any:
        """The account behind a handle or an address, asked for at its server."""
        found = self._http.get("/api/v2/search", params={"q": handle, "resolve": "true", "type": "accounts"})
        accounts = found.raise_for_status().json()["accounts"]
        assert len(accounts) == 1, f"{handle}: {found.text[:500]}\n{self.server.log()}"
        return accounts[0]

    def follow(self, handle: str) -> str:
        """Ask to follow; the account's id there."""
        account = self.find(handle)
        self.call("POST", f"/api/v1/accounts/{account['id']}/follow")
        found: str = account["id"]
        return found

    def relation(self, account_id: str) -> Any:
        """How we stand to somebody."""
        return self.call("GET", f"/api/v1/accounts/relationships?id[]={account_id}")[0]

    def post(self, text: str, visibility: str = "public", reply_to: str = "") -> Any:
        """Publish a status."""
        more = {"in_reply_to_id": reply_to} if reply_to else {}
        return self.call("POST", "/api/v1/statuses", status=text, visibility=visibility, **more)

    def ask(self, text: str, options: list[str], seconds: int = 86_400) -> Any:
        """Publish a poll."""
        more = {"poll[options][]": options, "poll[expires_in]": str(seconds)}
        return self.call("POST", "/api/v1/statuses", status=text, visibility="public", **more)

    def vote(self, status: Any, choice: int) -> Any:
        """Fill in a ballot; the poll as it is then."""
        return self.call("POST", f"/api/v1/polls/{status['poll']['id']}/votes", **{"choices[]": str(choice)})

    def home(self) -> list[Any]:
        """The home timeline, boosts as what they boost."""
        found: list[Any] = self.call("GET", "/api/v1/timelines/home?limit=40")
        return found

    def status(self, uri: str) -> Any | None:
        """The status with that ActivityPub id, if it stands in the home timeline or among the notices."""
        notices = self.call("GET", "/api/v1/notifications?limit=40")
        for item in (*self.home(), *(notice.get("status") for notice in notices)):
            for status in (item, (item or {}).get("reblog")):
                if status and status["uri"] == uri:
                    return status
        return None

    def again(self, status: Any) -> Any | None:
        """A status as it is now; None if it is gone."""
        answer = self._http.get(f"/api/v1/statuses/{status['id']}")
        return answer.json() if answer.status_code == 200 else None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
