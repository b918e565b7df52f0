"""Minutes: what came of a meeting, written by its organiser when it is over, and what grows out of it.

They are a comment in the meeting's thread, which goes where comments go, and the meeting's row says that this one is the
minutes. Each of their paragraphs can become a question or a report, which then says that it is about the meeting.
"""

import re

from sqlalchemy.orm import Session

from models import access, actors, attendance, attending, composing, meetings, posts, threads
from models.actors import Actor
from models.base import now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.meetings import Meeting
from models.posts import Draft, Post, Visibility

HEADING = {"da": "Referat", "en": "Minutes"}
LIST_MARK = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?")
HEADING_MARK = re.compile(r"^\s*#{1,6}\s+")
MAX_LINES = 200


def may_write(db: Session, actor: Actor, post: Post, row: Meeting) -> bool:
    """Its organiser, or a moderator of its community, once it has begun and unless it was called off."""
    return attendance.organises(db, actor, post) and row.starts_at <= now() and not row.cancelled


def write(
    db: Session, by: Actor, post: Post, text: str, *, language: str = "", app: dict[str, str] | None = None
) -> Post:
    """Close a meeting by its minutes; where there are some already, they are changed. Raises Forbidden, Conflict before it
    has begun and for one that was called off, Invalid where nothing is written."""
    row = attending.hold(db, post)
    if not attendance.organises(db, by, post):
        raise Forbidden("Only its organiser writes the minutes.", code="not_organiser")
    if row.cancelled:
        raise Conflict("This meeting is cancelled.", code="meeting_cancelled")
    if row.starts_at > now():
        raise Conflict("This meeting has not begun yet.", code="meeting_ahead")
    if not text.strip():
        raise Invalid("There is nothing in it yet.", code="text_missing")
    before = of(db, row)
    language = language or (before.language if before is not None else post.language) or "da"
    draft = Draft(headed(text, language), visibility=_visibility(post), language=language, app=app)
    if before is not None and composing.may_edit(db, by, before):
        return composing.edit(db, by, before, draft)
    if before is not None:
        raise Forbidden("Somebody else has written the minutes.", code="minutes_there")
    written = threads.comment(db, by, post, draft)
    row.minutes_post_id = written.id
    db.flush()
    if not written.held_for:
        composing.touch(db, actors.get(db, post.author_id), post)  # the meeting names its minutes from now on
    return written


def _visibility(post: Post) -> Visibility:
    return Visibility.NODE if post.visibility == Visibility.NODE else Visibility.PUBLIC


def headed(text: str, language: str) -> str:
    """The text as it goes out: with what it is on its first line, for those who read it among other posts."""
    heading = f"**{HEADING['en' if language == 'en' else 'da']}**"
    return f"{heading}\n\n{plain(text)}"


def plain(source: str) -> str:
    """The minutes as they were typed, without that line."""
    text = source.strip()
    for word in HEADING.values():
        if text.startswith(f"**{word}**"):
            return text[len(word) + 4 :].strip()
    return text


def of(db: Session, row: Meeting) -> Post | None:
    """The minutes of a meeting, unless they are gone."""
    found = db.get(Post, row.minutes_post_id) if row.minutes_post_id is not None else _elsewhere(db, row)
    return found if found is not None and found.deleted_at is None and not found.held_for else None


def _elsewhere(db: Session, row: Meeting) -> Post | None:
    """What another server calls the minutes of its meeting, once we have it: a reply in its thread, from that server."""
    post = db.get(Post, row.post_id)
    said = str((post.extra or {}).get("minutes", "")) if post is not None and not post.local else ""
    found = posts.by_uri(db, said) if said else None
    if post is None or found is None or found.thread_id != post.id:
        return None
    return found if actors.get(db, found.author_id).domain == actors.get(db, post.author_id).domain else None


def seen(db: Session, viewer: Actor | None, row: Meeting) -> Post | None:
    """The minutes, if `viewer` may read them."""
    found = of(db, row)
    return found if found is not None and access.may_see(db, viewer, found) else None


def lines(source: str) -> list[str]:
    """What of the minutes can become a post: each paragraph, and each point of a list, without its marks."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", plain(source)):
        kept: list[str] = []
        for line in block.split("\n"):
            if HEADING_MARK.match(line):
                continue
            if LIST_MARK.match(line):
                found += [" ".join(kept)] if kept else []
                kept = [LIST_MARK.sub("", line).strip()]
            elif line.strip():
                kept.append(line.strip())
        found += [" ".join(kept)] if kept else []
    return [one for one in found if one][:MAX_LINES]


def line(db: Session, post: Post, number: int) -> str:
    """The paragraph of a meeting's minutes with this number, from 1. Raises NotFound."""
    row = meetings.find(db, post)
    minutes = of(db, row) if row is not None else None
    found = lines(minutes.source) if minutes is not None else []
    if not 1 <= number <= len(found):
        raise NotFound("There is no such place in the minutes.")
    return found[number - 1]
