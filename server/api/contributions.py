"""What `/api/torv/v1/` shows of contributions of every kind: votes, tags, and what they belong with."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from models import access, actors, anonymity, calls, links, posts, reactions
from models.actors import Actor
from models.errors import Invalid
from models.links import Linked
from models.posts import Post
from server.api import show_accounts
from server.api.entities import torv as entities
from server.api.entities.accounts import Account
from server.api.times import stamp


class Showing:
    """Contributions with their authors, votes and tags, in a fixed number of queries."""

    def __init__(self, db: Session, viewer: Actor | None, found: Iterable[Post]) -> None:
        rows = list(found)
        ids = [post.id for post in rows]
        people = list(actors.many(db, [post.author_id for post in rows]).values())
        self.viewer = viewer
        self.accounts: dict[int, Account] = dict(
            zip([actor.id for actor in people], show_accounts.accounts(db, people), strict=True)
        )
        self.tags = posts.tags_of(db, ids)
        self.votes = reactions.my_votes(db, viewer.id, ids) if viewer else {}
        self.edited = posts.edited(db, ids)
        self.accepted = {post.accepted_id for post in rows if post.accepted_id}
        self.unnamed = {actor.id for actor in people if anonymity.is_service(actor)}
        self.mine = anonymity.mine(db, viewer.id, ids) if viewer and self.unnamed else set()

    def common(self, post: Post) -> dict[str, Any]:
        """What contributions of every kind have."""
        mine = self.viewer is not None and (post.author_id == self.viewer.id or post.id in self.mine)
        return {
            "id": str(post.id),
            "status_id": str(post.id),
            "uri": post.uri,
            "url": post.url or post.uri,
            "kind": post.kind,
            "title": post.title,
            "content": post.content,
            "source": post.source if mine else None,
            "account": self.accounts[post.author_id],
            "anonymous": post.author_id in self.unnamed,
            "mine": mine if self.viewer else None,
            "language": post.language or None,
            "visibility": post.visibility,
            "in_reply_to_id": str(post.in_reply_to_id) if post.in_reply_to_id else None,
            "created_at": stamp(post.published),
            "edited_at": stamp(post.updated) if post.id in self.edited and post.updated else None,
            "votes_up": post.up,
            "votes_down": post.down,
            "my_vote": self.votes.get(post.id, 0) if self.viewer else None,
            "reply_count": post.reply_count,
            "unreviewed": post.unreviewed,
            "accepted": post.id in self.accepted,
            "disclosure": str((post.extra or {}).get("disclosure", "")),
            "waits": bool(post.held_for),
            "tags": [tag.shown for tag in self.tags.get(post.id, [])],
        }

    def contribution(self, post: Post) -> entities.Contribution:
        return entities.Contribution(**self.common(post))

    def question(self, post: Post, *, db: Session | None = None) -> entities.Question:
        """`db`: with what it is tied to, which lists leave out."""
        return entities.Question(
            **self.common(post),
            community_id=str(post.community_id) if post.community_id else None,
            answer_count=post.answer_count,
            accepted_answer_id=str(post.accepted_id) if post.accepted_id else None,
            barriers=list(post.extra.get("barriers", [])),
            municipality=str(post.extra.get("municipality", "")),
            duplicate_of_id=str(post.duplicate_of_id) if post.duplicate_of_id else None,
            merged=post.merged_at is not None,
            links=tied(links.of(db, self.viewer, post)) if db is not None else [],
            linked_from=tied(links.to(db, self.viewer, post)) if db is not None else [],
            call=_called(db, self.viewer, post) if db is not None else None,
        )


def _called(db: Session, viewer: Actor | None, question: Post) -> entities.MeetingCall | None:
    row = calls.find(db, question)
    if row is None:
        return None
    mine = calls.mine(db, viewer, question) is not None if viewer is not None else None
    return entities.MeetingCall(coming=row.coming, municipalities=dict(calls.places(db, question)), mine=mine)


def tied(found: list[Linked]) -> list[entities.Tied]:
    """What a post is tied to, or what is tied to it."""
    return [
        entities.Tied(
            tie=str(one.tie),
            uri=one.uri,
            id=str(one.post.id) if one.post is not None else None,
            kind=str(one.kind) if one.kind is not None else None,
            title=one.post.title if one.post is not None else "",
        )
        for one in found
    ]


def to_link(db: Session, me: Actor, ids: list[int]) -> tuple[Post, ...]:
    """The posts that a caller ties his own to. Raises Invalid."""
    found = access.several(db, me, ids)
    if set(ids) - set(found) or any(post.in_reply_to_uri for post in found.values()):
        raise Invalid("There is no such post, or you may not see it.", code="links_unknown")
    return tuple(found[id] for id in dict.fromkeys(ids))
