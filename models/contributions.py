"""What somebody has given: questions, answers, and answers that were accepted. What anybody may read counts."""

from dataclasses import dataclass

from sqlalchemy import exists, func, select, text
from sqlalchemy.orm import Session, aliased

from models.posts import GIVEN, Kind, Post

_Question = aliased(Post)


@dataclass(frozen=True)
class Contributions:
    """The counts of one person."""

    questions: int = 0
    answers: int = 0
    accepted: int = 0


def of(db: Session, actor_id: int) -> Contributions:
    """What one person has given, as far as this node knows; found by his own posts, however many others there are."""
    given = (Post.author_id == actor_id, text(GIVEN))
    counted = {row[0]: row[1] for row in db.execute(select(Post.kind, func.count()).where(*given).group_by(Post.kind))}
    # + 0: else SQLite reads the question of every answer, and not the index over accepted ones
    chosen = exists().where(_Question.accepted_id == Post.id, _Question.id + 0 == Post.thread_id)
    accepted = select(func.count()).select_from(Post).where(*given, Post.kind == Kind.ANSWER, chosen)
    return Contributions(counted.get(Kind.QUESTION, 0), counted.get(Kind.ANSWER, 0), db.scalar(accepted) or 0)
