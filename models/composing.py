"""Posts written on this node: notes, and the common part of questions, answers and comments."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from models import (
    actors,
    admission,
    anonymity,
    calls,
    communities,
    conversations,
    dogmas,
    events,
    experience_cases,
    experience_people,
    experiences,
    figures,
    follows,
    links,
    listings,
    media,
    meetings,
    municipalities,
    notifications,
    outbox,
    plain_text,
    polls,
    posts,
    preferences,
    responses,
    text,
    thread_follows,
)
from models.accounts import Account
from models.actors import Actor
from models.audience import addressing, recipients
from models.base import new_id, now
from models.database import node_of
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.posts import Draft, Kind, Post, Visibility

MAX_TEXT = 50_000
MAX_TITLE = 200
BARRIERS = experiences.BARRIERS
BARRIER_TAGS = {"love": "lovgivning"}
"""The hashtag of a barrier, where it is not its own name: `#love` means something else outside Denmark."""

ARTICLES = {Kind.EXPERIENCE: "Article", Kind.EVENT: "Event"}
"""Kinds that are no `Note` to other servers; their `summary` is an abstract and no warning."""

REPLIES_KEEP = {
    Visibility.FOLLOWERS: 2,
    Visibility.DIRECT: 3,
    Visibility.NODE: 4,
    Visibility.UNLISTED: 1,
    Visibility.PUBLIC: 0,
}
"""A reply is never more open than what it answers: the higher figure of the two holds."""


def note(db: Session, author: Actor, draft: Draft, *, reply_to: Post | None = None) -> Post:
    """An ordinary short post of a person. Raises Invalid or Forbidden."""
    return write(db, author, draft, Kind.NOTE if reply_to is None else Kind.COMMENT, parent=reply_to)


def write(
    db: Session, author: Actor, draft: Draft, kind: Kind, *, parent: Post | None = None, community: Actor | None = None
) -> Post:
    """Insert a local post with all that follows from it: counts, notices, the activity, the community's share.

    An anonymous one is its community's `Service` actor's in every respect but one: who wrote it is remembered.
    """
    _check(author, draft, kind)
    if not (draft.text.strip() or draft.title.strip() or draft.media):
        raise Invalid("There is nothing in it yet.", code="text_missing")
    visibility = Visibility(draft.visibility)
    if parent is not None:
        parent = posts.answered_at(db, parent)
        if parent.deleted_at is not None:
            raise NotFound("There is no such post.")
        community = communities.home_of(db, parent)
        visibility = max(visibility, Visibility(parent.visibility), key=lambda v: REPLIES_KEEP[v])
    if community is not None and communities.settings(db, community).node_only:
        visibility = Visibility.NODE
    # a poll begins a thread that others take part in, and is let in like a question
    let_in_as = Kind.QUESTION if parent is None and draft.poll is not None and draft.poll.options else kind
    held_for = admission.admit(db, author, community, let_in_as, admission.written(draft, draft.disclosure or ""))
    node = node_of(db)
    writer, author = author, anonymity.face(db, author, kind, community, parent) if draft.anonymous else author
    id = new_id()
    uri = f"{node.origin}/p/{id}"
    post = Post(
        id=id,
        uri=uri,
        local=True,
        author_id=author.id,
        kind=kind,
        object_type=ARTICLES.get(kind, "Note"),
        visibility=visibility,
        title=text.one_line(draft.title, MAX_TITLE),
        in_reply_to_uri=parent.uri if parent else "",
        in_reply_to_id=parent.id if parent else None,
        thread_id=parent.thread_id if parent else id,
        community_id=community.id if community else None,
        held_for=held_for,
        context_uri=(parent.context_uri or f"{uri}/context") if parent else f"{uri}/context",
        published=now().replace(microsecond=0),
    )
    post.up = post.down = post.reply_count = post.answer_count = post.boost_count = 0
    named = fill(db, post, replace(draft, quote_policy=draft.quote_policy or _preferred(db, author)))
    db.add(post)
    db.flush()
    if draft.anonymous:
        anonymity.remember(db, post, writer)
    if draft.media:
        media.attach(db, writer.id, draft.media, post)
    if draft.poll is not None:
        polls.attach(db, post, draft.poll)
    posts.set_tags(db, post, named.tags)
    addressed = [actors.get(db, actor_id) for actor_id in draft.to]
    if parent is None:
        links.write(db, post, draft.linked or ())
    elif visibility == Visibility.DIRECT:
        addressed.append(actors.get(db, parent.author_id))
    posts.set_recipients(db, post, [*named.mentions, *addressed], _beside(db, post))
    if draft.detail is not None:
        draft.detail(db, post)
    if parent is not None and not held_for:
        count_reply(db, parent, post, 1)
    if visibility == Visibility.DIRECT and not draft.may_name_nobody and not recipients(db, post):
        raise Invalid("A direct post has to name somebody.", code="nobody_named")
    db.flush()
    figures.wrote(db, post)
    conversations.note(db, post)
    if not held_for:
        let_out(db, author, post, parent)
    return post


def let_out(db: Session, author: Actor, post: Post, parent: Post | None) -> None:
    """Show a local post to those it is for: the activity, the community's share, notices and streams."""
    created = send(db, "Create", author, post)
    if parent is None and post.community_id is not None:
        listings.publish_thread(db, post, None, own=created)
    elif created is not None:
        listings.pass_on(db, post, None, own=created)
    tell_readers(db, post, author, parent)
    calls.planned(db, post)
    events.posted(db, post)


