"""What is kept of a post or an actor to find it by.

Only what somebody may find has a row: public posts of authors who let themselves be indexed, posts of this node's own
communities, posts for this node only, and what people of this node wrote (for themselves). Whether the one who asks may
find it is asked again each time (`rights`), so nothing here has to be right about blocks, suspensions and consent.
"""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import municipalities, text
from models.actors import Actor, ActorType
from models.posts import Kind, Post, PostTag, Visibility
from models.search.store import Document
from models.search.words import fold, stemmed

MAX_WORDS = 5000
"""Words of one post that are kept."""

MAX_TITLE_WORDS = 60
MAX_PROFILE_WORDS = 500

FOUND_BY_ALL, FOUND_HERE, FOUND_IN_COMMUNITY, FOUND_BY_AUTHOR = "_p", "_n", "_h", "_o"
"""By anybody; by people with an account here; in searches of its community only; by nobody but its author."""

UNANSWERED, ANSWER_ACCEPTED, IS_ACCEPTED = "_un", "_ac", "_aa"
"""A question nobody answered; one with an accepted answer; an answer that was accepted."""


def kind_mark(kind: str) -> str:
    """Marks posts of a kind."""
    return f"_k{kind}"


def author_mark(actor_id: int) -> str:
    """Marks what one actor wrote."""
    return f"_u{actor_id}"


def community_mark(community_id: int) -> str:
    """Marks the posts of a community's threads."""
    return f"_c{community_id}"


def barrier_mark(barrier: str) -> str:
    """Marks the threads about a barrier."""
    return f"_b{barrier}"


def municipality_mark(name: str) -> str:
    """Marks the threads of a municipality."""
    return "_m" + "".join(c for c in fold(name) if c.isalnum())[:60]


def tag_mark(name: str) -> str:
    """Marks the posts with a hashtag, by its key; empty for what no link can lead to."""
    return f"_t{name}" if re.fullmatch(r"\w{1,100}", name) else ""


def of_post(db: Session, post: Post, root: Post | None, author: Actor, home: Actor | None) -> Document | None:
    """What is kept of a post; None for one that nobody may find. `root` begins its thread, `home` is its community."""
    if _reach(post, author, home) is None:
        return None
    tags = db.scalars(select(PostTag.name).where(PostTag.post_id == post.id).order_by(PostTag.name))
    return of_tagged(post, tags, root, author, home)


def of_tagged(post: Post, tags: Iterable[str], root: Post | None, author: Actor, home: Actor | None) -> Document | None:
    """`of_post` where the keys of its hashtags are known, in their order."""
    reach = _reach(post, author, home)
    if reach is None or post.deleted_at is not None or post.removed_at is not None or post.held_for:
        return None
    about = (root.extra if root is not None else post.extra) or {}
    marks = [reach, kind_mark(post.kind), author_mark(author.id)]
    if post.community_id is not None:
        marks.append(community_mark(post.community_id))
    marks += [barrier_mark(one) for one in _words(about.get("barriers"))]
    if isinstance(about.get("municipality"), str) and about["municipality"]:
        marks.append(municipality_mark(about["municipality"]))
    marks += [mark for mark in map(tag_mark, tags) if mark]
    if post.kind == Kind.QUESTION:
        marks += [UNANSWERED] if post.answer_count == 0 and post.duplicate_of_id is None else []
        marks += [ANSWER_ACCEPTED] if post.accepted_id is not None else []
    elif root is not None and root.accepted_id == post.id:
        marks.append(IS_ACCEPTED)
    described = " ".join(one["name"] for one in post.attachments or [] if isinstance(one.get("name"), str))
    words = stemmed(f"{post.summary}\n{text.plain(post.content)}\n{described}", MAX_WORDS)
    return Document(tuple(stemmed(post.title, MAX_TITLE_WORDS)), tuple(words), tuple(dict.fromkeys(marks)))


def _reach(post: Post, author: Actor, home: Actor | None) -> str | None:
    if post.visibility == Visibility.PUBLIC and author.indexable:
        return FOUND_BY_ALL
    if post.visibility == Visibility.PUBLIC and home is not None and home.local:
        return FOUND_IN_COMMUNITY
    if post.visibility == Visibility.NODE:
        return FOUND_HERE
    return FOUND_BY_AUTHOR if author.local else None


def _words(value: Any) -> list[str]:
    """A list of names out of what may have come from elsewhere."""
    if not isinstance(value, list):
        return []
    return [one for one in value[:20] if isinstance(one, str) and re.fullmatch(r"\w{1,40}", one)]


def surface(post: Post) -> str:
    """The words of a post as they are written, for the dictionary of spellings."""
    return f"{post.title}\n{post.summary}\n{text.plain(post.content)}"


def of_actor(actor: Actor) -> Document | None:
    """What is kept of a person, community or organisation; None for those who do not want to be found."""
    if not actor.discoverable or actor.deleted_at is not None or actor.type == ActorType.APPLICATION:
        return None
    fields = " ".join(f"{one.get('name', '')} {text.plain(one.get('value', ''))}" for one in actor.fields or [])
    asked = " ".join(one for one in actor.topics or [] if isinstance(one, str))
    where = municipalities.name(actor.municipality) if actor.municipality else ""
    said = f"{actor.role}\n{where}\n{asked}\n{text.plain(actor.summary)}\n{fields}"
    names = f"{actor.name} {actor.username.replace('_', ' ')}"
    return Document(
        tuple(stemmed(names, MAX_TITLE_WORDS)),
        tuple(stemmed(said, MAX_PROFILE_WORDS)),
        ("_kgroup" if actor.is_community else "_kperson",),
    )
