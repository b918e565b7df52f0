"""Doors from and to other servers (FEP-3b86): somebody from elsewhere is brought here to follow or answer with his
account here, and somebody who reads here is sent to his own server to answer there. A page always lies in between,
so that no link from anywhere does anything, or leads anywhere, before a person has said so.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.responses import Response

from federation import discovery
from federation.resolving import Budget, FetchFailed, OverBudget, Passing
from models import access, actors, follows, reactions
from models.actors import Actor
from models.errors import DomainError, Invalid, NotFound
from models.posts import Post
from server.elsewhere import SECONDS, UNREACHABLE, find
from server.forms import Form
from server.i18n import later
from server.limits import FINDING_BY_ADDRESS
from server.web.rendering import post_path, profile_path
from server.web.visits import Visit, action, open_action, own_page, page

SUBSCRIBE = discovery.SUBSCRIBE
VARIABLE = re.compile(r"\{([^{}]{0,40})\}")


def _wanted(visit: Visit) -> str:
    wanted = visit.query("uri").strip()
    if not wanted:
        raise Invalid("The link does not say whom or what it is about.")
    return wanted


def _return_to(address: str) -> str:
    """Where the other site wants its visitor back (`on-success`): an https address, shown as a link and never obeyed."""
    return address if address.startswith("https://") and address.isascii() and len(address) < 2000 else ""


@own_page
async def follow_form(visit: Visit) -> Response:
    """`GET /intents/follow?uri=`: do you want to follow this?"""
    return await _ask(visit, "follow")


@own_page
async def object_form(visit: Visit) -> Response:
    """`GET /intents/object?uri=`: do you want to open this here?"""
    return await _ask(visit, "object")


@own_page
async def interact_form(visit: Visit) -> Response:
    """`GET /authorize_interaction?uri=`: as Mastodon calls it; a person or a post."""
    return await _ask(visit, "object")


async def _ask(visit: Visit, what: str) -> Response:
    wanted = _wanted(visit)

    def look(db: Session) -> Actor | Post | None:
        return actors.by_uri(db, wanted) or actors.find(db, wanted.removeprefix("acct:").lstrip("@"))

    known = await visit.read(look)
    return visit.page(
        "intent.html",
        what=what,
        uri=wanted,
        known=known if isinstance(known, Actor) and known.active else None,
        return_to=_return_to(visit.query("on-success")),
    )


@action
async def follow(visit: Visit, form: Form) -> Response:
    """`POST /intents/follow`: follow, and show the profile."""
    found = await find(visit, form.raw("uri"))
    if not isinstance(found, Actor):
        raise NotFound("That is a post, not a person or a community.")
    row = await visit.write(lambda db, me: follows.request(db, me, actors.get(db, found.id)))
    said = "followed" if row.state == "accepted" else "follow-asked"
    return _done(visit, form, profile_path(found), said)


@action
async def open_object(visit: Visit, form: Form) -> Response:
    """`POST /intents/object`: fetch it if need be, and show it."""
    found = await find(visit, form.raw("uri"))
    return _done(visit, form, profile_path(found) if isinstance(found, Actor) else post_path(found), "")


def _done(visit: Visit, form: Form, path: str, said: str) -> Response:
    if return_to := _return_to(form.raw("return_to")):
        return visit.page("intent_done.html", path=path, return_to=return_to, what=said)
    return visit.go(path, said=said)


@dataclass(frozen=True)
class Doors:
    """Where a visitor's own server wants him sent; empty where it does not say."""

    answer: str
    share: str


@page
async def from_home_form(visit: Visit) -> Response:
    """`GET /posts/{id}/from-home`: share a post, or answer it from your own server."""
    return await _from_home_page(visit, Form())


async def _from_home_page(visit: Visit, form: Form, status: int = 200, *, doors: Doors | None = None) -> Response:
    def look(db: Session) -> tuple[Post, bool]:
        post = access.access_post(db, visit.actor, visit.path("id"))
        return post, visit.actor is not None and bool(reactions.my_boosts(db, visit.actor.id, [post.id]))

    post, boosted = await visit.read(look)
    address = visit.node.origin + post_path(post)
    return visit.page(
        "from_home.html", status=status, form=form, post=post, doors=doors, boosted=boosted, address=address
    )


@open_action
async def from_home(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/from-home`: ask the visitor's server where it wants him sent, and show the links there."""
    post = await visit.read(lambda db: access.access_post(db, visit.actor, visit.path("id")))
    doors = None
    try:
        doors = await _doors_of(visit, form.line("handle", most=300), post)
    except DomainError as error:
        if error.status == 429:
            raise
        form.error("handle", error.text)
    if form.errors:
        return await _from_home_page(visit, form, 422)
    return await _from_home_page(visit, form, doors=doors)


async def _doors_of(visit: Visit, handle: str, post: Post) -> Doors:
    """Ask by WebFinger. Raises Invalid where nobody is found, or nothing said."""
    await visit.limits.count(FINDING_BY_ADDRESS, visit.client)
    try:
        wanted = discovery.handle(handle)
        jrd = await discovery.webfinger(visit.fed, wanted, Budget(fetches=4, seconds=SECONDS))
    except Passing:
        raise Invalid(UNREACHABLE) from None
    except (FetchFailed, OverBudget):
        raise Invalid(later("We found nobody by that name there. Check the spelling.")) from None
    page = visit.node.origin + post_path(post)
    create = jrd.intent("Create")
    replies = create if "{inReplyTo}" in create else ""
    answer = replies or jrd.intent("Object") or jrd.templates.get(SUBSCRIBE, "")
    share = jrd.intent("Announce") or create
    words = f"{post.title}\n{page}" if post.title else page
    doors = Doors(_filled(answer, post, page), _filled(share, post, page, words))
    if not (doors.answer or doors.share):
        raise Invalid(
            later("That server does not say where to answer. Copy the address below and search for it there.")
        )
    return doors


def _filled(template: str, post: Post, page: str, content: str = "") -> str:
    """A door with what it is about written in; what we have nothing to say for stays empty (FEP-3b86).

    Only https addresses: it is another server that chose it.
    """
    known = {"uri": post.uri, "object": post.uri, "inReplyTo": post.uri, "content": content}
    known |= {"on-success": page, "on-cancel": page}
    filled = VARIABLE.sub(lambda found: quote(known.get(found[1], ""), safe=""), template)
    return filled if filled.startswith("https://") else ""
