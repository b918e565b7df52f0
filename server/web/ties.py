"""What a post belongs with: the field of its form that asks for it, and what all its pages show of it.

In the form posts are ticked, named by their addresses, or looked for by words: those found are offered to be ticked,
by a script while one types, else when the form is sent.
"""

import re
from dataclasses import dataclass, field

from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from models import access, links, posts
from models.actors import Actor
from models.errors import DomainError, NotFound
from models.posts import Kind, Post
from models.search import asked as searched
from models.search import finding
from models.search.finding import Filters
from server.elsewhere import find, is_address
from server.forms import Form
from server.i18n import later
from server.web import drafting
from server.web.rendering import render
from server.web.visits import Visit, own_page

FIELD = "links"
MOST_SHOWN = 6
"""Posts that are offered for some words."""

MAX_TEXT = 5000
KINDS = (Kind.QUESTION, Kind.EXPERIENCE, Kind.EVENT, Kind.DOGMA)
OWN_LINK = re.compile(r"/p/(\d{1,19})(?:/|$)")
UNFIT = later("Write the address of a question, a report, a meeting or a dogma.")


@dataclass
class Tied:
    """The field as it is shown."""

    chosen: list[Post] = field(default_factory=list)
    found: list[Post] = field(default_factory=list)
    """What its words may mean, to be ticked."""
    rest: str = ""
    """Words, and addresses of what is not known here yet."""


@dataclass(frozen=True)
class _Written:
    addresses: list[str]
    words: list[str]
    """One for each line that has some."""


def _written(form: Form) -> _Written:
    addresses: list[str] = []
    words: list[str] = []
    for line in "\n".join(form.values.get(FIELD, [])).splitlines():
        parts = line.split()
        addresses += [one for one in parts if is_address(one) or one.startswith("/p/")]
        if rest := " ".join(one for one in parts if not (is_address(one) or one.startswith("/p/"))):
            words.append(rest)
    return _Written(list(dict.fromkeys(addresses)), words)


async def read(visit: Visit, form: Form) -> tuple[Post, ...] | None:
    """The posts that a form names, here and on other servers; faults are noted on it. None: it does not ask."""
    if FIELD not in form.values:
        return None
    if sum(len(one) for one in form.values[FIELD]) > MAX_TEXT:
        form.error(FIELD, later("This is too long."))
        return ()
    written = _written(form)
    if len(written.addresses) > links.MOST:
        form.error(FIELD, later("Write at most twenty addresses."))
        return ()
    if written.words:
        found = (await shown(visit, form)).found
        some, none = (
            later("Tick what you mean, or write an address."),
            later("Nothing here fits these words. Try others, or write an address."),
        )
        form.error(FIELD, some if found else none)
        return ()
    found_posts: dict[int, Post] = {}
    for one in written.addresses:
        try:
            post = await _post_at(visit, one)
        except DomainError as error:
            form.error(FIELD, drafting.said_of(error))
            return ()
        found_posts[post.id] = post
    return tuple(found_posts.values())


async def _post_at(visit: Visit, address: str) -> Post:
    """The first post of the thread that an address of this node or another leads to. Raises NotFound."""
    post = await visit.read(lambda db: _known(db, visit.actor, visit.node.origin, address))
    if post is not None:
        return post
    if not is_address(address) or _own_number(visit.node.origin, address):
        raise NotFound(UNFIT)
    thing = await find(visit, address)
    if isinstance(thing, Actor):
        raise NotFound(UNFIT)
    return await visit.read(lambda db: access.access_post(db, visit.actor, thing.thread_id))


def _own_number(origin: str, address: str) -> int | None:
    match = OWN_LINK.search(address) if address.startswith((f"{origin}/p/", "/p/")) else None
    return min(int(match[1]), 2**63 - 1) if match is not None else None


def _known(db: Session, viewer: Actor | None, origin: str, address: str) -> Post | None:
    number = _own_number(origin, address)
    post = db.get(Post, number) if number else posts.by_uri(db, address)
    return access.several(db, viewer, [post.thread_id]).get(post.thread_id) if post is not None else None


async def shown(visit: Visit, form: Form) -> Tied:
    """The field as it has to be shown again; nothing is fetched for that."""
    written = _written(form)

    def look(db: Session) -> Tied:
        tied, rest = Tied(), list[str]()
        for address in written.addresses[: links.MOST]:
            post = _known(db, visit.actor, visit.node.origin, address)
            if post is None:
                rest.append(address)
            elif post not in tied.chosen:
                tied.chosen.append(post)
        for words in written.words[:3]:
            tied.found += [one for one in search(db, visit.actor, words) if one not in (*tied.chosen, *tied.found)]
        tied.rest = "\n".join([*rest, *written.words])
        return tied

    return await visit.read(look)


def search(db: Session, viewer: Actor | None, words: str) -> list[Post]:
    """Questions, reports, meetings and dogmas that fit some words, the best first."""
    asked = searched.read(words[: searched.MAX_LENGTH])
    found = finding.best(db, viewer, asked, Filters(kinds=KINDS)).ids if asked else []
    seen = access.several(db, viewer, found[:MOST_SHOWN])
    return [seen[id] for id in found[:MOST_SHOWN] if id in seen]


@own_page
async def find_some(visit: Visit) -> Response:
    """`GET /posts/find?q=`: what fits the words, as HTML to put into the field; empty where nothing does."""
    words = visit.query("q")
    found = await visit.read(lambda db: search(db, visit.actor, words))
    values = {**visit.common(), "found": found}
    html = render("ties_found.html", visit.language, visit.settings.time_zone, values)
    return HTMLResponse(html, headers={"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Cookie"})
