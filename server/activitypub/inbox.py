"""The inboxes: of each actor, and the one that all share. What is taken is stored before the sender hears 202."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from federation import receiving
from federation.receiving import Refusal, Reply
from models.errors import Unavailable
from server import clients
from server.activitypub.answering import federation_of, incoming
from server.floods import Floods, Places

RETRY_AFTER = 30


async def shared_inbox(request: Request) -> Response:
    """POST /inbox: for everybody here. Never 410: some servers would take the whole node for dead."""
    return await _receive(request)


async def actor_inbox(request: Request) -> Response:
    """POST /u/lene/inbox: 404 if there is no such actor, 410 if it is deleted."""
    return await _receive(request)


async def _receive(request: Request) -> Response:
    """Type, rate and size before the body is read; then the proof; then the row; then 202."""
    fed = federation_of(request)
    head = incoming(request)
    try:
        receiving.check_form(fed, head)
    except Refusal as refusal:
        return _answer(refusal.reply)
    floods: Floods = request.app.state.floods
    domain = receiving.claimed_host(head)
    network = clients.network(clients.address(request, request.app.state.settings.proxy_networks))
    if not floods.admits(domain, network):
        return _answer(Reply(429, "Too many requests in a short time.", RETRY_AFTER))
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > fed.limits.max_body:
        return _answer(Reply(413, "The body is too large."))
    places: Places = request.app.state.places
    try:
        async with places.take(network):
            whole = head.with_body(await request.body())
            return _answer(await receiving.accept(fed, whole, floods.allowance(domain, network)))
    except Unavailable as busy:
        return _answer(Reply(503, busy.text, busy.retry_after))


def _answer(reply: Reply) -> Response:
    return PlainTextResponse(reply.text, reply.status, headers=reply.headers)
