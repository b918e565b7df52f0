"""The page of a post, a question with its answers or a note with its replies; and writing answers and comments."""

from dataclasses import dataclass, field, replace

from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.responses import Response

from federation.polling import refresh_later
from models import (
    access,
    admission,
    anonymity,
    answers,
    bans,
    calls,
    communities,
    drafts,
    duplicates,
    follows,
    links,
    thread_follows,
    threads,
)
from models.actors import Actor
from models.admission import MAX_DISCLOSURE
from models.answers import AnswersPage, Order
from models.composing import MAX_TEXT, REPLIES_KEEP
from models.database import node_of
from models.drafts import KeptDraft, Wanted
from models.errors import DomainError, Gone, NotFound
from models.links import Linked
from models.posts import Draft, Kind, Post, Visibility
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.i18n import later
from server.web import calls as calling
from server.web import dogma_page, drafting, meeting_page
from server.web.attaching import attached
from server.web.calls import CallShown
from server.web.dogma_page import DogmaPage
from server.web.meeting_page import MeetingPage
from server.web.rendering import post_path
from server.web.report_page import ReportPage, gather
from server.web.showing import TAG_NAMES, Shown, rules_of, show
from server.web.structured import meeting_event, qa_page
from server.web.visits import Visit, action, own_page, page

ORDERS = {Order.VOTES: later("Most votes"), Order.NEWEST: later("Newest"), Order.OLDEST: later("Oldest")}
"""In which order the answers of a thread can be read."""

OPEN = {Visibility.PUBLIC, Visibility.UNLISTED}
TEMPLATES = {
    Kind.QUESTION: "thread.html",
    Kind.EXPERIENCE: "experience.html",
    Kind.EVENT: "meeting.html",
    Kind.DOGMA: "dogma.html",
}
"""What shows a first post of a kind; `post.html` all others."""


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
    may_answer: bool = True
    banned: bool = False
    """The community has shut the visitor out."""
    discloses: bool = False
    """The visitor is a supplier, who may say what his interest is; `must_disclose` where the community asks it."""
    must_disclose: bool = False
    follows_thread: bool = False
    may_mark: bool = False
    """Whether the visitor may say that it was asked before."""
    original: Post | None = None
    """The question that asked the same before."""
    later: list[Post] = field(default_factory=list)
    """Questions that asked the same afterwards."""
    merged: dict[str, Post] = field(default_factory=dict)
    """Those of them whose answers stand here, by their ids on the wire, which the answers name."""
    draft: KeptDraft | None = None
    """What the visitor began to answer."""
    tied: list[Linked] = field(default_factory=list)
    """What it belongs with."""
    call: CallShown | None = None
    """Of a question that calls for a meeting: who would come."""
    may_call: bool = False
    """Whether the visitor may make it such a call, or take that back."""
    report: ReportPage | None = None
    """Of a report: what it has beside its text."""
    meeting: MeetingPage | None = None
    """Of a meeting: when, where and who."""
    dogma: DogmaPage | None = None
    """Of a dogma: who stands behind it, and what else it has."""
    data: Markup | None = None
    """Of a dogma: what search engines read."""

    @property
    def root(self) -> Post:
        """The post whose thread is shown."""
        return self.thread.root


