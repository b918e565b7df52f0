"""What the administrators say: the rules and texts of the node, and announcements to everybody with an account."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import announcements, house, moderation, sanctions
from models.accounts import Role
from models.actors import Actor
from models.announcements import Announcement
from models.errors import DomainError, NotFound
from models.house import HouseText, Page, Shown
from server.forms import Form
from server.i18n import later
from server.web.visits import Visit, action, own_page, page

SHOWN_TO = {
    Shown.NOBODY: later("Nobody"),
    Shown.USERS: later("Those who have an account here"),
    Shown.ALL: later("Everybody"),
}
ADDRESSES = {Page.PRIVACY: "/privacy-policy", Page.TERMS: "/terms-of-service"}


@page
async def privacy_policy(visit: Visit) -> Response:
    """`GET /privacy-policy`: as it was written here, and what the program itself does with data."""
    return visit.page("privacy.html", text=await visit.read(lambda db: house.page(db, Page.PRIVACY)))


@page
async def terms_of_service(visit: Visit) -> Response:
    """`GET /terms-of-service`: 404 while nobody has written any."""
    text = await visit.read(lambda db: house.page(db, Page.TERMS))
    if text is None:
        raise NotFound("There is no such page.")
    return visit.page("house_text.html", title=later("Terms of use"), text=text)


@own_page
async def rules_form(visit: Visit) -> Response:
    """`GET /admin/house`: the rules and texts as they are now."""
    visit.require(Role.ADMIN)

    def look(db: Session) -> Form:
        texts: dict[Page, HouseText | None] = {which: house.page(db, which) for which in Page}
        return Form.filled(
            rules="\n".join(rule.text for rule in house.rules(db)),
            shown=str(house.blocks_shown_to(db)),
            log="1" if sanctions.log_open(db) else "",
            **{str(which): text.source if text else "" for which, text in texts.items()},
        )

    return _rules_page(visit, await visit.read(look))


def _rules_page(visit: Visit, form: Form, status: int = 200) -> Response:
    return visit.page("admin_house.html", status=status, form=form, shown_to=SHOWN_TO, addresses=ADDRESSES, tab="house")


@action
async def set_rules(visit: Visit, form: Form) -> Response:
    """`POST /admin/house`: save rules, texts, and who may read which servers are kept out."""
    visit.require(Role.ADMIN)
    lines = form.text("rules", most=house.MAX_RULES * (house.MAX_RULE + 1), required=False).split("\n")
    texts = {which: form.text(str(which), most=house.MAX_TEXT, required=False) for which in Page}
    whom = form.choice("shown", [str(one) for one in Shown], Shown.NOBODY)
    if form.errors:
        return _rules_page(visit, form, 422)

    def write(db: Session, me: Actor) -> None:
        house.set_rules(db, lines)
        for which, source in texts.items():
            house.set_page(db, which, source)
        house.show_blocks_to(db, Shown(whom))
        moderation.audit(db, me.id, "house.change", "rules, texts", rules=len(lines), blocks_shown_to=whom)
        sanctions.open_log(db, form.flag("log"), by=me)

    try:
        await visit.write(write)
    except DomainError as error:
        if error.status != 422:
            raise
        form.error("rules", error.text)
        return _rules_page(visit, form, 422)
    return visit.go("/admin/house", said="saved")


@own_page
async def announcements_form(visit: Visit) -> Response:
    """`GET /admin/announcements`: what has been announced, and a new one."""
    visit.require(Role.ADMIN)
    return await _announcements_page(visit, Form())


@own_page
async def announcement_form(visit: Visit) -> Response:
    """`GET /admin/announcements/{id}`: say one differently."""
    visit.require(Role.ADMIN)
    row = await visit.read(lambda db: announcements.get(db, visit.path("id")))
    zone = ZoneInfo(visit.settings.time_zone)
    form = Form.filled(
        text=row.source,
        starts=row.starts_at.astimezone(zone).date().isoformat() if row.starts_at else "",
        ends=row.last.astimezone(zone).date().isoformat() if row.last else "",
    )
    return await _announcements_page(visit, form, row=row)


async def _announcements_page(
    visit: Visit, form: Form, status: int = 200, *, row: Announcement | None = None
) -> Response:
    found = await visit.read(announcements.everything)
    return visit.page(
        "admin_announcements.html",
        status=status,
        form=form,
        found=found,
        changing=row.id if row is not None else None,
        tab="announcements",
    )


@action
async def announce(visit: Visit, form: Form) -> Response:
    """`POST /admin/announcements`: say something to everybody."""
    visit.require(Role.ADMIN)
    return await _say(visit, form, None)


@action
async def change_announcement(visit: Visit, form: Form) -> Response:
    """`POST /admin/announcements/{id}`: say it differently."""
    visit.require(Role.ADMIN)
    return await _say(visit, form, await visit.read(lambda db: announcements.get(db, visit.path("id"))))


async def _say(visit: Visit, form: Form, row: Announcement | None) -> Response:
    text = form.text("text", most=announcements.MAX_TEXT)
    zone = ZoneInfo(visit.settings.time_zone)
    first, last = _day(form, "starts"), _day(form, "ends")
    starts = datetime.combine(first, time(), zone) if first else None
    ends = datetime.combine(last + timedelta(days=1), time(), zone) if last else None

    def write(db: Session, me: Actor) -> None:
        if row is None:
            announcements.announce(db, text, starts_at=starts, ends_at=ends, all_day=True)
        else:
            announcements.change(db, announcements.get(db, row.id), text, starts_at=starts, ends_at=ends)
        moderation.audit(db, me.id, "announcement.make" if row is None else "announcement.change", text[:100])

    if not form.errors:
        try:
            await visit.write(write)
        except DomainError as error:
            if error.status != 422:
                raise
            form.error("ends" if error.code == "ends_early" else "text", error.text)
    if form.errors:
        return await _announcements_page(visit, form, 422, row=row)
    return visit.go("/admin/announcements", said="announced" if row is None else "saved")


def _day(form: Form, name: str) -> date | None:
    text = form.line(name, most=10, required=False)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year <= 2999:
        form.error(name, later("This is not a date."))
        return None
    return day


@action
async def withdraw_announcement(visit: Visit, form: Form) -> Response:
    """`POST /admin/announcements/{id}/withdraw`: take it back for good."""
    visit.require(Role.ADMIN)

    def write(db: Session, me: Actor) -> None:
        row = announcements.get(db, visit.path("id"))
        moderation.audit(db, me.id, "announcement.withdraw", row.source[:100])
        announcements.withdraw(db, row)

    await visit.write(write)
    return visit.go("/admin/announcements", said="announcement-withdrawn")


@action
async def dismiss_announcement(visit: Visit, form: Form) -> Response:
    """`POST /announcements/{id}/dismiss`: I have read it."""
    await visit.write(lambda db, me: announcements.dismiss(db, me.id, announcements.get(db, visit.path("id"))))
    return visit.go("/")
