"""What somebody has given: questions, answers, and answers that were accepted. What anybody may read counts."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from models.posts import Kind, Post, Visibility

OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)


@dataclass(frozen=True)
class Contributions:
    """The counts of one person."""

    questions: int = 0
    answers: int = 0
    accepted: int = 0


def of(db: Session, actor_id: int) -> Contributions:
    """What one person has given, as far as this node knows; found by his own posts, however many others there are."""
    question = aliased(Post)
    kind = Post.kind.concat("")  # else SQLite goes through all questions and answers there are
    mine = (Post.author_id == actor_id, Post.deleted_at.is_(None), Post.visibility.in_(OPEN))
    kinds = select(Post.kind, func.count()).where(*mine, kind.in_((Kind.QUESTION, Kind.ANSWER)))
    counted = {row[0]: row[1] for row in db.execute(kinds.group_by(Post.kind))}
    accepted = (
        select(func.count())
        .select_from(Post)
        .join(question, question.id == Post.thread_id)
        .where(*mine, kind == Kind.ANSWER, question.accepted_id == Post.id)
    )
    return Contributions(counted.get(Kind.QUESTION, 0), counted.get(Kind.ANSWER, 0), db.scalar(accepted) or 0)
