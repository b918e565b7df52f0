"""Statuses: writing, reading, changing and deleting them, and what stands around them."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from sqlalchemy.orm import Session

from models import (
    access,
    asking,
    composing,
    idempotency,
    plain_text,
    posts,
    preferences,
    quotes,
    removing,
    scheduled,
    statuses,
    surroundings,
)
from models import media as files
from models.actors import Actor
from models.errors import Invalid, NotFound
from models.polls import PollDraft
from models.posts import Draft, Kind, Post, Visibility
from models.reactions import unboost
from models.text import one_line, plain
from server.api import show_statuses, status_files
from server.api.arguments import Id, Nothing, Paged, Whole
from server.api.calls import Call, endpoint
from server.api.entities.scheduled import ScheduledParams, ScheduledPoll, ScheduledStatus
from server.api.entities.statuses import Context, Seen, Status, StatusEdit, StatusSource
from server.api.media import kept_if_used
from server.api.paging import Page
from server.api.scheduled import moment
from server.api.scheduled import shown as waiting
from server.api.show_edits import edits
from server.api.status_files import FileWritten
from server.elsewhere import resolve_mentions

MOST_AT_ONCE = 40

VISIBILITIES = {
    "public": Visibility.PUBLIC,
    "unlisted": Visibility.UNLISTED,
    "private": Visibility.FOLLOWERS,
    "direct": Visibility.DIRECT,
    "local": Visibility.NODE,
}
"""What clients call who may read a post. `local` is not Mastodon's: it stays on this node."""

CLIENT_WORDS: dict[str, Seen] = {
    "public": "public",
    "unlisted": "unlisted",
    "private": "private",
    "direct": "direct",
    "local": "private",
}
"""What they are told it is."""


class PollArgs(msgspec.Struct, kw_only=True):
    """A poll to go with a status."""

    options: list[str] = []
    expires_in: Whole = 0
    multiple: bool = False
    hide_totals: bool = False


class Posting(msgspec.Struct, kw_only=True):
    """A new status. `content_type`: `text/plain`, as apps send it, or `text/markdown`."""

    status: str = ""
    media_ids: list[Id] = []
    poll: PollArgs | None = None
    in_reply_to_id: Id | None = None
    sensitive: bool | None = None
    spoiler_text: str = ""
    visibility: Literal["", "public", "unlisted", "private", "direct", "local"] = ""
    local_only: bool = False
    language: str = ""
    scheduled_at: str | None = None
    content_type: Literal["", "text/plain", "text/markdown"] = ""
    quoted_status_id: Id | None = None
    quote_approval_policy: Literal["", "public", "followers", "nobody"] = ""


class Editing(msgspec.Struct, kw_only=True):
    """A new edition of a status. What is not there stays, but files and poll go where the text is sent without them."""

    status: str | None = None
    spoiler_text: str | None = None
    sensitive: bool | None = None
    language: str | None = None
    media_ids: list[Id] | None = None
    poll: PollArgs | None = None
    content_type: Literal["", "text/plain", "text/markdown"] = ""
    media_attributes: list[FileWritten] = []
    quote_approval_policy: Literal["", "public", "followers", "nobody"] = ""


class Quotable(msgspec.Struct, kw_only=True):
    """Who may quote a status."""

    quote_approval_policy: Literal["public", "followers", "nobody"]


class Deleting(msgspec.Struct, kw_only=True):
    """Whether the files go at once. Otherwise they wait an hour for a post that is written anew with them."""

    delete_media: bool = False


class Several(msgspec.Struct, kw_only=True):
    """Which statuses."""

    id: list[Id] = []


@endpoint("write:statuses", Posting, Status | ScheduledStatus)
async def create(call: Call, args: Posting) -> Status | ScheduledStatus:
    """`POST /api/v1/statuses`: write a post, ask a question, answer one; with `scheduled_at`, later.

    The same `Idempotency-Key` with the same token within an hour is the same status, however many ask at once.
    """
    draft = drafted(call, args)
    at = moment(args.scheduled_at) if args.scheduled_at else None
    await resolve_mentions(call, draft.text)

    def write(db: Session, me: Actor) -> int:
        if at is not None:
            return scheduled.schedule(db, me.id, at, draft, reply_to=args.in_reply_to_id, params=_sent(call, args)).id
        return asking.publish(db, me, draft, reply_to=args.in_reply_to_id).id

    made = await once(call, "scheduled" if at is not None else "status", write)
    if at is not None:
        return await call.read(lambda db: waiting(db, [scheduled.get(db, call.me.id, made)])[0])
    return await shown(call, made)


async def once(call: Call, purpose: str, write: Callable[[Session, Actor], int]) -> int:
    """The id of what `write` makes, or made before under the call's Idempotency-Key."""
    assert call.token is not None
    token_id, key = call.token.id, call.idempotency_key
    found, _ = await call.write(lambda db, me: idempotency.once(db, purpose, token_id, key, lambda: write(db, me)))
    return found


