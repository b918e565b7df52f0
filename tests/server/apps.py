"""An app with a token at the node `a.example`: what a client on somebody's phone sees."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from models import accounts, oauth
from models.database import Database
from server.app import create_app
from server.settings import Settings
from tests.federation.elsewhere import Elsewhere, federation_with

ORIGIN = "https://a.example"
EVERYTHING = "read write follow push profile"


@dataclass
class Api:
    """Calls that carry a token. `get` and the others want success and give back the JSON; `refused` wants a refusal."""

    http: httpx.AsyncClient
    database: Database
    token: str = ""

    async def call(self, method: str, path: str, **how: Any) -> httpx.Response:
        """One call, whatever comes back."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await self.http.request(method, path, headers={**headers, **how.pop("headers", {})}, **how)

    async def _good(self, method: str, path: str, **how: Any) -> Any:
        answer = await self.call(method, path, **how)
        assert answer.status_code in {200, 202, 206}, f"{method} {path}: {answer.status_code} {answer.text[:1500]}"
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        return await self._good("GET", path, params=query)

    async def post(self, path: str, files: Any = None, **form: Any) -> Any:
        """Send a form. Names with brackets: `**{"media_ids[]": [...]}`."""
        return await self._good("POST", path, data=form, files=files)

    async def put(self, path: str, files: Any = None, **form: Any) -> Any:
        return await self._good("PUT", path, data=form, files=files)

    async def patch(self, path: str, files: Any = None, **form: Any) -> Any:
        return await self._good("PATCH", path, data=form, files=files)

    async def delete(self, path: str, **query: Any) -> Any:
        return await self._good("DELETE", path, params=query)

    async def post_json(self, path: str, value: Any) -> Any:
        return await self._good("POST", path, json=value)

    async def put_json(self, path: str, value: Any) -> Any:
        return await self._good("PUT", path, json=value)

    async def refused(self, status: int, method: str, path: str, **how: Any) -> dict[str, Any]:
        """The error of a call that must end with this status, in the form clients read."""
        answer = await self.call(method, path, **how)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:1500]}"
        error: dict[str, Any] = answer.json()
        assert isinstance(error["error"], str)
        assert error["error"]
        return error


@dataclass
class ApiWorld:
    """The node with its world, and any number of apps."""

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
    async def client(
        self, username: str = "", *, scopes: str = EVERYTHING, client: str = "203.0.113.7"
    ) -> AsyncIterator[Api]:
        """An app that acts for `username`; without a name, one without a token."""
        transport = httpx.ASGITransport(self.app, client=(client, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            yield Api(http, self.database, self.token(username, scopes) if username else "")

    def token(self, username: str, scopes: str = EVERYTHING) -> str:
        """An access token as the sign-in of an app ends in."""
        return self.database.write(
            lambda db: oauth.issue_for(db, accounts.by_username(db, username), scopes, app_name="tests")
        )
