"""Keeping house in OAuth's tables: anybody may register an app, so what nobody uses has to go by itself."""

from datetime import timedelta

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from models.base import now
from models.oauth import REFRESH_DAYS, AccessToken, Grant
from models.oauth_apps import App
from models.push import Subscription

UNUSED_APP_DAYS = 7
UNUSED_OWN_DAYS = 90
"""Days after which a token that an app has for itself and does not use is forgotten."""


def sweep(db: Session, limit: int) -> int:
    """Forget codes and tokens that are long over, apps that have neither, and devices to be told of notices whose token
    was taken back; how many of the most there were."""
    day_ago, month_ago = now() - timedelta(days=1), now() - timedelta(days=30)
    grants = select(Grant.code_hash).where(Grant.expires_at < day_ago).limit(limit)
    gone = list(db.scalars(grants))
    db.execute(delete(Grant).where(Grant.code_hash.in_(gone)))
    tokens = list(
        db.scalars(
            select(AccessToken.id)
            .where(
                or_(
                    AccessToken.revoked_at < month_ago,
                    AccessToken.expires_at < now() - timedelta(days=REFRESH_DAYS),
                    AccessToken.account_id.is_(None) & (AccessToken.used_at < now() - timedelta(days=UNUSED_OWN_DAYS)),
                )
            )
            .limit(limit)
        )
    )
    db.execute(delete(AccessToken).where(AccessToken.id.in_(tokens)))
    used = or_(exists().where(AccessToken.app_id == App.id), exists().where(Grant.app_id == App.id))
    apps = list(
        db.scalars(select(App.id).where(App.created_at < now() - timedelta(days=UNUSED_APP_DAYS), ~used).limit(limit))
    )
    db.execute(delete(App).where(App.id.in_(apps)))
    alive = exists().where(AccessToken.family_id == Subscription.family_id, AccessToken.revoked_at.is_(None))
    devices = list(db.scalars(select(Subscription.id).where(~alive).limit(limit)))
    db.execute(delete(Subscription).where(Subscription.id.in_(devices)))
    return max(len(gone), len(tokens), len(apps), len(devices))