def _sent(call: Call, args: Posting) -> dict[str, Any]:
    """What a client sees of a status that waits: what it sent itself."""
    poll = ScheduledPoll(**msgspec.structs.asdict(args.poll)) if args.poll is not None and args.poll.options else None
    sent = ScheduledParams(
        text=args.status,
        poll=poll,
        media_ids=[str(id) for id in args.media_ids] or None,
        sensitive=args.sensitive,
        spoiler_text=args.spoiler_text or None,
        visibility=CLIENT_WORDS.get(args.visibility),
        in_reply_to_id=args.in_reply_to_id,
        language=args.language or None,
        application_id=call.app.id if call.app is not None else 0,
        idempotency=call.idempotency_key or None,
        content_type=args.content_type or None,
        quote_approval_policy=args.quote_approval_policy or None,
    )
    built: dict[str, Any] = msgspec.to_builtins(sent)
    return built


def drafted(call: Call, args: Posting) -> Draft:
    """What a client sent as a draft, with its writer's preferences where it says nothing. Raises Invalid."""
    if args.quoted_status_id is not None:
        raise Invalid("Quoting is not offered here", code="quotes_absent")
    chosen = preferences.of(call.my_account)
    text, warning = args.status, one_line(args.spoiler_text, 500)
    if not text.strip() and warning and not args.media_ids:
        text, warning = warning, ""
    visibility = VISIBILITIES.get(args.visibility, chosen.visibility)
    return Draft(
        text,
        visibility=Visibility.NODE if args.local_only else visibility,
        language=_language(args.language) or chosen.language or call.my_account.language,
        summary=warning,
        sensitive=chosen.sensitive if args.sensitive is None else args.sensitive,
        poll=_poll(args.poll) if args.poll is not None and args.poll.options else None,
        content_type=args.content_type or plain_text.PLAIN,
        media=tuple(args.media_ids) or None,
        app={"name": call.app.name, "website": call.app.website} if call.app is not None else None,
        quote_policy=args.quote_approval_policy,
        may_name_nobody=True,
    )


def _poll(args: PollArgs) -> PollDraft:
    return PollDraft(tuple(args.options), args.expires_in, args.multiple, args.hide_totals)


def _language(wanted: str) -> str:
    """A language tag as posts keep it; empty for what is none."""
    first = wanted.strip().lower().replace("_", "-").split("-")[0]
    return first if first.isascii() and first.isalpha() and 2 <= len(first) <= 3 else ""


async def shown(call: Call, status_id: int) -> Status:
    """A status as the caller sees it. Raises NotFound."""

    def look(db: Session) -> Status:
        return show_statuses.status(db, call.actor, statuses.find(db, call.actor, status_id))

    return await call.read(look)


@endpoint("read:statuses", Nothing, Status, who="anybody")
async def show(call: Call, args: Nothing) -> Status:
    """`GET /api/v1/statuses/{id}`: one status."""
    return await shown(call, call.path())


@endpoint("read:statuses", Several, list[Status], who="anybody")
async def several(call: Call, args: Several) -> list[Status]:
    """`GET /api/v1/statuses?id[]=1&id[]=2`: several, as far as the caller may see them."""

    def look(db: Session) -> list[Status]:
        found = statuses.several(db, call.actor, args.id[:MOST_AT_ONCE])
        return show_statuses.statuses(db, call.actor, found)

    return await call.read(look)


def own(db: Session, me: Actor, status_id: int) -> Post:
    """One's own post. Raises NotFound, the same for others' posts and for none."""
    post = access.access_post(db, me, status_id)
    if post.author_id != me.id:
        raise NotFound("Record not found")
    return post


@endpoint("write:statuses", Editing, Status)
async def edit(call: Call, args: Editing) -> Status:
    """`PUT /api/v1/statuses/{id}`: say it anew. The first line of a question is its title."""
    await resolve_mentions(call, args.status or "")
    status_id = call.path()
    said = args.media_attributes[: files.MAX_FILES]
    chosen = await status_files.thumbnails(call, said, lambda db: own(db, call.me, status_id))

    def write(db: Session, me: Actor) -> int:
        post = own(db, me, status_id)
        draft = _edited(post, args)
        if said:
            draft = status_files.described(db, me, post, draft, said, chosen)
        composing.edit(db, me, post, draft)
        return post.id

    async with kept_if_used(call, chosen.values()):
        await call.write(write)
    return await shown(call, status_id)


def _edited(post: Post, args: Editing) -> Draft:
    title, text = post.title, post.source
    poll = _poll(args.poll) if args.poll is not None else None
    media = tuple(args.media_ids) if args.media_ids is not None else None
    if args.status is not None:
        text = args.status
        if post.kind == Kind.QUESTION:
            titled = asking.first_line(args.status)
            title, text = titled.title, titled.text
        poll = poll or PollDraft()
        media = media or ()
    return Draft(
        text,
        title,
        language=_language(args.language or "") or post.language,
        summary=post.summary if args.spoiler_text is None else args.spoiler_text,
        sensitive=_sensitive(post, args),
        barriers=asking.barriers_after((post.extra or {}).get("barriers", ()), post.source, text),
        poll=poll,
        content_type=args.content_type,
        media=media,
        quote_policy=args.quote_approval_policy,
    )


