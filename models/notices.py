"""Notifications as clients read them: filtered, cut into pages, and brought together where they say the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from models import actors, viewers
from models.access import several as several_posts
from models.access import visible
from models.accounts import Account, Role
from models.actors import Actor
from models.blocks import Block
from models.errors import NotFound
from models.moderation import Report
from models.notifications import CLIENT_TYPES, Notification, NotificationKind, client_type
from models.posts import Post
from models.windows import LIMIT, Kind, Window

CHUNK = 100
CHUNKS = 10
"""How many notices a page of groups looks through at most: `CHUNK * CHUNKS`. The rest comes with the next page."""

SAMPLE = 8
"""How many senders a group names."""


MODERATORS = (NotificationKind.REPORT, NotificationKind.REPORT_GIVEN, NotificationKind.SIGN_UP, NotificationKind.APPEAL)
"""What is shown to those only who still moderate the node."""


@dataclass(frozen=True)
class Wish:
    """Which notices are wanted. `types`: these only (None: all). Types we have never heard of match nothing."""

    types: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    from_id: int | None = None
    with_filtered: bool = False
    kinds: frozenset[str] | None = None
    """These kinds instead, also those that clients know nothing of: for the pages."""


ALL = Wish()

_Sender = aliased(Actor)


@dataclass(frozen=True)
class Notice:
    """One notice with what it shows: who caused it, the post, the report."""

    row: Notification
    who: Actor
    type: str
    post: Post | None = None
    report: Report | None = None
    reported: Actor | None = None


@dataclass
class Group:
    """Notices under one key, newest first: those on the page asked for. `total` counts all there are."""

    key: str
    ids: list[int] = field(default_factory=list)
    from_ids: list[int] = field(default_factory=list)
    head: Notice | None = None
    total: int = 0


def page(db: Session, reader: Actor, window: Window, wish: Wish = ALL) -> list[Notice]:
    """The notices of an account, newest first."""
    rows = [row[0] for row in window.run(db, _page(reader, window.kind, wish), viewers.values(reader))]
    return _with_all(db, reader, rows, all_kinds=wish.kinds is not None)


@viewers.kept
def _page(reader: Actor | None, kind: Kind, wish: Wish) -> Any:
    return Window.named(kind).cut(_shown(select(Notification), reader, wish), Notification.id)


def several(db: Session, reader: Actor, ids: Sequence[int]) -> list[Notice]:
    """Those of these notices, of whatever kind, that `reader` can still be shown, oldest first."""
    query = _shown(select(Notification), reader, Wish(kinds=frozenset(NotificationKind)))
    rows = list(db.scalars(query.where(Notification.id.in_(ids)).order_by(Notification.id)))
    return _with_all(db, reader, rows, all_kinds=True)


def find(db: Session, reader: Actor, notice_id: int) -> Notice | None:
    """One notice of `reader`'s; None for those of others and those that are gone."""
    query = _shown(select(Notification), reader, Wish(with_filtered=True)).where(Notification.id == notice_id)
    row = db.scalar(query)
    return _with_all(db, reader, [row])[0] if row is not None else None


def unread(db: Session, reader: Actor, limit: int, wish: Wish = ALL, grouped: frozenset[str] | None = None) -> int:
    """How many are unread, counted to `limit`; with `grouped` types, those that go together count once."""
    values = {LIMIT.key: limit if grouped is None else CHUNK * CHUNKS, **viewers.values(reader)}
    if grouped is None:
        return db.scalar(_count_unread(reader, wish), values) or 0
    rows = db.execute(_unread(reader, wish), values)
    return min(limit, len({_key(row[0], row[1], row[2], grouped) for row in rows}))


@viewers.kept
def _unread(reader: Actor | None, wish: Wish) -> Any:
    query = _shown(select(Notification.id, Notification.kind, Notification.group_key), reader, wish)
    return query.where(Notification.read_at.is_(None)).order_by(Notification.id.desc()).limit(LIMIT)


