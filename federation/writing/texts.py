"""The text of a post in its two forms, and what stands below it for servers that do not know our terms.

Mastodon reads the HTML, Lemmy, PieFed and NodeBB the Markdown: what is said in words is said in both.
"""

from typing import Any

from sqlalchemy.orm import Session

from federation.writing import Json, meetings
from models import access, actors, dogmas, duplicates, plain_text, wording
from models.database import node_of
from models.meetings import Meeting
from models.posts import Kind, Post


def content_and_source(db: Session, row: Post, tags: list[str], meeting: Meeting | None) -> tuple[str, Json]:
    """The HTML, which begins with the title in bold, and what it was made from, which does not."""
    written_in = (row.extra or {}).get("content_type", plain_text.MARKDOWN)
    if meeting is not None:
        said = meetings.said_before(row, meeting) + row.content + meetings.said_after(db, row, meeting)
        return wording.titled(row.title, said), {"content": row.source, "mediaType": written_in}
    below = _below(db, row)
    source = wording.source(row, **below) if written_in == plain_text.MARKDOWN else row.source
    html = wording.whole(row, origin=node_of(db).origin, tags=tags, **below)
    return html, {"content": source, "mediaType": written_in}


def accepted_answer(db: Session, row: Post) -> Post | None:
    """The accepted answer of a question, if there is one that anybody may read."""
    if row.kind != Kind.QUESTION or row.accepted_id is None:
        return None
    answer = db.get(Post, row.accepted_id)
    return answer if answer is not None and access.may_see(db, None, answer) else None


def _below(db: Session, row: Post) -> dict[str, Any]:
    answer = accepted_answer(db, row)
    original = duplicates.original_of(db, None, row)
    dogma = db.get(dogmas.Dogma, row.id) if row.kind == Kind.DOGMA else None
    return {
        "accepted": wording.Accepted(answer.uri, actors.get(db, answer.author_id).handle) if answer else None,
        "original": wording.Original(original.uri, original.title) if original else None,
        "endorse": dogma is not None and dogma.status in dogmas.OPEN,
    }