def look(
    db: Session,
    viewer: Actor | None,
    post_id: int,
    order: answers.Order = answers.Order.VOTES,
    number: int = 1,
) -> PostPage:
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
    question = root.kind == Kind.QUESTION
    thread = answers.page(db, viewer, root, order, number) if question else threads.read(db, viewer, root)
    if root.id == post.id and root.thread_id != root.id:
        _only_below(thread)
    later = duplicates.pointing_to(db, viewer, root) if question else []
    merged = {one.uri: one for one in later if one.merged_at is not None}
    everything = [
        *above,
        root,
        *merged.values(),
        *thread.answers,
        *(post for under in thread.comments.values() for post in under),
    ]
    report = gather(db, viewer, root) if root.kind == Kind.EXPERIENCE else None
    meeting = meeting_page.gather(db, viewer, root) if root.kind == Kind.EVENT else None
    dogma = dogma_page.gather(db, viewer, root) if root.kind == Kind.DOGMA else None
    everything += report.posts if report is not None else dogma.posts if dogma is not None else []
    tied = links.around(db, viewer, root) if root.thread_id == root.id else []
    shown = show(db, viewer, everything, also=[root.accepted_by_id], doings=True)
    found = PostPage(post, thread, shown, above=above, later=later, merged=merged, tied=tied)
    found.report, found.meeting, found.dogma = report, meeting, dogma
    if dogma is not None:
        found.data = dogma_page.as_data(db, root, dogma, shown.people[root.author_id], node_of(db).origin)
    if (group := communities.home_of(db, root)) is not None:
        settings = rules_of(db, group)
        found.community, found.rules, found.allows_down = group, settings.rules, settings.allows_down
        if viewer is not None:
            found.moderates = communities.is_moderator(db, viewer.id, group.id)
            found.follows_community = follows.state(db, viewer.id, group.id) is not None
            found.banned = bans.is_banned(db, viewer.id, group.id)
            found.may_answer = admission.may(db, viewer, group, Kind.ANSWER)
            found.discloses = admission.is_supplier(db, viewer)
            found.must_disclose = admission.discloses(db, viewer, group)
    if question:
        found.original = duplicates.original_of(db, viewer, root)
        found.call = calling.shown(db, viewer, root)
    if viewer is not None and question:
        found.may_accept = threads.may_accept(db, viewer, root)
        found.may_call = calls.may_call(db, viewer, root)
        found.may_mark = duplicates.may_mark(db, viewer, root)
        found.follows_thread = bool(thread_follows.followed(db, viewer.id, [root.id]))
        found.draft = drafts.of_reply(db, viewer.id, root.id)
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
    order = Order(visit.query("sort")) if visit.query("sort") in set(Order) else Order.VOTES
    number = min(visit.cursor("page") or 1, answers.LAST_PAGE)
    found = await visit.read(lambda db: look(db, visit.actor, visit.path("id"), order, number))
    proper = post_path(found.root)
    if found.root.merged_at is not None and found.original is not None:
        return visit.go(f"{post_path(found.original)}#p{found.root.id}")
    if found.root.id != found.post.id:
        return visit.go(await visit.read(lambda db: place(db, visit.actor, found.post)))
    if visit.request.url.path != proper:
        query = visit.request.url.query
        return visit.go(f"{proper}?{query}" if query else proper)
    counted = found.root.id in found.shown.polls or found.call or found.dogma
    if visit.actor is not None and not found.root.local and counted:
        await visit.write(lambda db, me: refresh_later(db, found.root.id))
    return show_post(visit, found, Form())


def place(db: Session, viewer: Actor | None, post: Post) -> str:
    """Where a post stands: the page of its thread, and the place there."""
    question = threads.question_of(db, post)
    if question is None:
        parent = db.get(Post, post.in_reply_to_id) if post.in_reply_to_id else None
        return f"{post_path(parent or post)}#p{post.id}"
    number = answers.page_of(db, viewer, question, post)
    return f"{post_path(question)}{f'?page={number}' if number > 1 else ''}#p{post.id}"


def show_post(visit: Visit, found: PostPage, form: Form, status: int = 200, *, preview: str | None = None) -> Response:
    """The page, with what was typed into the answer field: what has to be typed again, or was kept as a draft."""
    if found.draft is not None and not form.values:
        form = drafting.as_form(found.draft)
    root = found.root
    template = TEMPLATES.get(Kind(root.kind), "post.html")
    if root.kind == Kind.EVENT and found.meeting is None:  # another server's that says no time
        template = "post.html"
    alternate = root.uri if root.visibility in OPEN else ""
    author = found.shown.people[root.author_id]
    followable = root.kind == Kind.QUESTION and root.visibility == Visibility.PUBLIC and author.indexable
    return visit.page(
        template,
        status=status,
        found=found,
        shown=found.shown,
        form=form,
        tag_names=TAG_NAMES,
        alternate=alternate,
        preview=preview,
        orders=ORDERS,
        qa=qa_page(found.thread, found.shown, visit.node.origin) if isinstance(found.thread, AnswersPage) else None,
        event=meeting_event(root, found.meeting.row, found.shown, visit.node.origin) if found.meeting else None,
        feed=f"/feeds/thread/{root.id}" if followable else "",
    )


