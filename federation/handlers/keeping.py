"""Whether a post of another server is kept here, and recording it with what it answers."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy.orm import Session

from federation.budget import Budget
from federation.handlers.effects import Ignored
from federation.reading import without_context
from federation.resolving import FetchedPost
from models import actors, admission, arriving, composing, follows, jobs, posts, threads
from models.access import OPEN
from models.arriving import RemotePost
from models.errors import Gone
from models.posts import Post

__all__ = ["OPEN", "forward", "hear_the_rest", "is_wanted", "record", "record_ancestor"]


def is_wanted(db: Session, remote: RemotePost, audience: Sequence[str] = ()) -> bool:
    """Somebody here follows the author, is mentioned or addressed, or it answers a post that we have.

    Everything else is dropped: a node is not an archive of the network.
    """
    if follows.followed_here(db, remote.author.id) or posts.by_uri(db, remote.in_reply_to_uri) is not None:
        return True
    if remote.community is not None and remote.community.local:
        return True
    named = {*remote.addressed, *remote.mentions, *audience}
    return any(actor.local for actor in actors.by_uris(db, named))


def record(
    db: Session,
    remote: RemotePost,
    *,
    ancestors: Sequence[FetchedPost] = (),
    inner: Mapping[str, Any] | None = None,
    budget: Budget | None = None,
) -> Post:
    """Record the posts it answers, oldest first, and then the post itself. Raises Ignored if we have it.

    `budget` is what may still be fetched because of it; a job that completes the thread gets the rest.
    """
    for one in ancestors:
        record_ancestor(db, one.remote)
    group = remote.community
    if group is not None and group.local and not remote.in_reply_to_uri:
        error = admission.no_question(db, remote.author, group)
        if error is not None:
            raise Ignored(error.text)
    post, new = arriving.record_remote(db, remote, inner=without_context(inner) if inner else None)
    if not new:
        raise Ignored("We have this post already.")
    if ancestors:
        hear_the_rest(db, post, budget)
    return post


def record_ancestor(db: Session, remote: RemotePost) -> None:
    """Record a post that was fetched for another's sake: nobody is told. One that was deleted meanwhile is left out."""
    if remote.visibility in OPEN:
        with suppress(Gone):
            arriving.record_remote(db, remote, told=False)


def hear_the_rest(db: Session, post: Post, budget: Budget | None) -> None:
    """A thread that is new here has more replies than the one that brought it: ask for them later."""
    root = posts.get(db, post.thread_id)
    if root.id != post.id and not root.local:
        payload = {"uri": root.uri, "budget": budget.carry() if budget is not None else None}
        jobs.enqueue(db, "backfill", payload, dedupe=f"backfill:{root.uri}")


def forward(db: Session, post: Post, remote: RemotePost, received_id: int) -> None:
    """Pass a reply to our asker's question on to its home community elsewhere, if it did not address that itself.

    The bytes go as they came, from the inbox row (ActivityPub 7.1.2).
    """
    found = threads.forwarding(db, post, remote.addressed)
    if found is not None and composing.open_visibility(post):
        asker, home = found
        payload = {"received": received_id, "actor": asker.id, "inbox": home.inbox}
        jobs.enqueue(db, "forward", payload, dedupe=f"forward:{received_id}:{home.id}")
