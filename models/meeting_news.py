"""What those who sign up for a meeting hear of it: once for each change, each in the way he came.

Whoever has an account here gets a notice. Whoever sent a `Join` gets its `Accept` or `Reject`, and his own server tells
him of the rest. Whoever replied or liked gets a short direct post from this server itself, so that no organiser's
conversations fill up with it; a plain no or yes in reply to it counts as one to the meeting. A month after the meeting
these posts are thrown away here (`sweep`).
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, attendance, composing, meeting_text, memory, notifications, outbox, text
from models.actors import Actor
from models.base import first_id, now
from models.meetings import Attendee, Joining, Meeting, State, Way
from models.notifications import NotificationKind
from models.posts import Draft, Kind, Post, Visibility


class News(StrEnum):
    """What somebody is told."""

    PLACE = "place"
    WAITING = "waiting"
    ASKED = "asked"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    TOO_LATE = "too_late"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    SOON = "soon"
    PLANNED = "planned"
    """It came of a question about which he would have come to one."""


NOTICES: Mapping[News, NotificationKind] = {
    News.PLACE: NotificationKind.PLACE,
    News.WAITING: NotificationKind.PLACE_WAITING,
    News.ASKED: NotificationKind.PLACE_ASKED,
    News.DECLINED: NotificationKind.PLACE_REFUSED,
    News.CHANGED: NotificationKind.MEETING_CHANGED,
    News.CANCELLED: NotificationKind.MEETING_CANCELLED,
    News.SOON: NotificationKind.MEETING_SOON,
    News.PLANNED: NotificationKind.MEETING_PLANNED,
}
"""The notices; of what is not here somebody with an account needs none."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "da": {
        News.PLACE: "Du er tilmeldt »{title}«: {summary}.",
        News.WAITING: "»{title}« er fuldt. Du er nummer {number} på ventelisten og hører fra os, hvis der bliver plads.",
        News.ASKED: "Tak. Arrangøren af »{title}« siger ja eller nej, og så hører du fra os.",
        News.DECLINED: "Der er desværre ikke plads til dig på »{title}«.",
        News.WITHDRAWN: "Du er ikke længere tilmeldt »{title}«.",
        News.TOO_LATE: "»{title}« er aflyst eller allerede holdt, så du kan ikke tilmelde dig.",
        News.CHANGED: "»{title}« er ændret: {summary}.",
        News.CANCELLED: "»{title}« er aflyst. {why}",
        News.SOON: "Husk »{title}«: {summary}.",
        News.PLANNED: "Der bliver et møde, som du sagde, du ville komme til: »{title}«, {summary}.",
        "yes": "Svar *ja*, så er du tilmeldt.",
        "link": "Link: <{link}>",
        "no": "Kan du ikke alligevel, så svar *nej*.",
        "unlike": "Kan du ikke alligevel, så fjern dit »synes godt om«.",
    },
    "en": {
        News.PLACE: "You are signed up for “{title}”: {summary}.",
        News.WAITING: "“{title}” is full. You are number {number} on the waiting list and will hear from us if there is a place.",
        News.ASKED: "Thank you. The organiser of “{title}” says yes or no, and you will hear from us.",
        News.DECLINED: "There is unfortunately no place for you at “{title}”.",
        News.WITHDRAWN: "You are no longer signed up for “{title}”.",
        News.TOO_LATE: "“{title}” is cancelled or over, so you cannot sign up.",
        News.CHANGED: "“{title}” has changed: {summary}.",
        News.CANCELLED: "“{title}” is cancelled. {why}",
        News.SOON: "Remember “{title}”: {summary}.",
        News.PLANNED: "There is going to be a meeting that you said you would come to: “{title}”, {summary}.",
        "yes": "Answer *yes*, and you are signed up.",
        "link": "Link: <{link}>",
        "no": "If you cannot come after all, answer *no*.",
        "unlike": "If you cannot come after all, take your like back.",
    },
}
MEETING = "meeting"
"""Under which such a post keeps the number of its meeting (`Post.extra`)."""

BATCH = 500
WITH_LINK = {News.PLACE, News.CHANGED, News.SOON}
WITH_NO = {News.PLACE, News.WAITING, News.CHANGED, News.SOON}
NORDIC = {"da", "nb", "nn", "no", "sv", "fo"}
ONCE = 7 * 24 * 3600.0
"""Seconds within which nobody is told twice that he is too late for a meeting."""

KEPT = timedelta(days=30)
"""For which the direct posts are kept after the meeting is over, and at least."""


