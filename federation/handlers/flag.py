"""Flag: somebody elsewhere reports something of ours to our moderators."""

from datetime import timedelta

from sqlalchemy.orm import Session

from federation import reading
from federation.context import Federation
from federation.handlers import wraps
from federation.handlers.effects import Effect, Ignored
from federation.verified import Verified
from models import actors, moderation, posts, text
from models.base import now

MAX_OBJECTS = 51
PER_HOUR = 20
"""Reports that one actor elsewhere may send."""


async def flag(fed: Federation, verified: Verified) -> Effect:
    """Put a report before the moderators, if it is about an actor or post of ours or in a community of ours."""
    activity = verified.activity
    if not verified.signed:
        raise Ignored("A report counts from the reporter's own server only.")
    reporter = await wraps.acting(fed, verified)
    names = [name for name in map(reading.one_id, activity.objects[:MAX_OBJECTS]) if name]
    comment = text.plain(activity.content or activity.summary)

    def effect(db: Session) -> str:
        if moderation.count_reports(db, reporter.id, now() - timedelta(hours=1)) >= PER_HOUR:
            raise Ignored("Too many reports by one actor in an hour.")
        people = [actor for actor in actors.by_uris(db, names) if actor.local]
        found = [post for name in names if (post := posts.by_uri(db, name)) is not None]
        ours = [post for post in found if post.local or _in_our_community(db, post)]
        if not people and not ours:
            raise Ignored("It is about nothing of ours.")
        target = people[0] if people else actors.get(db, ours[0].author_id)
        made = moderation.report(
            db, actors.get(db, reporter.id), target=target, post_uris=[post.uri for post in ours], comment=comment,
            uri=activity.id,
        )  # fmt: skip
        if made is None:
            raise Ignored("We have this report already.")
        return f"A report about {target.uri}."

    return effect


def _in_our_community(db: Session, post: posts.Post) -> bool:
    return post.community_id is not None and actors.get(db, post.community_id).local