def _beside(db: Session, post: Post) -> list[Actor]:
    """Whose servers have to hear of an open post because it belongs with something they wrote."""
    return links.authors_elsewhere(db, post) if open_visibility(post) and not post.in_reply_to_uri else []


def _preferred(db: Session, author: Actor) -> str:
    """Who may quote what the author writes, if he says nothing else."""
    account = db.get(Account, author.id)
    return preferences.of(account).quote_policy if account is not None else ""


def _check(author: Actor, draft: Draft, kind: str) -> None:
    if not author.active:
        raise Forbidden("This account is suspended.")
    if len(draft.text) > MAX_TEXT:
        raise Invalid(f"At most {MAX_TEXT} characters.", code="text_long")
    if len(draft.title) > MAX_TITLE:
        raise Invalid(f"A title has at most {MAX_TITLE} characters.", code="title_long")
    if draft.content_type not in {"", *plain_text.TYPES}:
        raise Invalid("Unknown content type.", code="content_type_unknown")
    if draft.visibility not in set(Visibility):
        raise Invalid("Unknown visibility.", code="visibility_unknown")
    if draft.poll is not None and draft.poll.options and kind == Kind.QUESTION:
        raise Invalid("A question of a community cannot be a poll.", code="poll_in_question")
    if draft.poll is not None and draft.poll.options and draft.media:
        raise Invalid("A post cannot have both a poll and files.", code="poll_with_files")
    if draft.quote_policy not in {"", *preferences.QUOTE_POLICIES}:
        raise Invalid("Unknown quote policy.", code="policy_unknown")
    if draft.municipality and not municipalities.name(draft.municipality):
        raise Invalid("There is no such municipality.", code="municipality_unknown")
    if unknown := set(draft.barriers) - set(BARRIERS):
        raise Invalid(f"Unknown barrier: {sorted(unknown)[0][:40]}", code="barrier_unknown")


def fill(db: Session, post: Post, draft: Draft) -> text.Rendered[Actor]:
    """Set what a draft says on a post; returns the rendered text with its mentions and tags (barriers included)."""
    origin = node_of(db).origin
    extra: dict[str, Any] = dict(post.extra or {})
    written_as = draft.content_type or extra.get("content_type") or plain_text.MARKDOWN
    render = plain_text.render if written_as == plain_text.PLAIN else text.render_markdown
    rendered = render(draft.text.replace("\x00", ""), resolve=lambda handle: actors.find(db, handle), origin=origin)
    tags = dict.fromkeys(rendered.tags)
    written = {text.tag_key(tag) for tag in tags}
    missing = [tag for tag in (BARRIER_TAGS.get(b, b) for b in draft.barriers) if tag not in written]
    html = rendered.html
    if missing:
        html += "<p>" + " ".join(text.tag_html(origin, tag) for tag in missing) + "</p>"
    post.content, post.source = html, draft.text.replace("\x00", "")
    post.title = text.one_line(draft.title, MAX_TITLE)
    warned = bool(draft.summary) and post.object_type == "Note"
    post.summary, post.sensitive = text.one_line(draft.summary, 500), draft.sensitive or warned
    post.language = draft.language[:10]
    extra["content_type"] = written_as
    if draft.app is not None and not draft.anonymous:
        extra["app"] = draft.app
    if draft.quote_policy:
        extra["quote_policy"] = draft.quote_policy
    extra["barriers"] = list(draft.barriers)
    if draft.municipality is not None:
        extra.pop("municipality", None)
    if draft.disclosure is not None:
        extra.pop("disclosure", None)
    if draft.disclosure and draft.disclosure.strip():
        extra["disclosure"] = text.one_line(draft.disclosure, admission.MAX_DISCLOSURE)
    if draft.municipality:
        extra["municipality"] = draft.municipality
    if draft.invites:
        extra["invites"] = draft.invites
    post.extra = extra
    post.url = f"{post.uri}/{text.slug(post.title)}" if post.title and text.slug(post.title) else post.uri
    return text.Rendered(html, rendered.mentions, [*tags, *missing])


