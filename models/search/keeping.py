"""Keeping what is searched in step with what was said: in the same transaction, whoever made the change, and where.

A session notes which posts and actors it writes, and just before it commits their rows here are written too. So no
caller has to think of it, and what was not committed cannot be found. Only bulk statements that pass by the session
have to say so themselves (`touch`).
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session

from models import jobs
from models.actors import Actor, many
from models.base import Base
from models.posts import Post, PostTag, tag_keys
from models.search import spelling
from models.search.documents import FOUND_BY_ALL, of_actor, of_post, of_tagged, surface
from models.search.store import ACTORS, POSTS

JOB = "index_posts"
"""Looks at everything an actor wrote, some posts at a time: `{"actor": id, "after": post id}`, or `thread` for `actor`."""

BATCH = 200

OF_POSTS = frozenset(
    ("title", "summary", "content", "attachments", "extra", "kind", "visibility", "author_id", "community_id", "thread_id",
     "duplicate_of_id", "removed_at", "held_for", "deleted_at", "accepted_id")
)  # fmt: skip
OF_ACTORS = frozenset(
    ("name", "username", "summary", "fields", "type", "discoverable", "deleted_at", "role", "municipality", "topics")
)


@cache
def watch(sessions: type[Session]) -> None:
    """Let all sessions of a class keep what is searched in step."""
    event.listen(sessions, "after_flush", _note)
    event.listen(sessions, "before_commit", _keep)


def _touched(db: Session, table: type[Base]) -> set[int]:
    found: set[int] = db.info.setdefault("touched", {Post: set(), Actor: set()})[table]
    return found


def touch(db: Session, post_ids: Iterable[int]) -> None:
    """Posts were changed by a statement that the session did not see."""
    _touched(db, Post).update(post_ids)


def _note(db: Session, _context: Any) -> None:
    for row in (*db.new, *db.dirty):
        if isinstance(row, Post):
            _note_post(db, row)
        elif isinstance(row, PostTag):
            _touched(db, Post).add(row.post_id)
        elif isinstance(row, Actor):
            _note_actor(db, row)


def _note_post(db: Session, post: Post) -> None:
    if _changed(post, OF_POSTS) or _first_or_last_answer(post):
        _touched(db, Post).add(post.id)
    state = inspect(post)
    if state.attrs.accepted_id.history.has_changes():
        old = state.attrs.accepted_id.history.deleted
        _touched(db, Post).update(id for id in (post.accepted_id, *(old or ())) if id is not None)
    if post.thread_id == post.id and post.reply_count and _facts(post) != _facts_before(state):
        jobs_for(db, "thread", post.id)


def _note_actor(db: Session, actor: Actor) -> None:
    if _changed(actor, OF_ACTORS):
        _touched(db, Actor).add(actor.id)
    if actor not in db.new and _changed(actor, {"indexable"}):
        jobs_for(db, "actor", actor.id)


def jobs_for(db: Session, whose: str, id: int) -> None:
    """Promise that all posts of a `thread` or an `actor` are looked at again."""
    db.info.setdefault("touched_all", set()).add((whose, id))


def _changed(row: Base, names: Collection[str]) -> bool:
    state = inspect(row)
    return any(state.attrs[name].history.has_changes() for name in names)


def _first_or_last_answer(post: Post) -> bool:
    history = inspect(post).attrs.answer_count.history
    return history.has_changes() and 0 in (*(history.added or ()), *(history.deleted or ()))


def _facts(post: Post) -> tuple[Any, ...]:
    return _facts_in(post.extra)


def _facts_before(state: Any) -> tuple[Any, ...]:
    history = state.attrs.extra.history
    return _facts_in(history.deleted[0]) if history.deleted else _facts_in(state.object.extra)


def _facts_in(extra: Any) -> tuple[Any, ...]:
    extra = extra or {}
    return extra.get("barriers"), extra.get("municipality")


def _keep(db: Session) -> None:
    db.flush()
    while "touched" in db.info or "touched_all" in db.info:
        touched, all_of = db.info.pop("touched", {}), db.info.pop("touched_all", set())
        of_posts, of_actors = touched.get(Post, set()), touched.get(Actor, set())
        keep_posts(db, of_posts)
        keep_actors(db, of_actors)
        for whose, id in sorted(all_of):
            jobs.enqueue(db, JOB, {whose: id, "after": 0})
        db.flush()


def keep_posts(db: Session, ids: Collection[int]) -> None:
    """Write the rows of these posts anew, as they are now."""
    if not ids:
        return
    # Read again: where two write at once (PostgreSQL), the other's words are in the row by now and not in our objects.
    query = select(Post).where(Post.id.in_(ids)).order_by(Post.id).execution_options(populate_existing=True)
    found = db.scalars(query).all()
    starts = {post.thread_id for post in found if post.thread_id != post.id}
    roots = {root.id: root for root in db.scalars(select(Post).where(Post.id.in_(starts)))} if starts else {}
    people = many(db, {id for post in found for id in (post.author_id, post.community_id) if id is not None})
    for post in found:
        home = people.get(post.community_id or 0)
        root = post if post.thread_id == post.id else roots.get(post.thread_id)
        document = of_post(db, post, root, people[post.author_id], home)
        if document is None:
            POSTS.remove(db, [post.id])
            continue
        POSTS.put(db, {post.id: document})
        if FOUND_BY_ALL in document.marks:
            spelling.learn(db, surface(post))


def keep_new_posts(db: Session, made: Iterable[tuple[Post, Actor, Iterable[str]]]) -> None:
    """Write the rows of first posts that were inserted just now past the session, each with its author and hashtags."""
    documents, words = {}, []
    for post, author, tags in made:
        document = of_tagged(post, sorted(tag_keys(tags)), None, author, None)
        if document is not None:
            documents[post.id] = document
            words += [surface(post)] if FOUND_BY_ALL in document.marks else []
    POSTS.add(db, documents)
    spelling.learn(db, *words)


def keep_actors(db: Session, ids: Collection[int]) -> None:
    """Write the rows of these actors anew."""
    if not ids:
        return
    found = {
        actor.id: of_actor(actor) for actor in db.scalars(select(Actor).where(Actor.id.in_(ids)).order_by(Actor.id))
    }
    ACTORS.put(db, {id: document for id, document in found.items() if document is not None})
    ACTORS.remove(db, [id for id, document in found.items() if document is None])


def go_on(db: Session, payload: Mapping[str, Any]) -> bool:
    """One step of the job: the next posts of an actor or a thread; False when there are none left."""
    whose, column = ("thread", Post.thread_id) if "thread" in payload else ("actor", Post.author_id)
    query = select(Post.id).where(column == payload[whose], Post.id > payload["after"]).order_by(Post.id).limit(BATCH)
    # Held, so that nobody changes a post between our reading it and our writing what we read (PostgreSQL).
    ids = list(db.scalars(query.with_for_update(read=True)))
    keep_posts(db, ids)
    if len(ids) < BATCH:
        return False
    jobs.enqueue(db, JOB, {whose: payload[whose], "after": ids[-1]})
    return True
