"""A call of the client API: who calls, with which rights, and the way to read, write and answer.

@endpoint("write:favourites", Nothing, Status)
async def favourite(call: Call, args: Nothing) -> Status:
    ...

The decorator only describes; `routes.py` says under which address an endpoint answers, and `Endpoint` does what all
have in common: the token, its scope, the arguments, the limit on how often, and the answer as JSON.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

import msgspec
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from federation.crossing import reading, writing
from models import oauth, oauth_apps, scopes
from models.accounts import Account, Wait, hash_token
from models.actors import Actor
from models.base import now
from models.database import Database, Node
from models.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from models.oauth_use import note_use, use_is_due
from server import i18n
from server.api import arguments
from server.api.paging import Page
from server.asking import Asker
from server.kept import WHOLE_SECONDS, Kept, repeatable
from server.limits import API_COSTLY_SECONDS, API_SECONDS, Rule, api_calls
from server.security import is_json

T = TypeVar("T")
Who = Literal["user", "newcomer", "app", "anybody"]
Function = Callable[["Call", Any], Awaitable[Any]]


PRIVATE = {"Cache-Control": "private, no-store"}

WAITS = {
    Wait.CONFIRMATION: "Your login is missing a confirmed e-mail address",
    Wait.APPROVAL: "Your login is currently pending approval",
    Wait.REFUSAL: "Your login is currently disabled",
}
"""What whoever is not let in yet hears to whatever he calls, in Mastodon's words."""


@dataclass(frozen=True)
class Described:
    """What an endpoint needs and gives; the decorator's result."""

    function: Function
    scope: str | None
    args: type[msgspec.Struct]
    answer: Any
    who: Who
    costly: bool
    kept: bool

    @property
    def name(self) -> str:
        """`statuses.favourite`: what the API description calls it."""
        return f"{self.function.__module__.rpartition('.')[2]}.{self.function.__name__}"


def endpoint(
    scope: str | None,
    args: type[msgspec.Struct] = arguments.Nothing,
    answer: Any = None,
    *,
    who: Who = "user",
    costly: bool = False,
    kept: bool = False,
) -> Callable[[Function], Described]:
    """Describe an endpoint.

    `scope` is what a token must cover, None for nothing. `who` may call: somebody with an account (`user`), also one that
    waits to be let in (`newcomer`), any app
    that has a token (`app`), or `anybody`, whose token, if there is one, must be good all the same. `args` and
    `answer` are the types of what comes in and goes out. `costly`: uploads and deletions, of which there are fewer.
    `kept`: the answer to a GET that hangs on nothing but its address, the caller's account, the database and the clock, so
    that the same question gets it from memory until something is changed.
    """

    def describe(function: Function) -> Described:
        return Described(function, scope, args, answer, who, costly, kept)

    return describe


@dataclass(frozen=True)
class Reply:
    """An answer that is not simply 200."""

    value: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call(Asker):
    """One request of a client. `account` and `actor` are set where a person's token was sent."""

    NOBODY = "This method requires an authenticated user"

    request: Request
    token: oauth.AccessToken | None = None
    account: Account | None = None
    actor: Actor | None = None
    app: oauth_apps.App | None = None
    files: dict[str, UploadFile] = field(default_factory=dict)

    @property
    def idempotency_key(self) -> str:
        """What the client calls this attempt, so that trying again does nothing twice; empty if it says nothing."""
        return self.request.headers.get("idempotency-key", "")[:200]

    @property
    def language(self) -> str:
        """The language of texts we write into an answer."""
        if self.account is not None:
            return i18n.known(self.account.language)
        return i18n.accepted(self.request.headers.get("accept-language", ""), self.settings.default_language)

    def path(self, name: str = "id") -> int:
        """An id from the address. Raises NotFound for what cannot be one."""
        text = self.path_text(name)
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63):
            raise NotFound("Record not found")
        return int(text)

    def path_text(self, name: str) -> str:
        """A word from the address."""
        return str(self.request.path_params[name])

    def may(self, scope: str) -> bool:
        """Whether the token covers this scope too."""
        return self.token is not None and scopes.covers(self.token.scopes, scope)


