"""Torv's own namespace, `/api/torv/v1/`: what a status cannot say about questions, answers, votes and communities.

Everything here can also be read and done through Mastodon's API; a client that knows Torv has it plainer.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session
from starlette.responses import Response

from models import (
    access,
    actors,
    admission,
    anonymity,
    calls,
    communities,
    community_statistics,
    follows,
    links,
    posts,
    reactions,
    threads,
    timelines,
)
from models.actors import Actor
from models.composing import BARRIERS
from models.errors import Invalid, NotFound
from models.links import MOST, Linked
from models.meetings import Way
from models.posts import Draft, Kind, Post, Visibility
from server import elsewhere
from server.api import show_accounts
from server.api.arguments import Id, Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.entities import torv as entities
from server.api.entities.accounts import Account
from server.api.paging import Page
from server.api.times import stamp
from server.version import VERSION

Text = Annotated[str, Meta(min_length=1)]


class QuestionsAsked(Paged, kw_only=True):
    """Which questions."""

    order: Literal["new", "unanswered", "top", "accepted"] = "new"
    community_id: Id | None = None
    offset: Annotated[int, Meta(ge=0, le=3000)] = 0
    """For `top`, which has no ids to continue from."""


class Asking(msgspec.Struct, kw_only=True):
    """A new question. `text` is Markdown."""

    community_id: Id
    title: Text
    text: str = ""
    visibility: Literal["public", "node"] = "public"
    language: str = ""
    barriers: list[str] = []
    municipality: Annotated[str, Meta(max_length=100)] = ""
    disclosure: Annotated[str, Meta(max_length=500)] = ""
    """The author's commercial interest."""
    link_ids: Annotated[list[Id], Meta(max_length=MOST)] = []
    """Reports, meetings, dogmas and other questions it belongs with."""
    anonymous: bool = False
    """Only those who moderate this node see who asks; in a community whose `anonymity` is true."""


class Saying(msgspec.Struct, kw_only=True):
    """An answer or a comment. `text` is Markdown."""

    text: Text
    language: str = ""
    disclosure: Annotated[str, Meta(max_length=500)] = ""
    """The author's commercial interest."""
    anonymous: bool | None = None
    """Below one's own anonymous question: still anonymously, which is so where nothing is said. Nowhere else."""


class Voting(msgspec.Struct, kw_only=True):
    """A vote: 1, -1, or 0 to take it back."""

    value: Literal[1, 0, -1]


class Choosing(msgspec.Struct, kw_only=True):
    """The answer to accept."""

    answer_id: Id


def _communities(db: Session, viewer: Actor | None, groups: Sequence[Actor]) -> list[entities.Community]:
    shown = show_accounts.accounts(db, groups)
    ids = [group.id for group in groups]
    rows, unanswered = communities.rows_of(db, groups), community_statistics.unanswered(db, ids)
    states = follows.states(db, viewer.id, ids) if viewer else {}
    moderated = communities.moderated(db, viewer.id) if viewer else set()
    askable = {group.id for group in admission.askable(db, viewer, groups)} if viewer else set()
    found = []
    for group, account in zip(groups, shown, strict=True):
        settings = rows[group.id]
        found.append(
            entities.Community(
                id=str(group.id),
                uri=group.uri,
                name=group.display_name,
                handle=group.handle,
                account=account,
                rules=list(settings.rules),
                allows_down_votes=settings.allows_down,
                moderators_only=settings.moderators_only,
                questions_only=settings.questions_only,
                node_only=settings.node_only,
                closed=settings.closed_at is not None,
                language=settings.language if group.local else None,
                may_ask=list(settings.askers),
                may_answer=list(settings.answerers),
                max_links=settings.max_links,
                own_links_a_week=settings.own_links_a_week,
                wants_disclosure=settings.wants_disclosure,
                anonymity=anonymity.offered(group),
                unanswered=unanswered.get(group.id, 0) if group.local else None,
                askable=group.id in askable if viewer else None,
                followed=states.get(group.id) == "accepted" if viewer else None,
                moderated=group.id in moderated if viewer else None,
            )
        )
    return found


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