def send(db: Session, type: str, actor: Actor, post: Post) -> outbox.Activity | None:
    """The activity for a local post, addressed like the post; None for what nobody else hears of: node-only posts, and
    those that wait for a moderator."""
    if post.visibility == Visibility.NODE or post.held_for:
        return None
    to, cc = addressing(db, post)
    community = communities.home_of(db, post)
    data: dict[str, Any] = {"audience": community.uri} if community and open_visibility(post) else {}
    return outbox.record(
        db, type, actor, object_uri=post.uri, post=post, to=to, cc=cc, public=open_visibility(post), data=data
    )


def open_visibility(post: Post) -> bool:
    """Public or unlisted."""
    return post.visibility in {Visibility.PUBLIC, Visibility.UNLISTED}


def count_reply(db: Session, parent: Post, post: Post, by: int) -> None:
    """Keep the counts of the parent right when a reply comes or goes."""
    posts.hold(db, parent)
    parent.reply_count = max(0, parent.reply_count + by)
    if post.kind == Kind.ANSWER and parent.kind == Kind.QUESTION:
        count_answer(db, parent, post, by)
    db.flush()


def count_answer(db: Session, question: Post, answer: Post, by: int) -> None:
    """Keep a question's number of answers, and how long it waited for the first, right when one comes or goes."""
    posts.hold(db, question)
    question.answer_count = max(0, question.answer_count + by)
    first = posts.first_answer(db, question, besides=answer.id)
    if by > 0:
        first = min(first, answer.published) if first is not None else answer.published
    waited = (first - question.published).total_seconds() if first is not None else None
    question.answered_after = max(0, int(waited)) if waited is not None and question.answer_count else None
    db.flush()


def tell_readers(db: Session, post: Post, author: Actor, parent: Post | None) -> None:
    """Notices for a new post: to the author of the parent, those it mentions, those who follow the thread, and those
    who asked to hear of each post of its author."""
    if parent is not None:
        kind = {Kind.ANSWER: "answer", Kind.COMMENT: "comment"}.get(Kind(post.kind), "comment")
        if not listings.held(db, post):
            notifications.notify(db, parent.author_id, kind, author, post)
    asked = text.first_named(post.content) if post.kind == Kind.QUESTION else frozenset()
    told = {one.account_id: one.kind for one in experience_cases.told(db, post)}
    for account_id, kind in told.items():
        notifications.notify(db, account_id, kind, author, post)
    for actor in recipients(db, post, mentioned_only=True):
        if (parent is None or actor.id != parent.author_id) and actor.id not in told:
            kind = "asked" if {actor.uri, actor.url} & asked else "mention"
            notifications.notify(db, actor.id, kind, author, post)
    if parent is not None:
        tell_followers(db, post, author, parent)
        responses.replied(db, author, post, parent)
    if parent is None and post.visibility != Visibility.DIRECT:
        for account_id in set(follows.hearing_of_each(db, author.id)) - set(told):
            notifications.notify(db, account_id, notifications.NotificationKind.STATUS, author, post)


def tell_followers(db: Session, post: Post, author: Actor, parent: Post) -> None:
    """Tell those who follow a thread of a new answer; nobody of one that is held back, or not for everybody here."""
    if post.kind != Kind.ANSWER or post.visibility in {Visibility.FOLLOWERS, Visibility.DIRECT}:
        return
    if listings.held(db, post):
        return
    known = {anonymity.told(db, parent.author_id, post)}
    known |= {actor.id for actor in recipients(db, post, mentioned_only=True)}
    for account_id in thread_follows.followers(db, post.thread_id):
        if account_id not in known and not anonymity.is_of(db, account_id, post):
            notifications.notify(db, account_id, notifications.NotificationKind.THREAD, author, post)


