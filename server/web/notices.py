"""Notices: what happened that concerns the visitor."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from models import actors, notification_policy, notifications
from models import notices as noticed
from models.actors import Actor
from models.cases import Outcome
from models.notice_choices import KINDS, Sort
from models.notices import Group, Wish
from models.notifications import GROUPED, Notification, NotificationKind
from models.posts import Post
from models.windows import Window
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
    NotificationKind.SIGN_UP: later("has somebody asking to be let in"),
    NotificationKind.REMOVED: later("took your post out of the community"),
    NotificationKind.POLL: later("had a poll that is over now"),
    NotificationKind.STATUS: later("wrote a new post"),
    NotificationKind.AFFILIATION_REQUEST: later("says they belong to an organisation you look after"),
    NotificationKind.AFFILIATION_OFFER: later("is ready to confirm that you belong there"),
    NotificationKind.AFFILIATION_CONFIRMED: later("has confirmed that you belong there"),
    NotificationKind.AFFILIATION_REFUSED: later("does not confirm that you belong there"),
    NotificationKind.ASKED: later("asks you"),
    NotificationKind.THREAD: later("answered a question you follow"),
    NotificationKind.DUPLICATE: later("marked your question as asked before"),
    NotificationKind.EXPORT: later("has the copy of your data ready"),
    NotificationKind.IMPORT: later("has taken in your list"),
    NotificationKind.SANCTION: later("has news from the moderators: they have decided something about you"),
    NotificationKind.APPEAL: later("has news for moderators: somebody appeals against a decision"),
    NotificationKind.APPEAL_DECIDED: later("has news from the moderators: they have looked at your appeal"),
    NotificationKind.REPORT_GIVEN: later("asks you to look at a report"),
    NotificationKind.REPORT_CLOSED: later("has news from the moderators: they have looked at your report"),
    NotificationKind.CO_AUTHOR: later("asks you to be named as co-author"),
    NotificationKind.CO_AUTHOR_ACCEPTED: later("is co-author of your report now"),
    NotificationKind.CONTACT: later("names you as somebody to ask"),
    NotificationKind.REPLICATED: later("does the same as you in another place"),
    NotificationKind.FOLLOW_UP: later("tells what happened since"),
    NotificationKind.FOLLOW_UP_DUE: later("reminds you: what happened since?"),
    NotificationKind.EXAMPLE: later("chose your report as a good example"),
    NotificationKind.ATTENDING: later("has signed up for your meeting"),
    NotificationKind.ATTENDANCE_ASKED: later("asks to come to your meeting"),
    NotificationKind.PLACE: later("has a place for you at a meeting"),
    NotificationKind.PLACE_WAITING: later("has put you on the waiting list of a meeting"),
    NotificationKind.PLACE_ASKED: later("has got your wish to come to a meeting, and says yes or no"),
    NotificationKind.PLACE_REFUSED: later("has no place for you at a meeting"),
    NotificationKind.MEETING_CHANGED: later("has changed time, place or link of a meeting you come to"),
    NotificationKind.MEETING_CANCELLED: later("has cancelled a meeting"),
    NotificationKind.MEETING_SOON: later("looks forward to seeing you at a meeting soon"),
    NotificationKind.MEETING_PLANNED: later("plans the meeting that you said you would come to"),
    NotificationKind.ENDORSED: later("stands behind your dogma"),
    NotificationKind.DOGMA_PROPOSED: later("proposes a dogma that you decide about"),
    NotificationKind.DOGMA_DECIDED: later("decided about a dogma"),
    NotificationKind.DOGMA_VERSION: later("wrote a new version of a dogma you endorse. Do you still stand behind it?"),
    NotificationKind.DOGMA_VOTE: later("opened a vote about a dogma. You can vote"),
}

OUTCOMES = {
    Outcome.NOTHING_WRONG: later("They found nothing that breaks the rules."),
    Outcome.ACTED: later("They have done something about it. Thank you for telling."),
    Outcome.FORWARDED: later("They have passed it on to those it belongs to."),
}
"""What somebody who reported is told: the second word of the notice's subject."""

UNREAD = later("Unread notices: %(count)s")

PLURALS = {
    NotificationKind.FOLLOW: later("follow you"),
    NotificationKind.ENDORSED: later("stand behind your dogma"),
}
"""What is said of several where it is not the same."""

PATHS = {
    NotificationKind.FOLLOW_REQUEST: "/requests",
    NotificationKind.REPORT: "/admin/reports",
    NotificationKind.REPORT_GIVEN: "/admin/reports?state=mine",
    NotificationKind.SIGN_UP: "/admin/sign-ups",
    NotificationKind.APPEAL: "/admin/appeals",
    NotificationKind.AFFILIATION_REQUEST: "/settings/affiliations",
    NotificationKind.AFFILIATION_OFFER: "/settings/affiliations",
    NotificationKind.AFFILIATION_CONFIRMED: "/settings/affiliations",
    NotificationKind.AFFILIATION_REFUSED: "/settings/affiliations",
    NotificationKind.EXPORT: "/settings/data",
    NotificationKind.IMPORT: "/settings/data",
}
"""Where one goes from a notice that is about no post."""

