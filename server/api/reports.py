"""Telling the moderators of somebody."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from sqlalchemy.orm import Session

from models import moderation, statuses
from models.actors import Actor
from models.errors import Invalid
from models.moderation import MAX_REPORTED
from server.api import show_accounts
from server.api.arguments import Id, Whole
from server.api.calls import Call, endpoint
from server.api.entities.relations import Report
from server.api.seeing import known
from server.api.times import stamp

Category = Literal["spam", "legal", "violation", "other"]


class Told(Struct, kw_only=True):
    """Whom, for what, and whether his own server is to hear of it."""

    account_id: Id
    status_ids: list[Id] = []
    comment: Annotated[str, Meta(max_length=5000)] = ""
    forward: bool = False
    category: Category | None = None
    rule_ids: list[Whole] = []


@endpoint("write:reports", Told, Report)
async def create(call: Call, args: Told) -> Report:
    """`POST /api/v1/reports`. The statuses have to be that account's, and such as the caller may see."""

    def work(db: Session, me: Actor) -> Report:
        target = known(db, args.account_id)
        posts = [item.post for item in statuses.several(db, me, args.status_ids[:MAX_REPORTED])]
        if any(post.author_id != target.id for post in posts) or len(posts) < len(set(args.status_ids[:MAX_REPORTED])):
            raise Invalid("Validation failed: a status is not one of that account", code="status_unfit")
        category = args.category or ("violation" if args.rule_ids else "other")
        row = moderation.report(
            db,
            me,
            target=target,
            post_uris=[post.uri for post in posts],
            comment=args.comment,
            category=category,
            rules=args.rule_ids[:50],
            forward=args.forward,
        )
        assert row is not None
        return Report(
            id=str(row.id),
            action_taken=False,
            action_taken_at=None,
            category=category,
            comment=row.comment,
            forwarded=row.forwarded,
            created_at=stamp(row.created_at),
            status_ids=[str(post.id) for post in posts],
            rule_ids=[str(rule) for rule in row.rules],
            collection_ids=[],
            target_account=show_accounts.account(db, target),
        )

    return await call.write(work)