class Endpoint:
    """What answers at one address and method."""

    def __init__(self, method: str, path: str, described: Described) -> None:
        self.method = method
        self.path = path
        self.described = described

    async def __call__(self, request: Request) -> Response:
        """Check who calls and how often, read the arguments, do it, and answer."""
        described = self.described
        call = await _call(request, described)
        rule, key = _rule(call, described)
        remaining, reset = await call.limits.spend(rule, key)
        request.state.rate = (rule.times, remaining, reset)
        if described.kept and not is_json(request.headers):
            response = await self._kept(call)
            if call.token is not None and _goes_on(call.token):
                repeatable(request, rule, key)
        else:
            response = respond(request, call.node, await self._value(call))
        if call.token is not None and response.background is None and use_is_due(call.token):
            response.background = BackgroundTask(_note_use, call.database, call.token.id)
        return response

    async def _value(self, call: Call) -> Any:
        args, call.files = await arguments.read(call.request, self.described.args)
        try:
            return await self.described.function(call, args)
        finally:
            if (uploads := getattr(call.request.state, "uploads", None)) is not None:
                await uploads.close()

    async def _kept(self, call: Call) -> Response:
        """The answer from memory, or worked out as bytes and kept for whoever asks the same."""

        async def make() -> tuple[bytes, str]:
            value = await self._value(call)
            links = value.links(call.request, call.node.origin) if isinstance(value, Page) else ""
            return msgspec.json.encode(value.items if isinstance(value, Page) else value), links

        scope = call.request.scope
        asker = None if call.account is None else call.account.id
        key = ("call", self.method, scope["path"], scope["query_string"], asker)
        kept: Kept = call.request.app.state.kept
        body, links = await kept.get(key, make, lambda made: len(made[0]) + len(scope["query_string"]) + 500)
        headers = PRIVATE | ({"Link": links} if links else {})
        return Response(body, 200, headers, media_type="application/json")


def _goes_on(token: oauth.AccessToken) -> bool:
    """Whether the token does not run out in this moment, nor its use is to be written down."""
    soon = now() + timedelta(seconds=WHOLE_SECONDS)
    return (token.expires_at is None or token.expires_at > soon) and not use_is_due(token)


async def _note_use(database: Database, token_id: int) -> None:
    """After the answer, and at most once an hour: when somebody's app last did something for him."""
    with suppress(Unavailable):
        await writing(database, lambda db: note_use(db, token_id))


async def _call(request: Request, described: Described) -> Call:
    secret = bearer(request)
    if secret is None:
        if described.who != "anybody":
            raise Unauthenticated("The access token is invalid", code="invalid_token")
        return Call(request)
    found = await _known(request, secret)
    if found is None:
        raise Unauthenticated("The access token is invalid", code="invalid_token")
    call = Call(request, found.token, found.account, found.actor, found.app)
    if call.account is not None and call.account.waits_for and described.who not in {"newcomer", "app"}:
        raise Forbidden(WAITS[Wait(call.account.waits_for)], code="waits")
    if described.who in {"user", "newcomer"} and call.actor is None:
        raise Forbidden("This method requires an authenticated user", code="user_required")
    if described.scope is not None and not call.may(described.scope):
        raise Forbidden("This action is outside the authorized scopes", code="scope_missing")
    return call


async def _known(request: Request, secret: str) -> oauth.Known | None:
    """Who holds this token now. What is revoked, suspended or changed anywhere is so with the next call."""
    database: Database = request.app.state.database
    kept: Kept = request.app.state.kept
    found = await kept.get(
        ("token", hash_token(secret)), lambda: reading(database, lambda db: oauth.who(db, secret)), lambda _: 5000
    )
    over = found is not None and found.token.expires_at is not None and found.token.expires_at <= now()
    return None if over else found


def bearer(request: Request) -> str | None:
    """The access token of a request, from the header or, as some clients do for streams, from the query."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind:
        return secret.strip() if kind.lower() == "bearer" else ""
    return request.query_params.get("access_token")


def _rule(call: Call, described: Described) -> tuple[Rule, str]:
    if call.token is None:
        return api_calls(call.settings), call.client
    key = str(call.token.account_id or call.token.id)
    if described.costly:
        return Rule("api/costly", call.settings.api_uploads, API_COSTLY_SECONDS), key
    return api_calls(call.settings), key


def respond(request: Request, node: Node, value: Any) -> Response:
    """A value as the answer a client reads."""
    if isinstance(value, Response):
        return value
    reply = value if isinstance(value, Reply) else Reply(value)
    headers = PRIVATE | reply.headers
    content = reply.value
    if isinstance(content, Page):
        if links := content.links(request, node.origin):
            headers["Link"] = links
        content = content.items
    body = msgspec.json.encode({} if content is None else content)
    return Response(body, reply.status, headers, media_type="application/json")


def rate_headers(rate: tuple[int, int, float] | None, calls: int) -> dict[str, str]:
    """The three headers that tell a client how often it may still call; `calls` where nothing was counted."""
    times, remaining, reset = rate or (calls, calls, now().timestamp() + API_SECONDS)
    at = datetime.fromtimestamp(reset, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"X-RateLimit-Limit": str(times), "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": at}