def edit(db: Session, editor: Actor, post: Post, draft: Draft) -> Post:
    """A new edition of one's own post, or of a report one is co-author of; the old one is kept, audience and community
    stay. Raises Forbidden, Invalid, and Conflict for a report or meeting whose parts `draft` does not have."""
    if not may_edit(db, editor, post):
        raise Forbidden("You can only edit your own posts.", code="not_author")
    if post.kind == Kind.EXPERIENCE and draft.detail is None:
        raise Conflict("A report of experience has several parts. Edit it on its page.", code="report_parts")
    if post.kind == Kind.EVENT and draft.detail is None and meetings.find(db, post) is not None:
        raise Conflict("A meeting has a time and a place. Edit it on its page.", code="meeting_parts")
    if post.kind == Kind.DOGMA and draft.detail is None:
        raise Conflict("A dogma is changed by a new version. Write it on its page.", code="dogma_version")
    if post.object_type == polls.OBJECT_TYPE and dogmas.of_vote(db, post.id) is not None:
        raise Conflict("What is voted on does not change.", code="dogma_voted_on")
    _check(editor, draft, post.kind)
    files = post.attachments if draft.media is None else draft.media
    if not (draft.text.strip() or draft.title.strip() or files):
        raise Invalid("There is nothing in it yet.", code="text_missing")
    if post.kind == Kind.QUESTION and not draft.title.strip():
        raise Invalid("A question needs a title.", code="title_missing")
    kept = str((post.extra or {}).get("disclosure", ""))
    said = admission.written(draft, kept if draft.disclosure is None else draft.disclosure)
    if admission.admit(db, editor, communities.home_of(db, post), Kind(post.kind), said, edited=post):
        hold_again(db, post, admission.Reason.WORDS)
    posts.keep_edition(db, post)
    named = fill(db, post, draft)
    writer, editor = editor, anonymity.acting(db, editor, post)
    if editor.id != post.author_id:
        editor = actors.get(db, post.author_id)  # a co-author's, or a moderator's, goes out as the author's
    if draft.media is not None:
        media.attach(db, writer.id, draft.media, post)
    if draft.poll is not None:
        polls.attach(db, post, draft.poll)
    posts.set_tags(db, post, named.tags)
    addressed = [actor for actor in recipients(db, post) if post.visibility == Visibility.DIRECT]
    addressed += actors.many(db, draft.to).values()
    if draft.linked is not None and not post.in_reply_to_uri:
        links.write(db, post, draft.linked)
    fresh = posts.set_recipients(db, post, [*named.mentions, *addressed], _beside(db, post))
    if draft.detail is not None:
        draft.detail(db, post)
    told = {one.account_id: one.kind for one in experience_cases.told(db, post)}
    for actor in fresh:
        notifications.notify(db, actor.id, told.get(actor.id, "mention"), editor, post)
    if post.in_reply_to_id is not None and not post.held_for:
        responses.replied(db, editor, post, posts.get(db, post.in_reply_to_id))
    touch(db, editor, post)
    return post


def may_edit(db: Session, editor: Actor, post: Post) -> bool:
    """Its author, of an anonymous one who wrote it, of a report its co-authors here, of a dogma who decides about it."""
    if post.deleted_at is not None or not post.local:
        return False
    if anonymity.wrote(db, editor, post) or experience_people.is_co_author(db, editor, post):
        return True
    return dogmas.may_edit(db, editor, post)


def hold_again(db: Session, post: Post, reason: str) -> None:
    """A post that says something else now has to wait for a moderator, and counts for nothing meanwhile."""
    if post.held_for:
        return
    parent = db.get(Post, post.in_reply_to_id) if post.in_reply_to_id else None
    if parent is not None:
        count_reply(db, parent, post, -1)
    post.held_for = str(reason)
    db.flush()


def touch(db: Session, author: Actor, post: Post) -> None:
    """Tell the world of a new edition of a local post (also wrapped by its home community)."""
    post.updated = posts.next_update(post)
    db.flush()
    if not post.held_for:
        events.edited(db, post)
    update = send(db, "Update", author, post)
    if update is not None:
        listings.pass_on(db, post, None, own=update)