@viewers.kept
def _count_unread(reader: Actor | None, wish: Wish) -> Any:
    query = _shown(select(Notification.id), reader, wish).where(Notification.read_at.is_(None)).limit(LIMIT)
    return select(func.count()).select_from(query.subquery())


def clear(db: Session, account_id: int) -> None:
    """Throw all notices away."""
    db.execute(delete(Notification).where(Notification.account_id == account_id))


def dismiss(db: Session, account_id: int, notice_id: int) -> None:
    """Throw one away. Raises NotFound, also for those of others."""
    query = delete(Notification).where(Notification.account_id == account_id, Notification.id == notice_id)
    if not getattr(db.execute(query), "rowcount", 0):
        raise NotFound("Record not found")


def groups(db: Session, reader: Actor, window: Window, wish: Wish, grouped: frozenset[str]) -> list[Group]:
    """At most `window.limit` groups, newest first, of what goes together by its type (`grouped`) and key."""
    found: dict[str, Group] = {}
    for row in _walk(db, reader, window, wish):
        key = _key(row[0], row[1], row[2], grouped)
        if key not in found and len(found) == window.limit:
            break
        group = found.setdefault(key, Group(key))
        group.ids.append(row[0])
        group.from_ids.append(row[3])
    for group in found.values():
        if window.upwards:
            group.ids.reverse()
            group.from_ids.reverse()
    return _filled(db, reader, sorted(found.values(), key=lambda group: -group.ids[0]), wish)


def group(db: Session, reader: Actor, key: str) -> Group:
    """The group of this key, as far as one page shows it. Raises NotFound."""
    rows = db.execute(
        _shown(select(Notification.id, Notification.from_id), reader, ALL)
        .where(_of_key(key))
        .order_by(Notification.id.desc())
        .limit(CHUNK)
    ).all()
    if not rows:
        raise NotFound("Record not found")
    whole = Group(key, [row[0] for row in rows], [row[1] for row in rows])
    return _filled(db, reader, [whole], ALL)[0]


def senders(db: Session, reader: Actor, key: str, window: Window) -> list[tuple[int, Actor]]:
    """Who is behind a group, with the notice's id as the cursor, newest first. Raises NotFound."""
    query = _shown(select(Notification.id, Notification.from_id), reader, ALL).where(_of_key(key))
    rows = window.rows(db, query, Notification.id)
    if not rows and db.execute(query.limit(1)).first() is None:
        raise NotFound("Record not found")
    people = actors.many(db, [row[1] for row in rows])
    return [(row[0], people[row[1]]) for row in rows]


def dismiss_group(db: Session, account_id: int, key: str) -> None:
    """Throw a whole group away; one that is gone is no error."""
    db.execute(delete(Notification).where(Notification.account_id == account_id, _of_key(key)))


def _walk(db: Session, reader: Actor, window: Window, wish: Wish) -> Iterable[Any]:
    """(id, kind, group key, sender) from the end of the window where its rows begin, bit by bit."""
    query = _shown(
        select(Notification.id, Notification.kind, Notification.group_key, Notification.from_id), reader, wish
    )
    before, since, after = window.before, window.since, window.after
    for _ in range(CHUNKS):
        rows = db.execute(Window(before, since, after, CHUNK).cut(query, Notification.id)).all()
        yield from rows
        if len(rows) < CHUNK:
            return
        if window.upwards:
            after = rows[-1][0]
        else:
            before = rows[-1][0]


def _filled(db: Session, reader: Actor, found: list[Group], wish: Wish) -> list[Group]:
    """Add what the newest of each group shows, and how many there are in all."""
    heads = [group.ids[0] for group in found]
    rows = db.scalars(select(Notification).where(Notification.id.in_(heads)))
    all_kinds = wish.kinds is not None
    shown = {notice.row.id: notice for notice in _with_all(db, reader, list(rows), all_kinds=all_kinds)}
    keys = [group.key for group in found if not group.key.startswith("ungrouped-")]
    counted = _shown(select(Notification.group_key, func.count()), reader, wish)
    counted = counted.where(Notification.group_key.in_(keys)).group_by(Notification.group_key)
    totals: dict[str, int] = {row[0]: row[1] for row in db.execute(counted)} if keys else {}
    for group in found:
        group.head, group.total = shown[group.ids[0]], totals.get(group.key, 1)
    return found


