"""The `source` of a post: Markdown that says no less than its `content`, because PieFed and Lemmy show it instead.

The title is left out, which they show themselves. What stands around the text there stands around it here too: when and
where a meeting is, and that it is cancelled; what a report came to, which they have no other way to read (they show no
`summary`); the accepted answer. Of a text that was not written in Markdown they show the `content`.
"""

from sqlalchemy.orm import Session

from federation.writing import Json
from models import experience_text, experiences, meeting_text, plain_text, text, wording
from models.meetings import Meeting
from models.posts import Kind, Post

MOST = 1000


def source(db: Session, row: Post, meeting: Meeting | None, around: wording.Around) -> Json:
    """What a post was written as."""
    written_as = (row.extra or {}).get("content_type", plain_text.MARKDOWN)
    words = row.source
    if written_as == plain_text.MARKDOWN:
        said = [*_before(db, row, meeting), row.source, *_after(row, meeting), *wording.markdown_after(row, around)]
        words = "\n\n".join(one for one in said if one)
    return {"content": words, "mediaType": written_as}


def _before(db: Session, row: Post, meeting: Meeting | None) -> list[str]:
    if meeting is not None:
        return [_bare(meeting_text.summary(meeting, row.language)), _bare(meeting.cancelled_why)]
    if row.kind == Kind.EXPERIENCE:
        facts = experience_text.facts(row, experiences.get(db, row))
        said = " ".join(f"**{name}:** {_bare(said)}." for name, said in facts)
        return [said, "" if _begins(row) else _bare(row.summary)]
    return []


def _begins(row: Post) -> bool:
    """Whether the abstract is no more than how the text begins."""
    return " ".join(text.plain(row.content).split()).startswith(" ".join(row.summary.split()).removesuffix(" …"))


def _after(row: Post, meeting: Meeting | None) -> list[str]:
    return [meeting_text.how_to_sign_up(meeting, row.language)] if meeting is not None else []


def _bare(words: str) -> str:
    return text.plain_words(words, MOST)
