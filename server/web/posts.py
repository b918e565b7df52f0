"""The page of a post, a question with its answers or a note with its replies; and writing answers and comments."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session
from starlette.responses import Response

from federation.polling import refresh_later
from models import access, communities, follows, threads
from models.actors import Actor
from models.composing import MAX_TEXT, REPLIES_KEEP
from models.errors import DomainError, Gone, NotFound
from models.posts import Draft, Kind, Post, Visibility, get
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.security import local_path
from server.web.attaching import attached
from server.web.rendering import post_path
from server.web.showing import TAG_NAMES, Shown, rules_of, show
from server.web.visits import Visit, action, own_page, page

OPEN = {Visibility.PUBLIC, Visibility.UNLISTED}


@dataclass
class PostPage:
    """A post with all its page shows."""

    post: Post
    """The one that was asked for."""
    thread: threads.Thread
    shown: Shown
    community: Actor | None = None
    rules: list[str] = field(default_factory=list)
    allows_down: bool = False
    may_accept: bool = False
    moderates: bool = False
    follows_community: bool = False
    above: list[Post] = field(default_factory=list)
    """What the post answers, the first post first."""

    @property
    def root(self) -> Post:
        """The post whose thread is shown."""
        return self.thread.root


def look(db: Session, viewer: Actor | None, post_id: int) -> PostPage:
    """Gather the page of a post that `viewer` may see; raises NotFound, or Gone for what was public once.

    Posts of a question's thread are shown on the question's page; other replies with what they answer above them.
    """
    try:
        post = access.access_post(db, viewer, post_id)
    except NotFound:
        if (row := db.get(Post, post_id)) is not None and row.deleted_at is not None and row.visibility in OPEN:
            raise Gone("This post was deleted by its author.") from None
        raise
    root, above = _root(db, viewer, post)
    thread = threads.read(db, viewer, root)
    if root.id == post.id and root.thread_id != root.id:
        _only_below(thread)
    everything = [*above, root, *thread.answers, *(post for under in thread.comments.values() for post in under)]
    shown = show(db, viewer, everything, also=[root.accepted_by_id], doings=True)
    found = PostPage(post, thread, shown, above=above)
    if (group := communities.home_of(db, root)) is not None:
        settings = rules_of(db, group)
        found.community, found.rules, found.allows_down = group, settings.rules, settings.allows_down
        if viewer is not None:
            found.moderates = communities.is_moderator(db, viewer.id, group.id)
            found.follows_community = follows.state(db, viewer.id, group.id) is not None
    if viewer is not None and root.kind == Kind.QUESTION:
        found.may_accept = threads.may_accept(db, viewer, root)
    return found


def _root(db: Session, viewer: Actor | None, post: Post) -> tuple[Post, list[Post]]:
    """The post whose page shows `post`: its question where `viewer` may see it, else itself below what it answers."""
    question = threads.question_of(db, post)
    if question is not None and access.may_see(db, viewer, question):
        return question, []
    above: list[Post] = []
    step = post
    while step.in_reply_to_id and len(above) < 20:
        parent = db.get(Post, step.in_reply_to_id)
        if parent is None or not access.may_see(db, viewer, parent):
            break
        above.insert(0, parent)
        step = parent
    return post, above


def _only_below(thread: threads.Thread) -> None:
    """Leave of the whole conversation what stands below the root."""
    below = {thread.root.id}
    kept: list[Post] = []
    rest = sorted((*thread.answers, *(p for under in thread.comments.values() for p in under)), key=lambda p: p.id)
    for post in rest:
        if post.in_reply_to_id in below:
            below.add(post.id)
            kept.append(post)
    thread.answers = []
    thread.comments = {thread.root.id: kept}


@page
async def post(visit: Visit) -> Response:
    """`GET /p/{id}` and `GET /p/{id}/{slug}`: the post. A slug that is not (any longer) right leads to the right one."""
    found = await visit.read(lambda db: look(db, visit.actor, visit.path("id")))
    proper = post_path(found.root)
    if found.root.id != found.post.id:
        return visit.go(f"{proper}#p{found.post.id}")
    if visit.request.url.path != proper:
        return visit.go(proper)
    if visit.actor is not None and found.root.id in found.shown.polls and not found.root.local:
        await visit.write(lambda db, me: refresh_later(db, found.root.id))
    return show_post(visit, found, Form())


def show_post(visit: Visit, found: PostPage, form: Form, status: int = 200) -> Response:
    """The page, with what was typed into the answer field if it has to be typed again."""
    template = "thread.html" if found.root.kind == Kind.QUESTION else "post.html"
    alternate = found.root.uri if found.root.visibility in OPEN else ""
    return visit.page(
        template, status=status, found=found, shown=found.shown, form=form, tag_names=TAG_NAMES, alternate=alternate
    )


@own_page
async def reply_form(visit: Visit) -> Response:
    """`GET /posts/{id}/reply`: a page to comment on a post."""
    return await _reply_page(visit, Form.filled())


async def _reply_page(visit: Visit, form: Form, status: int = 200) -> Response:
    def find(db: Session) -> tuple[Post, Shown]:
        parent = access.access_post(db, visit.actor, visit.path("id"))
        return parent, show(db, visit.actor, [parent])

    parent, shown = await visit.read(find)
    return visit.page(
        "reply.html",
        status=status,
        post=parent,
        shown=shown,
        form=form,
        tag_names=TAG_NAMES,
        as_comment="comment" in (visit.query("as"), form.raw("as")),
    )


@action
async def reply(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/reply`: answer a question (or comment on it, with `as=comment`), comment on anything else."""
    text = form.text("text", most=MAX_TEXT, required=not form.files)
    visibility = form.choice("visibility", tuple(REPLIES_KEEP), Visibility.PUBLIC)
    media = await attached(visit, form)
    if form.errors:
        return await _again(visit, form, 422)
    await resolve_mentions(visit, text)

    def write(db: Session, me: Actor) -> tuple[Post, str]:
        parent = access.access_post(db, me, visit.path("id"))
        say = threads.comment if form.raw("as") == "comment" else threads.reply
        written = say(db, me, parent, Draft(text, visibility=visibility, language=visit.language, media=media))
        question = threads.question_of(db, written)
        return written, post_path(question) if question is not None else post_path(get(db, parent.id))

    try:
        written, where = await visit.write(write)
    except DomainError as error:
        if error.status not in {409, 422}:
            raise
        form.error("text", error.text)
        return await _again(visit, form, error.status)
    said = "answered" if written.kind == Kind.ANSWER else "commented"
    return visit.go(f"{local_path(form.raw('next'), where)}#p{written.id}", said=said)


async def _again(visit: Visit, form: Form, status: int) -> Response:
    found = await visit.read(lambda db: look(db, visit.actor, visit.path("id")))
    if found.root.id == found.post.id and form.raw("as") != "comment":
        return show_post(visit, found, form, status)
    return await _reply_page(visit, form, status)