FILTERS = {
    "": (later("All"), frozenset(NotificationKind)),
    "answers": (
        later("Answers and mentions"),
        frozenset(
            {*KINDS[Sort.ANSWERS], *KINDS[Sort.MENTIONS], *KINDS[Sort.ACCEPTED]},
        ),
    ),
    "requests": (later("Requests"), frozenset(KINDS[Sort.REQUESTS])),
}
"""What can be shown alone: the word in the address, its name, its kinds."""


@dataclass(frozen=True)
class Line:
    """Notices that say the same, as the page shows them."""

    row: Notification
    kind: NotificationKind
    people: list[Actor]
    others: int
    """How many more there are than those named."""
    unread: bool
    post: Post | None
    group: Actor | None
    """The community a request is for."""


NAMED = 2
"""How many of those who did the same are named."""


@own_page
async def notices(visit: Visit) -> Response:
    """`GET /notifications?show=&before=`: newest first; votes, boosts and follows that go together on one line."""
    shown = visit.query("show") if visit.query("show") in FILTERS else ""
    wish = Wish(kinds=FILTERS[shown][1])

    def look(db: Session) -> tuple[list[Line], int | None, tuple[int, int]]:
        window = Window(visit.cursor(), limit=PAGE)
        found = noticed.groups(db, visit.me, window, wish, frozenset(GROUPED))
        more = min((group.ids[-1] for group in found), default=None) if len(found) == PAGE else None
        return _lines(db, found), more, notification_policy.pending(db, visit.me.id)

    lines, following, pending = await visit.read(look)
    return visit.page(
        "notifications.html",
        lines=lines,
        following=following,
        pending=pending,
        sentences=SENTENCES,
        outcomes=OUTCOMES,
        plurals=PLURALS,
        filters=FILTERS,
        chosen=shown,
    )


def _lines(db: Session, found: list[Group]) -> list[Line]:
    named = {group.key: list(dict.fromkeys(group.from_ids))[:NAMED] for group in found}
    asked = [int(head.row.subject) for group in found if (head := group.head) and _for_community(head.row)]
    people = actors.many(db, [*(id for ids in named.values() for id in ids), *asked])
    lines = []
    for group in found:
        head = group.head
        if head is None:
            continue
        who = [people[id] for id in named[group.key]]
        lines.append(
            Line(
                head.row,
                NotificationKind(head.row.kind),
                who,
                max(group.total - len(who), 0),
                head.row.read_at is None,
                head.post,
                people.get(int(head.row.subject)) if _for_community(head.row) else None,
            )
        )
    return lines


def _for_community(row: Notification) -> bool:
    """Whether it is a request to a community, which its subject names."""
    return row.kind in {NotificationKind.TWIN_REQUEST, NotificationKind.FOLLOW_REQUEST} and row.subject.isdigit()


@page
async def count(visit: Visit) -> Response:
    """`GET /notifications/count`: how many are unread, for the script that keeps the figure right.

    Raises Unauthenticated for visitors; whoever asks has an open page, and it is told so.
    """
    unread = visit.unread if visit.me else 0
    values = {"unread": unread, "said": visit.say(UNREAD) % {"count": unread}, "unit": visit.say("unread")}
    return JSONResponse(values, headers={"Cache-Control": "no-store"})


@own_page
async def kept_aside(visit: Visit) -> Response:
    """`GET /notifications/aside`: whose notices wait until the visitor says whether he wants to hear of them."""
    found = await visit.read(
        lambda db: notification_policy.requests(db, visit.me.id, Window(visit.cursor(), limit=PAGE))
    )
    following = found[-1].sender.id if len(found) == PAGE else None
    return visit.page("notifications_aside.html", found=found, following=following)


@action
async def answer_aside(visit: Visit, form: Form) -> Response:
    """`POST /notifications/aside`, with `sender` and `verdict`: let in from now on, or throw away."""
    sender = form.number("sender") or 0
    let_in = form.choice("verdict", ("let-in", "dismiss")) == "let-in"

    def write(db: Session, me: Actor) -> None:
        (notification_policy.let_in if let_in else notification_policy.dismiss)(db, me.id, [sender])

    await visit.write(write)
    return visit.go("/notifications/aside", said="sender-let-in" if let_in else "notices-dismissed")


@action
async def mark_read(visit: Visit, form: Form) -> Response:
    """`POST /notifications/read`: all that is older than the page shown is read."""
    up_to = form.number("up_to")
    await visit.write(lambda db, me: notifications.mark_read(db, me.id, up_to=up_to))
    return visit.go("/notifications", said="all-read")
