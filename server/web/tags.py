"""Tags: a page for each, following one, and which mean the same."""

from dataclasses import dataclass, field
from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from models import hashtags, tag_follows, tag_synonyms, timelines
from models import tags as meanings
from models.accounts import Role
from models.errors import DomainError, NotFound
from models.posts import Kind, Post
from models.search import experts, finding
from models.search.asked import Asked
from models.search.experts import Expert
from models.search.finding import Filters
from models.tags import TagSynonym
from models.text import tag_key
from models.windows import Window
from server.forms import Form
from server.i18n import later
from server.web.showing import TAG_NAMES, Shown, show
from server.web.visits import Visit, action, own_page, page

PAGE = 20
MANY = 1000
"""Posts with a tag are counted so far; of a tag with more, the page says that there are."""

LISTS = {"": later("Everything"), "questions": later("Questions"), "unanswered": later("Unanswered")}


@dataclass
class TagPage:
    """A tag under its main name, with what it has."""

    name: str
    """The key; `written` is how it was last written."""
    written: str
    shown: Shown
    synonyms: list[str] = field(default_factory=list)
    posts: int = 0
    questions: int = 0
    unanswered: int = 0
    followers: int = 0
    followed: bool = False
    experts: list[Expert] = field(default_factory=list)
    following: int | None = None


@page
async def tag(visit: Visit) -> Response:
    """`GET /t/{tag}?list=questions|unanswered&before=`: public posts with a hashtag, under its main name."""
    asked = tag_key(visit.request.path_params["tag"])
    chosen = visit.query("list")
    if chosen not in LISTS:
        raise NotFound("There is no such list.")
    main = await visit.read(lambda db: meanings.mains(db, [asked]).get(asked, asked))
    if main != asked:
        return RedirectResponse(f"/t/{quote(main)}", status_code=302)
    found = await visit.read(lambda db: _look(db, visit, asked, chosen))
    feed = f"/feeds/tag/{quote(asked)}"
    return visit.page(
        "tag.html",
        feed=feed,
        found=found,
        tag=asked,
        shown=found.shown,
        list=chosen,
        lists=LISTS,
        tag_names=TAG_NAMES,
        many=MANY,
    )


def _look(db: Session, visit: Visit, name: str, chosen: str) -> TagPage:
    family = meanings.families(db, [name])[name]
    window = Window(visit.cursor(), limit=PAGE + 1)
    tagged = Filters(tags=tuple(family))
    asking = Filters(tags=tuple(family), kinds=(Kind.QUESTION,))
    waiting = Filters(tags=tuple(family), kinds=(Kind.QUESTION,), unanswered=True)
    if chosen:
        narrowed = waiting if chosen == "unanswered" else asking
        posts = finding.newest(db, visit.actor, Asked(), narrowed, before=window.before, limit=window.limit)
    else:
        posts = timelines.tag(db, visit.actor, name, window, any=family[1:])
    page = TagPage(name, hashtags.written(db, name), show(db, visit.actor, posts[:PAGE], doings=True), family[1:])
    page.following = _last(posts)
    page.posts, page.questions, page.unanswered = (
        finding.count(db, one, most=MANY + 1) for one in (tagged, asking, waiting)
    )
    page.followers = tag_follows.count(db, family)
    if visit.account is not None:
        page.followed = bool(tag_follows.followed(db, visit.account.id, family))
    if window.before is None:
        page.experts = experts.on(db, visit.actor, Asked(), asking)
    return page


def _last(posts: list[Post]) -> int | None:
    return posts[PAGE - 1].id if len(posts) > PAGE else None


@action
async def follow(visit: Visit, form: Form) -> Response:
    """`POST /t/{tag}/follow`, with `undo`: posts with this tag come home, or do so no longer."""
    name = tag_key(meanings.checked(visit.request.path_params["tag"]))
    account = visit.my_account.id

    def write(db: Session) -> None:
        family = meanings.families(db, [name])[name]
        if form.flag("undo"):
            for one in family:
                tag_follows.unfollow(db, account, one)
        else:
            tag_follows.follow(db, account, hashtags.written(db, family[0]))

    await visit.write(lambda db, me: write(db))
    return visit.go(f"/t/{quote(name)}", said="tag-unfollowed" if form.flag("undo") else "tag-followed")


@own_page
async def synonyms(visit: Visit) -> Response:
    """`GET /admin/tags?main=`: which tags mean the same."""
    visit.require(Role.MODERATOR)
    return await _synonyms_page(visit, Form.filled(main=visit.query("main")))


async def _synonyms_page(visit: Visit, form: Form, status: int = 200) -> Response:
    found: list[TagSynonym] = await visit.read(tag_synonyms.all_of_them)
    return visit.page("admin_tags.html", status=status, form=form, synonyms=found, tab="tags")


@action
async def add_synonym(visit: Visit, form: Form) -> Response:
    """`POST /admin/tags`: let one tag mean another."""
    visit.require(Role.MODERATOR)
    name, main = form.line("name", most=101), form.line("main", most=101)
    for field_name, value in (("name", name), ("main", main)):
        if value and field_name not in form.errors and not _is_tag(value):
            form.error(field_name, later("A tag is one word of letters and digits."))
    if form.errors:
        return await _synonyms_page(visit, form, 422)
    try:
        await visit.write(lambda db, me: tag_synonyms.add(db, name, main, by=me))
    except DomainError as error:
        if error.status not in {409, 422}:
            raise
        form.error("name", error.text)
        return await _synonyms_page(visit, form, error.status)
    return visit.go("/admin/tags", said="saved")


@action
async def drop_synonym(visit: Visit, form: Form) -> Response:
    """`POST /admin/tags/drop`: let a tag stand for itself again."""
    visit.require(Role.MODERATOR)
    await visit.write(lambda db, me: tag_synonyms.remove(db, form.raw("name")[:200], by=me))
    return visit.go("/admin/tags", said="saved")


def _is_tag(value: str) -> bool:
    try:
        meanings.checked(value)
    except NotFound:
        return False
    return True
