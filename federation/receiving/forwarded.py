"""Activities of others that somebody passed on to us: what they say counts for nothing, where they point is asked.

One fetch, of the object's own id at its own origin, and only of what anybody may read.
"""

from sqlalchemy.orm import Session

from federation import crossing, resolving
from federation.budget import Budget
from federation.context import Federation
from federation.documents import Gone, check_foreign
from federation.handlers import keeping
from federation.handlers.effects import Effect, Ignored
from federation.reading import ActivityIn
from models import arriving, posts, removing


async def handle(fed: Federation, activity: ActivityIn, budget: Budget) -> Effect:
    """Take over what the origin has under the object's id now: the post, its new edition, or that it is gone."""
    uri = activity.object_id
    check_foreign(fed, uri)
    known = await crossing.reading(fed.database, lambda db: posts.by_uri(db, uri))
    if known is not None and known.deleted_at is not None:
        raise Ignored("This post was deleted.")
    if activity.type == "Delete":
        if known is None:
            raise Ignored("We do not have this post.")
        return await _deleted(fed, uri, budget)
    found = await resolving.fetch_post(fed, uri, budget)
    if found.remote.visibility not in keeping.OPEN:
        raise Ignored("It is not for everybody, so only its author's own server may bring it.")

    def effect(db: Session) -> str:
        if posts.by_uri(db, found.read.id) is not None:
            if not arriving.update_remote(db, found.remote, fetched=True):
                raise Ignored("We have this post as it is.")
            return f"A new edition of {found.read.id}."
        if not keeping.is_wanted(db, found.remote):
            raise Ignored("Nobody here follows its author, is addressed by it, or has what it answers.")
        post = keeping.record(db, found.remote)
        return f"Recorded the {post.kind} {post.uri}."

    return effect


async def _deleted(fed: Federation, uri: str, budget: Budget) -> Effect:
    try:
        await resolving.fetch_post(fed, uri, budget)
    except Gone:

        def effect(db: Session) -> str:
            post = posts.by_uri(db, uri)
            if post is None or post.deleted_at is not None or post.local:
                raise Ignored("It is deleted already.")
            removing.tombstone(db, post)
            return f"Deleted {uri}."

        return effect
    raise Ignored("Its origin still has it.")
