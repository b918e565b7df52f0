"""Companions: what stands for a meeting on servers that take no events (NodeBB, Mbin).

A short post of the node's own actor with title, time, place and address, sent to those servers alone where somebody
there follows the meeting's community, which wraps it for them. It stands in no list here. Whoever replies to it with a
yes signs up as he would below the meeting itself. It changes with the meeting, and goes with it.
"""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, communities, composing, meeting_text, outbox, peers, text
from models.actors import PUBLIC, Actor
from models.follows import Follow, FollowState
from models.meeting_news import MEETING
from models.meetings import Meeting
from models.outbox import Activity
from models.posts import Draft, Post, Visibility

WITHOUT_EVENTS = frozenset({"nodebb", "mbin", "kbin"})
"""Software that throws an `Event` away."""

WORDS = {"da": "Møde i {group}, indbudt af {who}: <{url}>",
         "en": "A meeting in {group}, organised by {who}: <{url}>"}  # fmt: skip
KEY = "companion"
"""Under which a meeting's post keeps the number of its companion (`Post.extra`)."""


def readers(db: Session, group: Actor) -> list[str]:
    """The inboxes of those followers of a community whose servers take no events."""
    query = (
        select(Actor)
        .join(Follow, Follow.follower_id == Actor.id)
        .where(Follow.target_id == group.id, Follow.state == FollowState.ACCEPTED, Actor.local.is_(False))
    )
    found = {actor.shared_inbox or actor.inbox: actor.domain for actor in db.scalars(query) if actor.active}
    known = peers.many(db, set(found.values()))
    software = {host: peer.software for host, peer in known.items()}
    return sorted(inbox for inbox, host in found.items() if inbox and software.get(host) in WITHOUT_EVENTS)


def keep(db: Session, post: Post, row: Meeting) -> Post | None:
    """Write or change the companion of a meeting, where it has readers; None where it has none."""
    group = communities.home_of(db, post)
    if group is None or not group.local or not composing.open_visibility(post) or post.held_for:
        return None
    inboxes = readers(db, group)
    before = of(db, post)
    if not inboxes and before is None:
        return None
    node, draft = actors.node_actor(db), _draft(db, post, row, group)
    if before is None:
        note = _sent(db, group, inboxes, lambda: composing.note(db, node, draft))
        post.extra = {**(post.extra or {}), KEY: str(note.id)}
        db.flush()
        return note
    return _sent(db, group, inboxes, lambda: composing.edit(db, node, before, draft), before)


def of(db: Session, post: Post) -> Post | None:
    """The companion of a meeting, if it has one."""
    number = str((post.extra or {}).get(KEY, ""))
    found = db.get(Post, int(number)) if post.local and number.isdecimal() else None
    return found if found is not None and found.deleted_at is None else None


def drop(db: Session, post: Post) -> None:
    """The meeting is about to be deleted: its companion goes, here and there."""
    from models import removing  # knows meetings itself

    note, group = of(db, post), communities.home_of(db, post)
    if note is None or group is None:
        return
    node = actors.node_actor(db)

    def delete() -> Post:
        removing.delete_post(db, node, note)
        return note

    _sent(db, group, readers(db, group), delete, note)


def _draft(db: Session, post: Post, row: Meeting, group: Actor) -> Draft:
    language = meeting_text.language_of(post.language)
    author = actors.get(db, post.author_id)
    words = WORDS[language].format(group=_plain(group.display_name), who=_plain(author.display_name), url=post.url)
    how = meeting_text.how_to_sign_up(row, language, likes=False)
    said = [_plain(meeting_text.summary(row, language)), words, how]

    def remember(db: Session, note: Post) -> None:
        note.extra = {**note.extra, MEETING: str(post.id)}

    return Draft(
        "\n\n".join(one for one in said if one),
        post.title,  # else NodeBB takes the first line of the Markdown, stars and all
        visibility=Visibility.UNLISTED,
        language=language,
        to=(group.id,),
        detail=remember,
    )


def _plain(words: str) -> str:
    return text.plain_words(words, 300)


def _sent(db: Session, group: Actor, inboxes: list[str], write: Callable[[], Post], before: Post | None = None) -> Post:
    """Do it, and have it go to these inboxes: as what the node did, and wrapped by the community."""
    known = {activity.id for activity in _activities(db, before)} if before is not None else set()
    note = write()
    for activity in _activities(db, note):
        if activity.id not in known:
            activity.data = {**activity.data, "inboxes": inboxes}
            data = {"only": "wraps", "inner": activity.id, "inboxes": inboxes}
            outbox.record(
                db, "Announce", group, object_uri=activity.uri, post=note, to=[PUBLIC], public=True, data=data
            )
    db.flush()
    return note


def _activities(db: Session, note: Post) -> list[Activity]:
    return list(db.scalars(select(Activity).where(Activity.post_id == note.id).order_by(Activity.id)))
