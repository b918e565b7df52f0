"""QuoteRequest (FEP-044f): somebody elsewhere wants to quote a post of ours."""

from sqlalchemy.orm import Session

from federation import crossing, reading, urls
from federation.context import Federation
from federation.handlers import wraps
from federation.handlers.effects import Effect, Ignored
from federation.verified import Verified
from models import access, actors, posts, quotes


async def quote_request(fed: Federation, verified: Verified) -> Effect:
    """Answer from the author of the post: Accept with a stamp for what anybody may read, else Reject.

    The quoting post (`instrument`) has to be on the asker's own server. Who may not see the post learns nothing.
    """
    activity = verified.activity
    if not verified.signed:
        raise Ignored("Only who quotes can ask for it.")
    quote = reading.one_id(activity.raw.get("instrument"))
    if not quote or not urls.same_origin(quote, verified.actor):
        raise Ignored("The quoting post is not on the server of who asks.")
    quoter = await wraps.acting(fed, verified)
    post = await crossing.reading(fed.database, lambda db: posts.by_uri(db, activity.object_id))
    if post is None or not post.local:
        raise Ignored("There is no such post here.")
    request = {
        "id": activity.id,
        "type": "QuoteRequest",
        "actor": quoter.uri,
        "object": post.uri,
        "instrument": quote,
    }

    def effect(db: Session) -> str:
        row, asker = posts.get(db, post.id), actors.get(db, quoter.id)
        if not access.may_see(db, asker, row):
            raise Ignored("There is no such post here.")
        allowed = quotes.answer(db, row, asker, quote, request)
        return f"{'Allowed' if allowed else 'Refused'} to quote {row.uri}."

    return effect
