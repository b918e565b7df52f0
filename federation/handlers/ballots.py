"""A vote in a poll: a Create of a Note that has the name of an option and no text; or PieFed's `PollVote`."""

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

MAX_TITLE = 500


async def ballot(fed: Federation, verified: Verified) -> Effect | None:
    """What a vote in a poll of ours does; None for anything else, which is then an ordinary post.

    The parent decides: some servers give every reply a `name`. A vote cannot be fetched, so it counts by the signature
    of its voter or, like every vote, by that of the thread's home community. Raises Ignored for a vote that is none.
    """
    said = _said(verified)
    if said is None:
        return None
    found = await crossing.reading(fed.database, lambda db: _ours(db, said.in_reply_to))
    if found is None:
        return None
    return await _count(fed, verified, found, said.name, said.id)


async def poll_vote(fed: Federation, verified: Verified) -> Effect:
    """PieFed's way to vote in a poll of a community: `choice_text` is the option, `object` the poll."""
    activity = verified.activity
    title = reading.line(activity.raw.get("choice_text"), MAX_TITLE)
    found = await crossing.reading(fed.database, lambda db: _ours(db, activity.object_id))
    if found is None:
        raise Ignored("There is no such poll here, or its own server counts it.")
    return await _count(fed, verified, found, title, activity.id)


async def _count(fed: Federation, verified: Verified, poll: Post, title: str, uri: str) -> Effect:
    await wraps.check_home(fed, verified, poll)
    voter = await wraps.acting(fed, verified)

    def effect(db: Session) -> str:
        row, post = actors.get(db, voter.id), posts.get(db, poll.id)
        if not access.may_see(db, row, post):
            raise Ignored("There is no such poll here.")
        try:
            ballots.note_vote(db, row, post, title, uri)
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


def _ours(db: Session, uri: str) -> Post | None:
    post = posts.by_uri(db, uri)
    if post is None or not post.local or post.deleted_at is not None or polls.get(db, post.id) is None:
        return None
    return post
