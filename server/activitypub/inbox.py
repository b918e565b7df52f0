"""The inboxes: of each actor, and the one that all share. What is taken is stored before the sender hears 202."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from federation import receiving
from federation.context import Federation
from federation.receiving import IncomingRequest, Refusal, Reply
from models.errors import Unavailable
from server import clients
from server.activitypub.answering import federation_of, incoming
from server.floods import Floods, Places

RETRY_AFTER = 30


@dataclass(frozen=True)
class Intake:
    """The way of every activity into this process, whoever speaks HTTP with its sender."""

    fed: Federation
    floods: Floods
    places: Places

    async def take(self, head: IncomingRequest, client: str, read: Callable[[], Awaitable[bytes]]) -> Reply:
        """Rate and size before the body is read; then the proof; then the row; then 202."""
        domain, network = receiving.claimed_host(head), clients.network(client)
        if not self.floods.admits(domain, network):
            return Reply(429, "Too many requests in a short time.", RETRY_AFTER)
        length = head.header("content-length")
        if length.isdigit() and int(length) > self.fed.limits.max_body:
            return Reply(413, "The body is too large.")
        try:
            async with self.places.take(network):
                whole = head.with_body(await read())
                return await receiving.accept(self.fed, whole, self.floods.allowance(domain, network))
        except Unavailable as busy:
            return Reply(503, busy.text, busy.retry_after)


async def shared_inbox(request: Request) -> Response:
    """POST /inbox: for everybody here. Never 410: some servers would take the whole node for dead."""
    return await _receive(request)


async def actor_inbox(request: Request) -> Response:
    """POST /u/lene/inbox: 404 if there is no such actor, 410 if it is deleted."""
    return await _receive(request)


async def _receive(request: Request) -> Response:
    head = incoming(request)
    try:
        receiving.check_form(federation_of(request), head)  # its type, before the body is read
    except Refusal as refusal:
        return _answer(refusal.reply)
    intake: Intake = request.app.state.intake
    client = clients.address(request, request.app.state.settings.proxy_networks)
    return _answer(await intake.take(head, client, request.body))


def _answer(reply: Reply) -> Response:
    return PlainTextResponse(reply.text, reply.status, headers=reply.headers)
