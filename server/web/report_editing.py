"""Changing a report: whole on one page, by its author or a co-author."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, composing, experience_people, experiences, links, sharing
from models.actors import Actor
from models.errors import DomainError, NotFound
from models.experience_people import As
from models.experience_text import markdown
from models.posts import Kind, Post
from models.sharing import Around
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.web import drafting, report_fields
from server.web.rendering import post_path
from server.web.visits import Visit, action, own_page


def _own(db: Session, me: Actor, post_id: int) -> Post:
    post = access.access_post(db, me, post_id)
    if post.kind != Kind.EXPERIENCE or not composing.may_edit(db, me, post):
        raise NotFound("There is no such post, or you may not see it.")
    return post


@own_page
async def edit_page(visit: Visit) -> Response:
    """`GET /posts/{id}/experience`: one's own report, or one that one is co-author of, whole on one page."""

    def look(db: Session) -> tuple[Post, Form]:
        post = _own(db, visit.me, visit.path("id"))
        return post, _filled(db, post)

    post, form = await visit.read(look)
    return await report_fields.page(visit, form, 0, post=post)


def _filled(db: Session, post: Post) -> Form:
    row = experiences.get(db, post)
    disclosure = str((post.extra or {}).get("disclosure", ""))
    return Form.filled(
        title=post.title,
        abstract=post.summary,
        municipality=row.municipality,
        kle=row.kle,
        barriers=list(row.obstacles or {}),
        rule_url=row.rule_url,
        phase=row.phase,
        outcome=row.outcome,
        language=post.language or "da",
        contacts=" ".join(actor.handle for actor in experience_people.people(db, post, As.CONTACT)),
        links="\n".join(links.named(db, post)),
        visibility=post.visibility,
        **{str(part): said for part, said in (row.parts or {}).items()},
        **{f"obstacle_{barrier}": said for barrier, said in (row.obstacles or {}).items()},
        **({"disclosure": disclosure} if disclosure else {}),
    )


@action
async def edit(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/experience`: save a new edition; with `do=preview` it is only shown as it would look."""

    def look(db: Session) -> tuple[Post, bool]:
        post = _own(db, visit.me, visit.path("id"))
        return post, experiences.get(db, post).is_follow_up

    post, later_report = await visit.read(look)
    if drafting.wants(form) == "preview":
        return await report_fields.page(visit, form, 0, post=post, preview=True)
    report = report_fields.report(visit, form, follow_up=later_report)
    around = await report_fields.around(visit, form, post=post)
    await report_fields.check_kle(visit, form)
    if form.errors:
        return await report_fields.page(visit, form, 0, 422, post=post)
    await resolve_mentions(visit, markdown(report))
    mine = post.author_id == visit.me.id
    kept = {"visibility": post.visibility, "remind_months": None, "co_authors": around.co_authors if mine else ()}

    def write(db: Session, me: Actor) -> Post:
        return sharing.edit(db, me, _own(db, me, post.id), report, Around(**{**vars(around), **kept}))

    try:
        saved = await visit.write(write)
    except DomainError as error:
        if error.status not in {403, 409, 422}:
            raise
        return await report_fields.refused(visit, form, error, post)
    return visit.go(post_path(saved), said="held" if saved.held_for else "edited")
