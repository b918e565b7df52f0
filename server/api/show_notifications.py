"""Notices as clients get them, one by one and in groups: a fixed number of queries for a list of any length."""

from collections.abc import Sequence

import msgspec
from sqlalchemy.orm import Session

from models import actors
from models.actors import Actor
from models.notices import SAMPLE, Group, Notice
from models.notification_policy import NotificationPolicy as Policy
from models.notification_policy import Request, pending
from models.posts import Post
from models.push import ALERTS, Subscription, vapid_public_key
from server.api import show_accounts, show_statuses
from server.api.entities.accounts import Account
from server.api.entities.notifications import (
    Alerts,
    GroupedNotificationsResults,
    Notification,
    NotificationGroup,
    NotificationPolicy,
    NotificationPolicyV1,
    NotificationRequest,
    PartialAccountWithAvatar,
    PolicySummary,
    WebPushSubscription,
)
from server.api.entities.relations import Report
from server.api.entities.statuses import Status
from server.api.times import stamp


def several(db: Session, reader: Actor, notices: Sequence[Notice]) -> list[Notification]:
    """Notices in the order given."""
    accounts = _accounts(db, [notice.who for notice in notices] + _reported(notices))
    statuses = _statuses(db, reader, notices)
    return [
        Notification(
            id=str(notice.row.id),
            type=notice.type,
            group_key=notice.row.group_key or f"ungrouped-{notice.row.id}",
            created_at=stamp(notice.row.created_at),
            account=accounts[notice.who.id],
            status=statuses.get(notice.post.id) if notice.post else None,
            report=_report(notice, accounts),
            event=None,
            moderation_warning=None,
        )
        for notice in notices
    ]


def grouped(
    db: Session, reader: Actor, groups: Sequence[Group], *, partial: bool = False
) -> GroupedNotificationsResults:
    """Groups with their accounts and statuses; with `partial` all but the first account of each only as a picture."""
    heads = [group.head for group in groups if group.head is not None]
    samples = {group.key: list(dict.fromkeys(group.from_ids))[:SAMPLE] for group in groups}
    people = actors.many(db, [id for ids in samples.values() for id in ids])
    statuses = _statuses(db, reader, heads)
    accounts = _accounts(db, [*people.values(), *_reported(heads)])
    first = {ids[0] for ids in samples.values()}
    shown = [accounts[id] for id in people if not partial or id in first]
    rest = [_picture(accounts[id]) for id in people if id not in first]
    return GroupedNotificationsResults(
        accounts=shown,
        statuses=list(statuses.values()),
        notification_groups=[_group(group, group.head, samples[group.key], accounts) for group in groups if group.head],
        partial_accounts=rest if partial else msgspec.UNSET,
    )


def _group(group: Group, head: Notice, samples: list[int], accounts: dict[int, Account]) -> NotificationGroup:
    return NotificationGroup(
        group_key=group.key,
        notifications_count=group.total,
        type=head.type,
        most_recent_notification_id=head.row.id,
        page_min_id=str(group.ids[-1]),
        page_max_id=str(group.ids[0]),
        latest_page_notification_at=stamp(head.row.created_at),
        sample_account_ids=[str(id) for id in samples],
        status_id=str(head.post.id) if head.post else None,
        report=_report(head, accounts),
        event=None,
        moderation_warning=None,
    )


def _picture(account: Account) -> PartialAccountWithAvatar:
    return PartialAccountWithAvatar(
        id=account.id,
        acct=account.acct,
        url=account.url,
        avatar=account.avatar,
        avatar_static=account.avatar_static,
        locked=account.locked,
        bot=account.bot,
    )


def _accounts(db: Session, people: Sequence[Actor]) -> dict[int, Account]:
    unique = list({actor.id: actor for actor in people}.values())
    return {actor.id: shown for actor, shown in zip(unique, show_accounts.accounts(db, unique), strict=True)}


def _statuses(db: Session, reader: Actor, notices: Sequence[Notice]) -> dict[int, Status]:
    posts: dict[int, Post] = {notice.post.id: notice.post for notice in notices if notice.post is not None}
    shown = show_statuses.statuses(db, reader, list(posts.values()))
    return dict(zip(posts, shown, strict=True))


def _reported(notices: Sequence[Notice]) -> list[Actor]:
    return [notice.reported for notice in notices if notice.reported is not None]


def _report(notice: Notice, accounts: dict[int, Account]) -> Report | None:
    report = notice.report
    if report is None or notice.reported is None:
        return None
    return Report(
        id=str(report.id),
        action_taken=report.closed_at is not None,
        action_taken_at=stamp(report.closed_at) if report.closed_at else None,
        category="other",
        comment=report.comment,
        forwarded=False,
        created_at=stamp(report.created_at),
        status_ids=None,
        rule_ids=None,
        collection_ids=None,
        target_account=accounts[notice.reported.id],
    )


def requests(db: Session, reader: Actor, found: Sequence[Request]) -> list[NotificationRequest]:
    """Senders who wait to be let in."""
    accounts = _accounts(db, [request.sender for request in found])
    posts = {request.last_post.id: request.last_post for request in found if request.last_post is not None}
    statuses = dict(zip(posts, show_statuses.statuses(db, reader, list(posts.values())), strict=True))
    return [
        NotificationRequest(
            id=str(request.sender.id),
            created_at=stamp(request.first),
            updated_at=stamp(request.last),
            notifications_count=str(request.count),
            account=accounts[request.sender.id],
            last_status=statuses[request.last_post.id] if request.last_post else None,
        )
        for request in found
    ]


def summary(db: Session, account_id: int) -> PolicySummary:
    """What waits to be let in."""
    senders, notices = pending(db, account_id)
    return PolicySummary(pending_requests_count=senders, pending_notifications_count=notices)


def policy(db: Session, row: Policy) -> NotificationPolicy:
    """What an account chose."""
    return msgspec.convert(
        {
            "for_not_following": row.not_following,
            "for_not_followers": row.not_followers,
            "for_new_accounts": row.new_accounts,
            "for_private_mentions": row.private_mentions,
            "for_limited_accounts": row.limited_accounts,
            "summary": summary(db, row.account_id),
        },
        NotificationPolicy,
    )


def policy_v1(db: Session, row: Policy) -> NotificationPolicyV1:
    """The same, as the first version said it."""
    return NotificationPolicyV1(
        filter_not_following=row.not_following != "accept",
        filter_not_followers=row.not_followers != "accept",
        filter_new_accounts=row.new_accounts != "accept",
        filter_private_mentions=row.private_mentions != "accept",
        summary=summary(db, row.account_id),
    )


def subscription(db: Session, row: Subscription) -> WebPushSubscription:
    """A device."""
    return WebPushSubscription(
        id=str(row.id),
        endpoint=row.endpoint,
        standard=row.standard,
        server_key=vapid_public_key(db),
        policy=row.policy,  # type: ignore[arg-type]
        alerts=msgspec.convert({name: bool(row.alerts.get(name)) for name in ALERTS}, Alerts),
    )
