"""An app that wants to act for somebody, and the browser in which that person is asked."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from models.oauth import challenge_of
from models.redirects import OUT_OF_BAND
from tests.server.visiting import Browser

PLACE = "https://app.example/back?from=torv"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-that-is-no-secret"
ALL_SCOPES = "read write follow push profile offline_access"


@dataclass
class AskingApp:
    """A registered app, which talks to the node without a browser."""

    http: httpx.AsyncClient
    client_id: str
    client_secret: str

    @property
    def named(self) -> dict[str, str]:
        """Who it is."""
        return {"client_id": self.client_id, "client_secret": self.client_secret}

    def address(self, **changed: str | None) -> str:
        """The link it sends people to; a value of None leaves a parameter out."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": PLACE,
            "scope": "read write",
            "state": "s t&=æ",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changed,
        }
        return "/oauth/authorize?" + urlencode({name: value for name, value in asked.items() if value is not None})

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.http.post(path, data=form)

    async def exchange(self, code: str, **changed: str) -> httpx.Response:
        """Ask for the token of a code."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": PLACE, "code_verifier": VERIFIER}
        return await self.post("/oauth/token", **{**asked, **self.named, **changed})

    async def me(self, token: str) -> httpx.Response:
        """The simplest thing to do with a token."""
        return await self.http.get("/api/v1/apps/verify_credentials", headers={"Authorization": f"Bearer {token}"})


async def register(http: httpx.AsyncClient, **changed: Any) -> AskingApp:
    """An app as it registers itself."""
    form = {"client_name": "Prøveapp", "redirect_uris": f"{PLACE}\n{OUT_OF_BAND}", "scopes": ALL_SCOPES, **changed}
    made = (await http.post("/api/v1/apps", data=form)).json()
    return AskingApp(http, made["client_id"], made["client_secret"])


async def decide(browser: Browser, address: str, decision: str = "allow", **how: Any) -> httpx.Response:
    """Open the question and answer it."""
    await browser.take_token(address)
    return await browser.send(address, decision=decision, **how)


def told(answer: httpx.Response) -> dict[str, str]:
    """What the app hears with the visitor whom it gets back."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(PLACE + "&")
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items() if name != "from"}


async def code_for(browser: Browser, app: AskingApp, **changed: str | None) -> str:
    """The code the app gets when the browser's person says yes."""
    return told(await decide(browser, app.address(**changed)))["code"]


def basic(id: str, secret: str) -> dict[str, str]:
    """HTTP Basic, as RFC 6749 has it."""
    return {"Authorization": "Basic " + b64encode(f"{id}:{secret}".encode()).decode()}


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    """The answer is OAuth's way of saying no."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert set(said) == {"error", "error_description"}
    assert said["error"] == error
    assert ("www-authenticate" in answer.headers) == (status in {401, 403} and error != "unauthorized_client")
