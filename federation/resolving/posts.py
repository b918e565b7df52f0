"""Posts of other servers: fetched from their own id, checked against their author, turned into what `models` records."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from federation import crossing, reading, urls
from federation.budget import Budget, OverBudget
from federation.context import Federation
from federation.documents import Document, FetchFailed, Gone, Unusable, fetch, fetch_collection
from federation.reading import ObjectIn
from federation.resolving.actors import actor
from models import actors, posts
from models.actors import Actor
from models.arriving import RemotePost
from models.base import now
from models.posts import Post, Visibility

KINDS = {"Event": "event"}
"""What a type of other servers is to our readers, where no `torv:kind` says it."""


@dataclass(frozen=True, slots=True)
class FetchedPost:
    """A post as its origin has it now, and who wrote it."""

    read: ObjectIn
    remote: RemotePost


async def known(fed: Federation, uri: str) -> Post | None:
    """The row of the post with this id, if there is one, tombstones included."""
    return await crossing.reading(fed.database, lambda db: posts.by_uri(db, uri))


async def fetch_post(fed: Federation, uri: str, budget: Budget) -> FetchedPost:
    """The post with this id as its origin has it now; nothing is recorded but its author.

    Raises Gone, Unusable, Passing, OverBudget.
    """
    document = await fetch(fed, uri, budget)
    if document.deleted:
        raise Gone("Its server shows a Tombstone.")
    try:
        read = reading.note(document.doc)
    except reading.Unreadable as error:
        raise Unusable(error.text) from error
    return FetchedPost(read, await to_remote(fed, read, budget))


async def first_in_thread(fed: Federation, document: Document, budget: Budget) -> str:
    """The id of the post that a thread begins with, from what stands at the thread's own address (FEP-7888).

    That is what one copies from the address bar of a NodeBB. Raises Gone, Unusable, Passing, OverBudget.
    """
    try:
        found = reading.collection(document.doc)
    except reading.Unreadable as error:
        raise Unusable(error.text) from error
    if found.first:
        found = await fetch_collection(fed, found.first, budget)
    items = (found.first_page or found).items
    if not items:
        raise Unusable("The collection is empty.")
    return items[0]


def check_author(read: ObjectIn) -> None:
    """Raise Unusable unless a post and its author are on one host: no server speaks for another's people."""
    if not urls.same_origin(read.id, read.author):
        raise Unusable("The post and its author are on different hosts.")


async def to_remote(fed: Federation, read: ObjectIn, budget: Budget) -> RemotePost:
    """What `models` needs to record a post: its author and its home community as rows, its visibility.

    Raises Unusable if post and author are on different hosts or the author is suspended, and what fetching raises.
    """
    check_author(read)
    author = await actor(fed, read.author, budget)
    if not author.active:
        raise Unusable("The author is suspended, deleted, or on a blocked server.")
    remote = remote_of(read, author)
    if read.extra.get("coAuthor") or read.extra.get("contact"):
        co_authors = await people(fed, read.extra.get("coAuthor", ()), budget)
        remote = replace(
            remote, co_authors=co_authors, contacts=await people(fed, read.extra.get("contact", ()), budget)
        )
    if remote.visibility not in (Visibility.PUBLIC, Visibility.UNLISTED) or read.in_reply_to:
        return remote
    return replace(remote, community=await home(fed, read, budget))


def remote_of(read: ObjectIn, author: Actor) -> RemotePost:
    """What `models` needs to record a post, but for its community and the people a report names."""
    return RemotePost(
        uri=read.id,
        author=author,
        visibility=Visibility(read.visibility(author.followers_uri)),
        published=read.published or now(),
        url=read.url,
        object_type=read.type,
        kind_hint=read.kind or KINDS.get(read.type, ""),
        title=read.name,
        content=read.content,
        source=read.source,
        summary=read.summary,
        sensitive=read.sensitive,
        language=read.language,
        attachments=list(read.attachments),
        extra=read.extra,
        in_reply_to_uri=read.in_reply_to,
        context_uri=read.context,
        to=list(read.to),
        cc=list(read.cc),
        mentions=list(read.mentions),
        tags=list(read.hashtags),
        updated=read.updated,
        accepted_uri=read.accepted,
        poll=read.poll,
    )


async def people(fed: Federation, uris: Sequence[str], budget: Budget) -> list[Actor]:
    """Those whom a report names beside its author, as far as they can be found; nobody is missing for want of one."""
    found = []
    for uri in uris:
        with suppress(FetchFailed, OverBudget):
            one = await actor(fed, uri, budget)
            if one.active:
                found.append(one)
    return found


async def home(fed: Federation, read: ObjectIn, budget: Budget) -> Actor | None:
    """The community a first post is for: its `audience`, else the one Group of ours that it addresses."""
    for uri in read.audience[:2]:
        try:
            found = await actor(fed, uri, budget)
        except (FetchFailed, OverBudget):
            continue
        if found.is_community and found.active:
            return found
    addressed = (*read.to, *read.cc)
    named = await crossing.reading(fed.database, lambda db: actors.by_uris(db, addressed))
    ours = [one for one in named if one.local and one.is_community and one.active]
    return ours[0] if len(ours) == 1 else None