def _sensitive(post: Post, args: Editing) -> bool:
    if args.sensitive is not None:
        return args.sensitive
    return post.sensitive and args.spoiler_text is None


@endpoint("write:statuses", Deleting, Status, costly=True)
async def delete(call: Call, args: Deleting) -> Status:
    """`DELETE /api/v1/statuses/{id}`: delete one's own post, or take a boost back. The answer has the text as it was
    written and the ids of the files, so that a client can offer both again."""
    status_id = call.path()

    def write(db: Session, me: Actor) -> Status:
        item = statuses.find(db, me, status_id)
        owner = item.through.id if item.through is not None else item.post.author_id
        if owner != me.id:
            raise NotFound("Record not found")
        last = show_statuses.status(db, me, item)
        if item.through is not None:
            unboost(db, me, item.post)
            return last
        text = asking.joined(item.post.title, item.post.source)
        if not args.delete_media:
            files.let_go(db, item.post)
        removing.delete_post(db, me, item.post)
        return msgspec.structs.replace(last, text=text)

    return await call.write(write)


@endpoint("read:statuses", Nothing, StatusSource)
async def source(call: Call, args: Nothing) -> StatusSource:
    """`GET /api/v1/statuses/{id}/source`: the text as it was written; a question's begins with its title.

    For all who see the status, as its object tells the source to their servers too. Of a post that came without one it
    is what can be read.
    """
    post = await call.read(lambda db: statuses.find(db, call.me, call.path()).post)
    return StatusSource(
        id=str(post.id),
        text=asking.joined(post.title, post.source or plain(post.content)),
        spoiler_text=post.summary,
        content_type=(post.extra or {}).get("content_type", plain_text.MARKDOWN),
    )


@endpoint("read:statuses", Nothing, list[StatusEdit], who="anybody")
async def history(call: Call, args: Nothing) -> list[StatusEdit]:
    """`GET /api/v1/statuses/{id}/history`: every edition, the first one first."""

    def look(db: Session) -> list[StatusEdit]:
        post = statuses.find(db, call.actor, call.path()).post
        return edits(db, call.actor, post, posts.editions(db, post))

    return await call.read(look)


@endpoint("read:statuses", Nothing, Context, who="anybody")
async def context(call: Call, args: Nothing) -> Context:
    """`GET /api/v1/statuses/{id}/context`: what it answers, and what answers it: under a question the accepted answer
    first, then the others by votes."""

    def look(db: Session) -> Context:
        post = statuses.find(db, call.actor, call.path()).post
        around = surroundings.of(db, call.actor, post)
        rendered = show_statuses.statuses(db, call.actor, [*around.above, *around.below])
        return Context(ancestors=rendered[: len(around.above)], descendants=rendered[len(around.above) :])

    return await call.read(look)


@endpoint("read:statuses", Nothing, Status)
async def translate(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/translate`: this node has no translator, and says so as Mastodon does without one."""
    await call.read(lambda db: statuses.find(db, call.actor, call.path()))
    raise NotFound("Translation is not available on this server", code="translation_absent")


@endpoint("read:statuses", Paged, list[Status], who="anybody")
async def quoting(call: Call, args: Paged) -> Page[Status]:
    """`GET /api/v1/statuses/{id}/quotes`: the posts on other servers that quote it with its author's leave."""

    def look(db: Session) -> Page[Status]:
        post = statuses.find(db, call.actor, call.path()).post
        found = quotes.quoting(db, call.actor, post, args.window())
        return Page.of(show_statuses.statuses(db, call.actor, found), show_statuses.ids(found))

    return await call.read(look)


@endpoint("write:statuses", Quotable, Status)
async def interaction_policy(call: Call, args: Quotable) -> Status:
    """`PUT /api/v1/statuses/{id}/interaction_policy`: who may quote one's own post from now on."""
    status_id = call.path()

    def write(db: Session, me: Actor) -> int:
        post = own(db, me, status_id)
        quotes.choose(db, me, post, args.quote_approval_policy)
        return post.id

    return await shown(call, await call.write(write))


@endpoint("write:statuses", Nothing, Status)
async def revoke_quote(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/quotes/{quote}/revoke`: one's own post is not quoted there any more."""
    post_id, quote_id = call.path(), call.path("quote")

    def write(db: Session, me: Actor) -> int:
        quote = statuses.find(db, me, quote_id).post
        quotes.revoke_from(db, me, own(db, me, post_id), quote)
        return quote.id

    return await shown(call, await call.write(write))