def _key(id: int, kind: str, key: str, grouped: frozenset[str]) -> str:
    return key if key and client_type(kind) in grouped else f"ungrouped-{id}"


def _of_key(key: str) -> ColumnElement[bool]:
    word, _, number = key.partition("-")
    if word == "ungrouped":
        return Notification.id == (int(number) if number.isascii() and number.isdigit() and len(number) < 20 else 0)
    return and_(Notification.group_key == key, Notification.group_key != "")


def _shown(query: Any, reader: Actor | None, wish: Wish) -> Any:
    """The notices of `reader`'s that a client can show: nobody's whom he blocked, nothing he may not read any more."""
    assert reader is not None
    types = set(CLIENT_TYPES.values()) if wish.types is None else set(wish.types)
    kinds = [kind for kind, type in CLIENT_TYPES.items() if type in types - wish.excluded]
    own_request: ColumnElement[bool] = or_(
        Notification.kind != NotificationKind.FOLLOW_REQUEST, Notification.subject == ""
    )
    if wish.kinds is not None:
        kinds, own_request = [NotificationKind(kind) for kind in wish.kinds], true()
    moderates = select(Account.id).where(
        Account.id == reader.id, Account.role.in_([Role.MODERATOR, Role.ADMIN]), Account.suspended_at.is_(None)
    )
    blocked = select(Block.id).where(Block.actor_id == reader.id, Block.target_id == Notification.from_id)
    return (
        query.join(_Sender, Notification.from_id == _Sender.id)
        .outerjoin(Post, Notification.post_id == Post.id)
        .where(
            Notification.account_id == reader.id,
            Notification.kind.in_(kinds),
            own_request,
            or_(Notification.kind.not_in(MODERATORS), moderates.exists()),
            true() if wish.with_filtered else Notification.filtered.is_(False),
            true() if wish.from_id is None else Notification.from_id == wish.from_id,
            _Sender.suspended_at.is_(None),
            _Sender.deleted_at.is_(None),
            _Sender.standing != "blocked",
            ~blocked.exists(),
            or_(Notification.post_id.is_(None), visible(reader)),
        )
    )


def _with_all(db: Session, reader: Actor, rows: Sequence[Notification], *, all_kinds: bool = False) -> list[Notice]:
    people = actors.many(db, [row.from_id for row in rows])
    wanted = [row.post_id for row in rows if row.post_id is not None]
    posts = {post.id: post for post in db.scalars(select(Post).where(Post.id.in_(wanted)))} if wanted else {}
    chosen = {posts[row.post_id].thread_id for row in rows if row.kind == NotificationKind.ACCEPTED and row.post_id}
    questions = several_posts(db, reader, chosen) if chosen else {}
    reports = _reports(db, [int(row.subject) for row in rows if row.kind == NotificationKind.REPORT])
    notices = []
    for row in rows:
        type = client_type(row.kind, row.subject)
        if type is None and not all_kinds:
            continue
        post = posts.get(row.post_id or 0)
        if row.kind == NotificationKind.ACCEPTED and post is not None:
            post = questions.get(post.thread_id, post)
        report, reported = (None, None)
        if row.kind == NotificationKind.REPORT:
            report, reported = reports.get(int(row.subject), (None, None))
        notices.append(Notice(row, people[row.from_id], type or "", post, report, reported))
    return notices


def _reports(db: Session, ids: list[int]) -> dict[int, tuple[Report, Actor | None]]:
    if not ids:
        return {}
    rows = list(db.scalars(select(Report).where(Report.id.in_(ids))))
    people = actors.many(db, [row.target_id for row in rows if row.target_id])
    return {row.id: (row, people.get(row.target_id or 0)) for row in rows}
