"""A vote in a poll: a Create of a Note that has the name of an option and no text."""

from sqlalchemy.orm import Session

from federation import crossing, reading, urls
from federation.context import Federation
from federation.handlers import wraps
from federation.handlers.effects import Effect, Ignored
from federation.reading import ObjectIn
from federation.verified import Verified
from models import access, actors, ballots, polls, posts
from models.errors import DomainError
from models.posts import Post


async def ballot(fed: Federation, verified: Verified) -> Effect | None:
    """What a vote in a poll of ours does; None for anything else, which is then an ordinary post.

    The parent decides: some servers give every reply a `name`. A vote cannot be fetched, so it counts by the signature
    of its voter or, like every vote, by that of the thread's home community. Raises Ignored for a vote that is none.
    """
    said = _said(verified)
    if said is None:
        return None
    found = await crossing.reading(fed.database, lambda db: _poll_of_ours(db, said))
    if found is None:
        return None
    await wraps.check_home(fed, verified, found)
    voter = await wraps.acting(fed, verified)

    def effect(db: Session) -> str:
        row, post = actors.get(db, voter.id), posts.get(db, found.id)
        if not access.may_see(db, row, post):
            raise Ignored("There is no such poll here.")
        try:
            ballots.note_vote(db, row, post, said.name, said.id)
        except DomainError as error:
            raise Ignored(error.text) from None
        return f"Counted a vote in {post.uri}."

    return effect


def _said(verified: Verified) -> ObjectIn | None:
    doc = verified.activity.object
    if doc is None or not urls.same_origin(verified.activity.object_id, verified.actor):
        return None
    try:
        said = reading.note(doc)
    except reading.Unreadable:
        return None
    return said if said.is_vote and said.author == verified.actor else None


def _poll_of_ours(db: Session, said: ObjectIn) -> Post | None:
    post = posts.by_uri(db, said.in_reply_to)
    if post is None or not post.local or post.deleted_at is not None or polls.get(db, post.id) is None:
        return None
    return post