def _question(db: Session, viewer: Actor | None, id: int) -> Post:
    post = access.access_post(db, viewer, id)
    if post.kind != Kind.QUESTION:
        raise NotFound("There is no such question.")
    return post


def community_of(db: Session, id: int) -> Actor:
    """A community by id. Raises NotFound."""
    group = actors.get(db, id)
    if not group.is_community or not group.active:
        raise NotFound("There is no such community.")
    return group


@endpoint("read:statuses", QuestionsAsked, list[entities.Question], who="anybody")
async def questions(call: Call, args: QuestionsAsked) -> Page[entities.Question]:
    """Questions of the whole node, or of one community."""

    def look(db: Session) -> Page[entities.Question]:
        window = args.window()
        if args.community_id is not None:
            group = community_of(db, args.community_id)
            rows = timelines.community(db, call.actor, group, window, unanswered=args.order == "unanswered")
            found = [post for _, post in rows if post.kind == Kind.QUESTION]
            cursors = [listing.id for listing, _ in rows]
        else:
            found = timelines.questions(db, call.actor, window, order=args.order, offset=args.offset)
            cursors = [] if args.order == "top" else [post.id for post in found]
        shown = Showing(db, call.actor, found)
        return Page.of([shown.question(post) for post in found], cursors)

    return await call.read(look)


@endpoint("read:statuses", Nothing, entities.Thread, who="anybody")
async def thread(call: Call, args: Nothing) -> entities.Thread:
    """A question with its answers and comments."""
    return await call.read(lambda db: _thread(db, call.actor, _question(db, call.actor, call.path())))


def _thread(db: Session, viewer: Actor | None, question: Post) -> entities.Thread:
    found = threads.read(db, viewer, question)
    comments = [post for under in found.comments.values() for post in under]
    shown = Showing(db, viewer, [question, *found.answers, *comments])
    home = communities.home_of(db, question)
    return entities.Thread(
        question=shown.question(question, db=db),
        community=_communities(db, viewer, [home])[0] if home is not None else None,
        answers=[shown.contribution(post) for post in found.answers],
        comments={str(id): [shown.contribution(post) for post in under] for id, under in found.comments.items()},
        more=found.more,
        may_accept=viewer is not None and threads.may_accept(db, viewer, question),
    )


@endpoint("write:statuses", Asking, entities.Question)
async def ask(call: Call, args: Asking) -> entities.Question:
    """Ask in a community, here or elsewhere."""
    if unknown := sorted(set(args.barriers) - set(BARRIERS)):
        raise Invalid(f"There is no barrier {unknown[0]!r}; there are {', '.join(BARRIERS)}.", code="barrier_unknown")
    await elsewhere.resolve_mentions(call, args.text)
    draft = Draft(
        args.text,
        args.title,
        visibility=args.visibility,
        language=args.language or call.language,
        barriers=tuple(args.barriers),
        municipality=args.municipality,
        disclosure=args.disclosure,
        anonymous=args.anonymous,
    )

    def write(db: Session, me: Actor) -> entities.Question:
        linked = to_link(db, me, args.link_ids)
        question = threads.ask(db, me, community_of(db, args.community_id), replace(draft, linked=linked))
        return Showing(db, me, [question]).question(question, db=db)

    return await call.write(write)


@endpoint("write:statuses", Saying, entities.Contribution)
async def answer(call: Call, args: Saying) -> entities.Contribution:
    """Answer a question."""
    return await _say(call, args, answers=True)


@endpoint("write:statuses", Saying, entities.Contribution)
async def comment(call: Call, args: Saying) -> entities.Contribution:
    """Comment on a question, an answer or another comment."""
    return await _say(call, args, answers=False)


async def _say(call: Call, args: Saying, *, answers: bool) -> entities.Contribution:
    await elsewhere.resolve_mentions(call, args.text)

    def write(db: Session, me: Actor) -> entities.Contribution:
        parent = access.access_post(db, me, call.path())
        draft = Draft(
            args.text,
            visibility=parent.visibility if parent.visibility != Visibility.UNLISTED else Visibility.PUBLIC,
            language=args.language or call.language,
            disclosure=args.disclosure,
            anonymous=_unnamed(db, me, parent) if args.anonymous is None else args.anonymous,
        )
        written = (threads.answer if answers else threads.comment)(db, me, parent, draft)
        return Showing(db, me, [written]).contribution(written)

    return await call.write(write)


