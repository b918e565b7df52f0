"""Notices: what happened that concerns the visitor."""

from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from models import access, actors, notifications
from models.actors import Actor
from models.notifications import Notification, NotificationKind
from models.posts import Post
from server.forms import Form
from server.i18n import later
from server.web.visits import Visit, action, own_page, page

PAGE = 30
SENTENCES = {
    NotificationKind.MENTION: later("mentioned you"),
    NotificationKind.ANSWER: later("answered your question"),
    NotificationKind.COMMENT: later("commented on your post"),
    NotificationKind.ACCEPTED: later("accepted your answer"),
    NotificationKind.VOTE: later("voted for your post"),
    NotificationKind.BOOST: later("passed your post on"),
    NotificationKind.FOLLOW: later("follows you"),
    NotificationKind.FOLLOW_REQUEST: later("asks to follow you"),
    NotificationKind.FOLLOW_ACCEPTED: later("accepted your request to follow"),
    NotificationKind.TWIN_REQUEST: later("asks to be a twin of your community"),
    NotificationKind.REPORT: later("reported something"),
    NotificationKind.SIGN_UP: later("has somebody who asks to be let in"),
    NotificationKind.REMOVED: later("took your post out of the community"),
    NotificationKind.POLL: later("had a poll that is over now"),
    NotificationKind.STATUS: later("wrote a new post"),
    NotificationKind.AFFILIATION_REQUEST: later("says to belong to an organisation you look after"),
    NotificationKind.AFFILIATION_OFFER: later("is ready to confirm that you belong there"),
    NotificationKind.AFFILIATION_CONFIRMED: later("has confirmed that you belong there"),
    NotificationKind.AFFILIATION_REFUSED: later("does not confirm that you belong there"),
    NotificationKind.ASKED: later("asks you"),
    NotificationKind.THREAD: later("answered a question you follow"),
    NotificationKind.DUPLICATE: later("saw that your question was asked before"),
    NotificationKind.EXPORT: later("has the copy of your data ready"),
    NotificationKind.IMPORT: later("has taken in your list"),
}

UNREAD = later("Unread notices: %(count)s")

Row = tuple[Notification, Actor, Post | None, Actor | None]


@own_page
async def notices(visit: Visit) -> Response:
    """`GET /notifications?before=`: newest first."""

    def look(db: Session) -> list[Row]:
        found = notifications.of(db, visit.me.id, before=visit.cursor(), limit=PAGE + 1)
        groups = actors.many(db, [int(row.subject) for row, _, _ in found if row.kind == "twin_request"])
        return [
            (row, who, post if post is not None and access.may_see(db, visit.me, post) else None, groups.get(_id(row)))
            for row, who, post in found
        ]

    rows = await visit.read(look)
    following = rows[PAGE - 1][0].id if len(rows) > PAGE else None
    return visit.page("notifications.html", rows=rows[:PAGE], following=following, sentences=SENTENCES)


@page
async def count(visit: Visit) -> Response:
    """`GET /notifications/count`: how many are unread, for the script that keeps the figure right.

    Raises Unauthenticated for visitors; whoever asks has an open page, and it is told so.
    """
    unread = visit.unread if visit.me else 0
    values = {"unread": unread, "said": visit.say(UNREAD) % {"count": unread}, "unit": visit.say("unread")}
    return JSONResponse(values, headers={"Cache-Control": "no-store"})


def _id(row: Notification) -> int:
    return int(row.subject) if row.kind == "twin_request" and row.subject.isdigit() else 0


@action
async def mark_read(visit: Visit, form: Form) -> Response:
    """`POST /notifications/read`: all that is older than the page shown is read."""
    up_to = form.number("up_to")
    await visit.write(lambda db, me: notifications.mark_read(db, me.id, up_to=up_to))
    return visit.go("/notifications", said="all-read")
