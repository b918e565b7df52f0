"""Questions, answers, votes and accepted answers in Torv's own namespace, `/api/torv/v1/`.

Everything here can also be read and done through Mastodon's API; a client that knows Torv has it plainer.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from models import access, anonymity, calls, communities, reactions, threads, timelines
from models.actors import Actor
from models.composing import BARRIERS
from models.errors import Invalid, NotFound
from models.links import MOST
from models.meetings import Way
from models.posts import Draft, Kind, Post, Visibility
from server import elsewhere
from server.api.arguments import Id, Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.communities import community_of, show_communities
from server.api.contributions import Showing, to_link
from server.api.entities import torv as entities
from server.api.paging import Page

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


def _question(db: Session, viewer: Actor | None, id: int) -> Post:
    post = access.access_post(db, viewer, id)
    if post.kind != Kind.QUESTION:
        raise NotFound("There is no such question.")
    return post


@endpoint("read:statuses", QuestionsAsked, list[entities.Question], who="anybody")
async def index(call: Call, args: QuestionsAsked) -> Page[entities.Question]:
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
        community=show_communities(db, viewer, [home])[0] if home is not None else None,
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
