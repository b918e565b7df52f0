"""Like and EmojiReact: a vote for a post, one for each actor and post."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from federation import crossing, reading
from federation.context import Federation
from federation.handlers import early, wraps
from federation.handlers.effects import Effect, Ignored
from federation.reading import ActivityIn
from federation.reading.values import string, term, whole_number
from federation.verified import Verified
from models import access, actors, blocks, dogmas, endorsing, posts, reactions, text
from models.errors import Forbidden

MAX_EMOJI = 64


async def like(fed: Federation, verified: Verified) -> Effect:
    """A vote for a post; with `content` a reaction, which counts as one (FEP-c0e0, Misskey, PieFed)."""
    return await vote(fed, verified, 1)


async def vote(fed: Federation, verified: Verified, value: int) -> Effect:
    """Record a vote of 1 or -1, if the voter may see the post; wrapped ones only through the thread's home."""
    activity = verified.activity
    post = await crossing.reading(fed.database, lambda db: posts.by_uri(db, activity.object_id))
    if post is None:
        raise Ignored("We do not have the post.")
    await wraps.check_home(fed, verified, post)
    actor = await wraps.acting(fed, verified)
    inner = reading.without_context(activity.raw) if verified.signed else None
    shown = emoji(activity) if value > 0 else ""
    said_as, version = endorsement(activity)

    def effect(db: Session) -> str:
        voter, row = actors.get(db, actor.id), posts.get(db, post.id)
        if early.was_undone(db, activity):
            raise Ignored("It was taken back before it came.")
        if not access.may_see(db, voter, row) or blocks.blocked_between(db, voter.id, row.author_id):
            raise Ignored("We do not have the post.")
        before = reactions.my_votes(db, voter.id, [row.id]).get(row.id)
        given = endorsing.of(db, voter, row)
        earlier = given.version if given is not None else 0
        try:
            reactions.vote(
                db, voter, row, value, uri=activity.id, emoji=shown, inner=inner, said_as=said_as, version=version
            )
        except Forbidden as refusal:
            # Some servers send a changed vote as the new one only: then the old one is over all the same.
            if refusal.code != "no_down_votes" or not reactions.withdraw_vote(db, voter, row):
                raise
            return f"Took the vote for {row.uri} back; down votes do not count there."
        if before == value and given is not None and given.version > earlier:
            return f"{voter.uri} endorses version {given.version} of {row.uri}."
        if before == value and not shown:
            raise Ignored("We have this vote already.")
        return f"A vote {'for' if value > 0 else 'against'} {row.uri}{f' ({shown})' if shown else ''}."

    return effect


def endorsement(activity: ActivityIn) -> tuple[str, int | None]:
    """As what a like of a dogma says it comes, and for which version it is meant; nothing where it says nothing."""
    named = string(term(activity.raw, "as"), 40)
    return named, whole_number(term(activity.raw, "version"), dogmas.LAST_VERSION)


def emoji(activity: ActivityIn) -> str:
    """The emoji of a reaction: a few characters, or `:name:` if one Emoji tag explains it; else none."""
    shown = text.one_line(text.plain(activity.content[:1000]), MAX_EMOJI)
    if shown.startswith(":") and shown.endswith(":"):
        tag = activity.raw.get("tag")
        tags = tag if isinstance(tag, list) else [tag]
        named = [item for item in tags if isinstance(item, Mapping) and item.get("type") == "Emoji"]
        return shown if len(named) == 1 else ""
    return shown if len(shown) <= 16 and not any(ch.isalnum() and ch.isascii() for ch in shown) else ""
