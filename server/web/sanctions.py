"""What moderators decide: asked again before it is done, told to the person, and listed without names for everybody."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import actors, appeals, exclusions, house, sanctions
from models.accounts import Role
from models.actors import Actor
from models.cases import get as get_report
from models.errors import DomainError, NotFound
from models.posts import Post
from models.sanctions import ABOUT_POSTS, FINAL, Sanction, SanctionKind
from server.forms import Form
from server.i18n import later
from server.web.visits import Visit, action, own_page, page

PAGE = 50
NAMES = {
    SanctionKind.WARN: later("Warn"),
    SanctionKind.LIMIT: later("Limit"),
    SanctionKind.SUSPEND: later("Suspend"),
    SanctionKind.REMOVE_POST: later("Take the post out of the community"),
    SanctionKind.HIDE_POST: later("Hide the post"),
    SanctionKind.DELETE_POST: later("Delete the post"),
    SanctionKind.DELETE: later("Delete the account"),
}
WHAT_HAPPENS = {
    SanctionKind.WARN: later("The person is told what you write. Nothing else changes."),
    SanctionKind.LIMIT: later(
        "Posts appear in lists only for those who follow the account. The account can post as before."
    ),
    SanctionKind.SUSPEND: later("Nobody sees the account or its posts here, and it cannot sign in. It can be undone."),
    SanctionKind.REMOVE_POST: later("The post is no longer in the community. It stays with its author."),
    SanctionKind.HIDE_POST: later(
        "Nobody on this server sees the post, except its author. Copies on other servers stay."
    ),
    SanctionKind.DELETE_POST: later("The post is emptied for ever, here and as far as other servers obey."),
    SanctionKind.DELETE: later("The account and everything in it goes for good. You are asked once more."),
}
DONE = {
    SanctionKind.WARN: later("Warned"),
    SanctionKind.LIMIT: later("Limited"),
    SanctionKind.SUSPEND: later("Suspended"),
    SanctionKind.REMOVE_POST: later("A post was taken out of a community"),
    SanctionKind.HIDE_POST: later("A post was hidden"),
    SanctionKind.DELETE_POST: later("A post was deleted"),
    SanctionKind.DELETE: later("An account was deleted"),
    SanctionKind.BAN: later("Shut out of a community"),
}
TOLD = {
    SanctionKind.WARN: later("The moderators have warned you. Nothing else has changed."),
    SanctionKind.LIMIT: later("Your posts now appear in lists only for those who follow you."),
    SanctionKind.SUSPEND: later("Your account is suspended: you cannot sign in, and nobody sees your posts."),
    SanctionKind.REMOVE_POST: later("Your post is no longer in the community. You still have it on your profile."),
    SanctionKind.HIDE_POST: later("Your post is hidden. Only you can see it on this server."),
    SanctionKind.DELETE_POST: later("Your post is deleted, here and as far as other servers obey."),
    SanctionKind.DELETE: later("Your account is deleted."),
    SanctionKind.BAN: later("You are shut out of a community: you can read it, but not write or vote in it."),
}


@dataclass
class Asked:
    """Whom a moderator is about to act on."""

    target: Actor
    post: Post | None
    kinds: list[SanctionKind]
    rules: list[house.Rule]


def _asked(db: Session, visit: Visit, post_id: int | None, report_id: int | None) -> Asked:
    target = actors.get(db, visit.path("id"))
    post = db.get(Post, post_id) if post_id is not None else None
    if post_id is not None and (post is None or post.author_id != target.id):
        raise NotFound("There is no such post, or you may not see it.")
    if report_id is not None:
        get_report(db, report_id)
    return Asked(target, post, sanctions.possible(db, target, by=visit.me, post=post), house.rules(db))


@own_page
async def act_form(visit: Visit) -> Response:
    """`GET /admin/actors/{id}/act?kind=&post=&report=`: what can be done, and what will happen."""
    visit.require(Role.MODERATOR)
    words = {name: visit.query(name) for name in ("kind", "post", "report")}
    return await _act_page(visit, Form.filled(**words))


async def _act_page(visit: Visit, form: Form, status: int = 200) -> Response:
    post_id, report_id = form.number("post"), form.number("report")
    asked = await visit.read(lambda db: _asked(db, visit, post_id, report_id))
    kind = form.raw("kind")
    return visit.page(
        "admin_act.html",
        status=status,
        form=form,
        asked=asked,
        kind=kind if kind in asked.kinds else "",
        names=NAMES,
        what_happens=WHAT_HAPPENS,
        about_posts=ABOUT_POSTS,
        tab="reports",
    )


@action
async def act(visit: Visit, form: Form) -> Response:
    """`POST /admin/actors/{id}/act`: do it, with a reason that the person reads."""
    visit.require(Role.MODERATOR)
    kind = form.choice("kind", tuple(SanctionKind))
    reason = form.text("reason", most=sanctions.MAX_REASON)
    summary = form.line("summary", most=200, required=False)
    post_id, report_id, rule_id = form.number("post"), form.number("report"), form.number("rule")
    if form.errors:
        return await _act_page(visit, form, 422)

    if kind in FINAL and not form.flag("sure"):
        return await _sure_page(visit, form, SanctionKind(kind))

    def write(db: Session, me: Actor) -> int:
        asked = _asked(db, visit, post_id, report_id)
        rule = next((one.text for one in asked.rules if one.id == rule_id), "")
        post = asked.post if kind in ABOUT_POSTS else None
        row = sanctions.impose(
            db,
            asked.target,
            kind,
            by=me,
            reason=reason,
            rule=rule,
            summary=summary,
            post=post,
            report_id=report_id,
        )
        return row.id

    try:
        number = await visit.write(write)
    except DomainError as error:
        if error.status not in {409, 422}:
            raise
        form.error("reason", error.text)
        return await _act_page(visit, form, error.status)
    return visit.go(f"/admin/reports/{report_id}" if report_id else f"/sanctions/{number}", said="sanctioned")


async def _sure_page(visit: Visit, form: Form, kind: SanctionKind) -> Response:
    """What cannot be undone is asked once more; nothing has happened yet."""
    post_id, report_id = form.number("post"), form.number("report")

    def look(db: Session) -> Asked:
        asked = _asked(db, visit, post_id, report_id)
        sanctions.require_possible(db, asked.target, kind, by=visit.me, post=asked.post)
        return asked

    return visit.page("admin_act_sure.html", form=form, asked=await visit.read(look), kind=kind.value)


@dataclass
class Decision:
    """A decision as its page shows it."""

    row: Sanction
    target: Actor
    post: Post | None
    mine: bool
    group: Actor | None = None
    """Of a ban: from where."""
    until: datetime | None = None
    """Of a ban: when it ends by itself."""
    by: Actor | None = None
    ended_by: Actor | None = None
    decided_by: Actor | None = None
    may_decide: bool = False


def look(db: Session, visit: Visit) -> Decision:
    """The decision, for whom it is about and for moderators; to everybody else it is not there."""
    row = sanctions.get(db, visit.path("id"))
    mine = sanctions.concerns(db, row, visit.me.id)
    if not mine and not visit.is_at_least(Role.MODERATOR):
        raise NotFound("There is no such page.")
    people = actors.many(
        db, [i for i in (row.target_id, row.by_id, row.ended_by_id, row.decided_by_id, row.community_id) if i]
    )
    post = db.get(Post, row.post_id) if row.post_id is not None else None
    found = Decision(row, people[row.target_id], post if post is None or post.deleted_at is None else None, mine)
    found.group = people.get(row.community_id or 0)
    found.until = exclusions.until(db, row)
    if visit.is_at_least(Role.MODERATOR):
        found.by, found.ended_by = people.get(row.by_id or 0), people.get(row.ended_by_id or 0)
        found.decided_by = people.get(row.decided_by_id or 0)
        assert visit.account is not None
        found.may_decide = appeals.may_decide(db, row, visit.account)
    return found


async def decision_page(visit: Visit, form: Form, status: int = 200) -> Response:
    """The page of a decision with what was typed there."""
    found = await visit.read(lambda db: look(db, visit))
    return visit.page("sanction.html", status=status, form=form, found=found, done=DONE, told=TOLD, final=FINAL)


@own_page
async def sanction(visit: Visit) -> Response:
    """`GET /sanctions/{id}`: what was decided, why, and until when; for whom it is about, and for moderators."""
    return await decision_page(visit, Form())


@action
async def end(visit: Visit, form: Form) -> Response:
    """`POST /sanctions/{id}/end`: take it back."""
    visit.require(Role.MODERATOR)
    await visit.write(lambda db, me: sanctions.end(db, sanctions.get(db, visit.path("id")), by=me))
    return visit.go(f"/sanctions/{visit.path('id')}", said="sanction-ended")


@page
async def log(visit: Visit) -> Response:
    """`GET /moderation?before=`: what moderators did, without names; 404 where the administrators keep it closed."""

    def read(db: Session) -> list[Sanction]:
        if not sanctions.log_open(db):
            raise NotFound("There is no such page.")
        return sanctions.log(db, before=visit.cursor(), limit=PAGE + 1)

    rows = await visit.read(read)
    following = rows[PAGE - 1].id if len(rows) > PAGE else None
    return visit.page("moderation.html", rows=rows[:PAGE], following=following, done=DONE)