def tell(
    db: Session, post: Post, row: Meeting, actor: Actor, own: Attendee | None, news: News, *, key: str = ""
) -> None:
    """Tell somebody what his place at a meeting of this node is now, or what is new about the meeting. `key` tells apart
    what can happen several times."""
    if actor.local:
        if news in NOTICES:
            by, subject = actors.get(db, post.author_id), f"{post.id} {key or (own.number if own else '')}"
            notifications.notify(db, actor.id, NOTICES[news], by, post, subject=subject)
        return
    if own is not None and own.ways & Way.JOIN:
        answer_join(db, post, actor, own)
        if news != News.WAITING:
            return
    if not actor.active:
        return
    if news == News.TOO_LATE and not memory.first_time(db, "meeting_late", f"{post.id} {actor.id}", ONCE):
        return
    _write(db, post, row, actor, own, news)


def answer_join(db: Session, post: Post, actor: Actor, own: Attendee) -> None:
    """Answer a `Join`, if it is decided: who waits hears it when he has a place."""
    if own.join_uri and own.state in {State.GOING, State.DECLINED}:
        send_answer(db, post, actor, own.join_uri, accepted=own.state == State.GOING)


def send_answer(db: Session, post: Post, actor: Actor, join_uri: str, *, accepted: bool) -> None:
    """The organiser's `Accept` or `Reject` of a `Join`; the same answer to the same `Join` goes out once."""
    type = "Accept" if accepted else "Reject"
    if memory.recall(db, "join_answered", join_uri) == type:
        return
    memory.remember(db, "join_answered", join_uri, type, ONCE)
    embed = {"id": join_uri, "type": "Join", "actor": actor.uri, "object": post.uri}
    by = actors.get(db, post.author_id)
    outbox.record(db, type, by, object_uri=join_uri, to=[actor.uri], data={"embed": embed})


def _write(db: Session, post: Post, row: Meeting, actor: Actor, own: Attendee | None, news: News) -> None:
    language = _language(db, post, own)
    words = WORDS[language]
    said = [
        words[news].format(
            title=text.plain_words(post.title, 150),
            summary=text.plain_words(meeting_text.summary(row, language), 300),
            number=attendance.place_in_line(db, own) if own is not None and news == News.WAITING else "",
            why=text.plain_words(row.cancelled_why, 300),
        )
    ]
    if news in WITH_LINK and row.online_url:
        said.append(words["link"].format(link=row.online_url))
    if news == News.PLANNED and post.local and row.by_reply and row.joining in {Joining.FREE, Joining.APPROVAL}:
        said.append(words["yes"])
    if news in WITH_NO:
        said.append(words["no" if row.by_reply else "unlike"])
    said.append(f"<{post.url}>")

    def remember(db: Session, note: Post) -> None:
        note.extra = {**note.extra, MEETING: str(post.id)}

    draft = Draft(
        f"@{actor.handle} " + "\n\n".join(one.strip() for one in said),
        visibility=Visibility.DIRECT,
        language=language,
        to=(actor.id,),
        detail=remember,
    )
    composing.note(db, actors.node_actor(db), draft)


def _language(db: Session, post: Post, own: Attendee | None) -> str:
    """The language of whoever is told, as his reply shows it; else the meeting's."""
    reply = db.get(Post, own.reply_id) if own is not None and own.reply_id else None
    theirs = reply.language.partition("-")[0] if reply is not None else ""
    if theirs:
        return "da" if theirs in NORDIC else "en"
    return meeting_text.language_of(post.language)


def about(db: Session, post: Post) -> Post | None:
    """The meeting that a post is, or that it tells of: to one who signed up, or as its companion (`companions`)."""
    if post.kind == Kind.EVENT:
        return post
    number = str((post.extra or {}).get(MEETING, ""))
    if not post.local or not number.isdecimal():
        return None
    found = db.get(Post, int(number))
    return found if found is not None and found.deleted_at is None else None


def sweep(db: Session, limit: int) -> int:
    """Throw away up to `limit` of the direct posts that told of meetings which are long over, or gone; how many.

    Whom they told keeps his own: nothing is said to other servers.
    """
    from models import removing  # knows meetings itself

    edge = now() - KEPT
    of_node = select(Post.id, Post.extra).where(
        Post.author_id == actors.node_actor(db).id,
        Post.id < first_id(edge),
        Post.visibility == Visibility.DIRECT,
        Post.deleted_at.is_(None),
    )
    told = {row[0]: int(number) for row in db.execute(of_node) if (number := str(row[1].get(MEETING, ""))).isdecimal()}
    lasting = set(db.scalars(select(Meeting.post_id).where(Meeting.ends_at >= edge))) if told else set()
    gone = sorted(id for id, meeting in told.items() if meeting not in lasting)[:limit]
    for start in range(0, len(gone), BATCH):
        for note in db.scalars(select(Post).where(Post.id.in_(gone[start : start + BATCH]))).all():
            removing.tombstone(db, note)
    return len(gone)
