"""Answers that are a deed: a like of a post that asks something, or a plain yes below it, from whatever server.

Whoever keeps something to be answered (an invitation to be co-author, a meeting to come to, or to call for) hears of it here, in the
transaction of the like or the reply.
"""

from sqlalchemy.orm import Session

from models.actors import Actor
from models.posts import Post


def liked(db: Session, actor: Actor, post: Post, *, undone: bool = False) -> None:
    """Somebody likes a post, or does so no longer."""
    from models import attending, co_authors  # write posts themselves

    attending.liked(db, actor, post, undone=undone)
    if post.local and post.visibility == "direct":
        co_authors.answered(db, actor, post, yes=not undone)


def replied(db: Session, author: Actor, reply: Post, parent: Post) -> None:
    """Somebody answers a post."""
    from models import attending, calls, co_authors, plain_answers, text

    attending.replied(db, author, reply, parent)
    calls.replied(db, author, reply, parent)
    if parent.local and parent.visibility == "direct":
        words = text.plain(reply.content)
        if plain_answers.is_yes(words) or plain_answers.is_no(words):
            co_authors.answered(db, author, parent, yes=plain_answers.is_yes(words))