@own_page
async def reply_form(visit: Visit) -> Response:
    """`GET /posts/{id}/reply`: a page to comment on a post."""
    return await _reply_page(visit, await drafting.begun(visit, Wanted.REPLY) or Form.filled())


async def _reply_page(visit: Visit, form: Form, status: int = 200, *, preview: bool = False) -> Response:
    def find(db: Session) -> tuple[Post, Shown, bool, bool]:
        parent = access.access_post(db, visit.actor, visit.path("id"))
        question = threads.question_of(db, parent)
        unnamed = question is not None and bool(anonymity.mine(db, visit.me.id, [question.id]))
        return parent, show(db, visit.actor, [parent]), unnamed, admission.is_supplier(db, visit.me)

    parent, shown, unnamed, supplier = await visit.read(find)
    return visit.page(
        "reply.html",
        status=status,
        post=parent,
        shown=shown,
        form=form,
        tag_names=TAG_NAMES,
        unnamed=unnamed,
        supplier=supplier,
        as_comment="comment" in (visit.query("as"), form.raw("as")) or parent.kind != Kind.QUESTION,
        preview=await drafting.preview(visit, form.raw("text")) if preview else None,
    )


@action
async def reply(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/reply`: answer a question (or comment on it, with `as=comment`), comment on anything else.

    With `do=preview` it is only shown as it would look, with `do=draft` only kept. Below his own anonymous question
    somebody stays anonymous unless he chooses to show his name (`face=self`).
    """
    post_id = visit.path("id")
    if drafting.wants(form) == "draft":
        return await drafting.kept(visit, form, Wanted.REPLY, f"/posts/{post_id}/reply", parent=post_id)
    if drafting.wants(form) == "preview":
        return await _again(visit, form, 200, preview=True)
    text = form.text("text", most=MAX_TEXT, required=not form.files)
    visibility = form.choice("visibility", tuple(REPLIES_KEEP), Visibility.PUBLIC)
    disclosure = form.line("disclosure", most=MAX_DISCLOSURE, required=False)
    media = await attached(visit, form)
    if form.errors:
        return await _again(visit, form, 422)
    await resolve_mentions(visit, text)

    def write(db: Session, me: Actor) -> tuple[Post, str]:
        parent = access.access_post(db, me, post_id)
        say = threads.comment if form.raw("as") == "comment" else threads.reply
        draft = Draft(text, visibility=visibility, language=visit.language, media=media, disclosure=disclosure)
        question = threads.question_of(db, parent)
        if question is not None and form.raw("face") != "self" and anonymity.mine(db, me.id, [question.id]):
            draft = replace(draft, anonymous=True)
        written = say(db, me, parent, draft)
        drafting.sent(db, me, form)
        return written, place(db, me, written)

    try:
        written, where = await visit.write(write)
    except DomainError as error:
        if error.status not in {409, 422} and not error.code.startswith("class"):
            raise
        form.error("disclosure" if error.code.startswith("disclosure") else "text", error.text)
        return await _again(visit, form, error.status)
    said = "held" if written.held_for else "answered" if written.kind == Kind.ANSWER else "commented"
    return visit.go(where, said=said)


async def _again(visit: Visit, form: Form, status: int, *, preview: bool = False) -> Response:
    """The page the form stood on, with what was typed; where it was refused that is kept as a draft first."""
    if not preview:
        await drafting.keep_refused(visit, form, Wanted.REPLY, parent=visit.path("id"))
    found = await visit.read(lambda db: look(db, visit.actor, visit.path("id")))
    if found.root.id != found.post.id or form.raw("as") == "comment":
        return await _reply_page(visit, form, status, preview=preview)
    made = await drafting.preview(visit, form.raw("text")) if preview else None
    return show_post(visit, found, form, status, preview=made)
