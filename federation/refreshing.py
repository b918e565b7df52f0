"""Reading again what has changed elsewhere: one post, or one actor, as its origin has it now."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from federation import crossing
from federation.budget import Budget, OverBudget
from federation.context import Federation
from federation.documents import FetchFailed, Gone, Passing
from federation.resolving import actor, fetch_post
from models import arriving, posts, removing

FETCHES = 4


async def refresh_post(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `refresh_post`: take over a post as its origin has it now. `deleted`: its community said that it is gone."""
    uri = str(payload["uri"])
    try:
        found = await fetch_post(fed, uri, Budget(fetches=FETCHES))
    except Passing as error:
        raise TimeoutError(str(error)) from error
    except Gone:
        if payload.get("deleted"):
            await crossing.writing(fed.database, lambda db: _tombstone(db, uri))
        return
    except (FetchFailed, OverBudget):
        return
    await crossing.writing(fed.database, lambda db: arriving.update_remote(db, found.remote, fetched=True))


def _tombstone(db: Session, uri: str) -> None:
    post = posts.by_uri(db, uri)
    if post is not None and not post.local:
        removing.tombstone(db, post)


async def refresh_actor(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `refresh_actor`: take over an actor as its origin has it now."""
    try:
        await actor(fed, str(payload["uri"]), Budget(fetches=FETCHES), fresh=True)
    except Passing as error:
        raise TimeoutError(str(error)) from error
    except (FetchFailed, OverBudget):
        return
