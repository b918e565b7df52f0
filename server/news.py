"""Letters with news: notices at once where somebody wants that, and the digest. Each can be ended by one click."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from models import actors, digests, news, notice_choices, text, unsubscribing
from models import notices as noticed
from models.actors import Actor, ActorType
from models.base import now
from models.notices import Notice, Wish
from models.notifications import NotificationKind
from models.posts import Post
from models.windows import Window
from server.i18n import later
from server.sheets import Chapter, Desk, Entry, Sheet
from server.web.notices import PATHS, SENTENCES
from server.web.rendering import post_path

ALL_KINDS = Wish(kinds=frozenset(NotificationKind))
MOST = 8
"""Most lines of one chapter."""

LOOKED_AT = 100


def notices(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """What happened in the last minutes, of what somebody wants by mail; nothing if he has read it meanwhile."""
    rows = notice_choices.to_mail(desk.db, desk.account, int(job["start"]))
    found = noticed.several(desk.db, actors.get(desk.db, desk.account.id), [row.id for row in rows])
    if not found:
        return None
    subject = desk.say(later("New at %(place)s: %(count)s notices"), place=desk.place, count=len(found))
    if len(found) == 1:
        subject = _sentence(desk, found[0])
    chapter = Chapter(desk.say(later("New for you")), [_entry(desk, one) for one in found[:MOST]])
    return _endable(desk, "notices", Sheet(subject, [], _page(desk), [chapter]))


def digest(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """What is new since the last one; nothing where nothing is."""
    due = str(job["due"])
    since = digests.begin(desk.db, desk.account.id, due)
    if since is None:
        return None
    until = now()
    reader = actors.get(desk.db, desk.account.id)
    chapters = _chapters(desk, reader, since)
    if not chapters:
        digests.arrived(desk.db, desk.account.id, until)
        return None
    sheet = Sheet(desk.say(later("New at %(place)s"), place=desk.place), [], _page(desk), chapters)
    sheet.when_sent = partial(digests.arrived, account_id=desk.account.id, until=until)
    sheet.when_not_sent = partial(digests.not_sent, account_id=desk.account.id, due=due)
    return _endable(desk, "digest", sheet)


def _chapters(desk: Desk, reader: Actor, since: datetime) -> list[Chapter]:
    unread = [
        one
        for one in noticed.page(desk.db, reader, Window(limit=LOOKED_AT), ALL_KINDS)
        if one.row.read_at is None and one.row.created_at > since
    ]
    waiting = news.unanswered(desk.db, reader, since, limit=MOST)
    best = news.best(desk.db, reader, since, but=[post.id for post in waiting], limit=MOST)
    told = {(one.row.kind, one.post.id if one.post else one.row.id): one for one in reversed(unread)}
    chapters = [
        Chapter(desk.say(later("For you")), [_entry(desk, one) for one in list(reversed(told.values()))[:MOST]]),
        Chapter(desk.say(later("Nobody has answered these yet")), _questions(desk, waiting)),
        Chapter(desk.say(later("New questions")), _questions(desk, best)),
    ]
    return [chapter for chapter in chapters if chapter.entries]


def _questions(desk: Desk, posts: Sequence[Post]) -> list[Entry]:
    people = actors.many(desk.db, [post.author_id for post in posts])
    return [Entry(post.title, desk.origin + post_path(post), _name(people[post.author_id])) for post in posts]


def _entry(desk: Desk, one: Notice) -> Entry:
    """A notice as a line. What somebody wrote is never in it: a mailbox is read by more than its owner."""
    said = _sentence(desk, one)
    if one.post is not None and one.post.title:
        return Entry(one.post.title, desk.origin + post_path(one.post), said)
    path = post_path(one.post) if one.post is not None else PATHS.get(NotificationKind(one.row.kind), "/notifications")
    return Entry(said, desk.origin + path)


def _sentence(desk: Desk, one: Notice) -> str:
    who = desk.place if one.who.type == ActorType.APPLICATION else _name(one.who)
    return f"{who} {desk.say(SENTENCES[NotificationKind(one.row.kind)])}"


def _name(actor: Actor) -> str:
    return text.one_line(actor.display_name, 100)


def _page(desk: Desk) -> tuple[str, str]:
    return desk.say(later("See all at %(place)s"), place=desk.place), f"{desk.origin}/notifications"


def _endable(desk: Desk, kind: str, sheet: Sheet) -> Sheet:
    """With the link that ends such letters, for its reader and for his mail program (RFC 8058)."""
    address = f"{desk.origin}/unsubscribe/{unsubscribing.token(desk.db, desk.account.id, kind)}"
    sheet.closing = [
        desk.say(later("You get this letter because you chose it. No more of these: %(address)s"), address=address),
        desk.say(later("Choose what you get: %(address)s"), address=f"{desk.origin}/settings/notices"),
    ]
    sheet.headers = (
        ("List-Unsubscribe", f"<{address}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
    return sheet