def _unnamed(db: Session, me: Actor, parent: Post) -> bool:
    question = threads.question_of(db, parent)
    return question is not None and bool(anonymity.mine(db, me.id, [question.id]))


@endpoint("write:favourites", Voting, entities.Contribution)
async def vote(call: Call, args: Voting) -> entities.Contribution:
    """Vote a contribution up or, where its community allows it, down; or take the vote back."""

    def write(db: Session, me: Actor) -> entities.Contribution:
        post = access.access_post(db, me, call.path())
        if args.value:
            reactions.vote(db, me, post, args.value)
        else:
            reactions.withdraw_vote(db, me, post)
        return Showing(db, me, [post]).contribution(post)

    return await call.write(write)


@endpoint("write:statuses", Choosing, entities.Thread)
async def accept(call: Call, args: Choosing) -> entities.Thread:
    """Accept an answer: the asker, or a moderator of the question's community."""

    def write(db: Session, me: Actor) -> entities.Thread:
        question = _question(db, me, call.path())
        threads.accept(db, me, question, access.access_post(db, me, args.answer_id))
        return _thread(db, me, question)

    return await call.write(write)


@endpoint("write:statuses", Nothing, entities.Thread)
async def withdraw(call: Call, args: Nothing) -> entities.Thread:
    """Take the acceptance back."""

    def write(db: Session, me: Actor) -> entities.Thread:
        question = _question(db, me, call.path())
        threads.withdraw(db, me, question)
        return _thread(db, me, question)

    return await call.write(write)


@endpoint("write:statuses", Nothing, entities.Question)
async def call_for_meeting(call: Call, args: Nothing) -> entities.Question:
    """Make a question of this node a call for a meeting: its author, or a moderator of its community."""
    return await _changed(call, calls.call)


@endpoint("write:statuses", Nothing, entities.Question)
async def call_off(call: Call, args: Nothing) -> entities.Question:
    """It calls for a meeting no longer; who would have come is forgotten."""
    return await _changed(call, calls.call_off)


@endpoint("write:statuses", Nothing, entities.Question)
async def would_come(call: Call, args: Nothing) -> entities.Question:
    """Say that one would come to the meeting that a question calls for. Whoever did is told when it is planned."""
    return await _changed(call, lambda db, me, question: calls.come(db, me, question, Way.WEB))


@endpoint("write:statuses", Nothing, entities.Question)
async def would_not_come(call: Call, args: Nothing) -> entities.Question:
    """Take that back."""
    return await _changed(call, calls.stay_away)


async def _changed(call: Call, deed: Callable[[Session, Actor, Post], object]) -> entities.Question:
    def write(db: Session, me: Actor) -> entities.Question:
        question = _question(db, me, call.path())
        deed(db, me, question)
        return Showing(db, me, [question]).question(question, db=db)

    return await call.write(write)


@endpoint("read:accounts", Nothing, list[entities.Community], who="anybody")
async def all_communities(call: Call, args: Nothing) -> list[entities.Community]:
    """The communities of this node, and those elsewhere that it knows."""

    def look(db: Session) -> list[entities.Community]:
        return _communities(db, call.actor, [*communities.all_local(db), *communities.known_remote(db)])

    return await call.read(look)


@endpoint("read:accounts", Nothing, entities.Community, who="anybody")
async def community(call: Call, args: Nothing) -> entities.Community:
    """One community."""
    return await call.read(lambda db: _communities(db, call.actor, [community_of(db, call.path())])[0])


@endpoint(None, Nothing, dict[str, Any], who="anybody")
async def description(call: Call, args: Nothing) -> Response | dict[str, Any]:
    """This API as OpenAPI 3.1."""
    from server.api import describing, routes

    return describing.describe(routes.API, origin=call.node.origin, version=VERSION)
