"""What people decide about their own account: profile, language, password, devices, whom they keep away."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import Response

from federation.crossing import reading, writing
from models import accounts, actors, blocks, email_links, endorsing, media, municipalities, profiles
from models.accounts import Account, Login
from models.actors import Actor
from models.errors import DomainError, Invalid
from models.media import PICTURES
from models.text import plain
from server import sessions
from server.forms import Form
from server.i18n import LANGUAGES, later
from server.limits import SIGN_IN_BY_ACCOUNT
from server.media import uploading
from server.security import local_path
from server.web.attaching import pictures as sent_pictures
from server.web.visits import Visit, action, own_page, tokenless_action

FLAGS = ("locked", "discoverable", "indexable", "hides_followers")


@own_page
async def profile_form(visit: Visit) -> Response:
    """`GET /settings`: name, text and what others may do with the profile."""
    me = visit.me
    lines: dict[str, str] = {}
    for at, field in enumerate(me.fields or [], 1):
        lines |= {f"field{at}": field["name"], f"value{at}": field.get("source", plain(field["value"]))}
    form = Form.filled(
        name=me.name,
        bio=me.summary_source,
        role=me.role,
        municipality=me.municipality,
        topics=", ".join(me.topics or []),
        **lines,
        language=visit.my_account.language,
        **{flag: "1" for flag in FLAGS if getattr(me, flag)},
        **({"hides_endorsements": "1"} if endorsing.hides(visit.my_account) else {}),
    )
    return _profile_page(visit, form)


def _profile_page(visit: Visit, form: Form, status: int = 200) -> Response:
    return visit.page("settings.html", status=status, form=form, tab="profile", municipalities=municipalities.known())


@action
async def change_profile(visit: Visit, form: Form) -> Response:
    """`POST /settings`: save the profile; followers elsewhere are told."""
    name = form.line("name", most=100, required=False)
    bio = form.text("bio", most=5000, required=False)
    language = form.choice("language", LANGUAGES, visit.language)
    flags = {flag: form.flag(flag) for flag in FLAGS}
    unnamed = form.flag("hides_endorsements")
    about = _about(form)
    pictures = await sent_pictures(visit, form)
    if form.errors:
        return _profile_page(visit, form, 422)
    unwanted = [purpose for purpose in PICTURES if form.flag(f"no-{purpose.value}") and purpose not in pictures]

    def write(db: Session, me: Actor) -> None:
        account = db.get_one(Account, me.id)
        accounts.set_language(db, account, language)
        if unnamed != endorsing.hides(account):
            endorsing.hide(db, account, hidden=unnamed)
        changes = {"name": name, "summary_source": bio, **flags, **about}
        changes["fields"] = profiles.keep_verified(me, about["fields"])
        for purpose, (id, made) in pictures.items():
            changes[PICTURES[purpose]] = media.set_picture(db, me.id, purpose, made, id)
        for purpose in unwanted:
            media.forget_picture(db, me.id, purpose)
            changes[PICTURES[purpose]] = ""
        changed = {key: value for key, value in changes.items() if getattr(me, key) != value}
        if changed:
            actors.update_profile(db, me, **changed)
        profiles.promise_verifying(db, me)

    try:
        await visit.write(write)
    except BaseException:
        for _, made in pictures.values():
            await uploading.discard(visit.settings, made)
        raise
    return visit.go("/settings", said="saved")


def _about(form: Form) -> dict[str, Any]:
    """Role, municipality, topics and lines of one's own, with errors beside their fields."""
    found: dict[str, Any] = {
        "role": form.line("role", most=profiles.MAX_ROLE, required=False),
        "municipality": form.choice("municipality", ("", *municipalities.known())),
        "topics": [],
        "fields": [],
    }
    pairs = [(form.raw(f"field{at}"), form.raw(f"value{at}")) for at in range(1, profiles.MAX_FIELDS + 1)]
    for name, field, read in (
        ("topics", "topics", lambda: profiles.topics(form.raw("topics"))),
        ("fields", "field1", lambda: profiles.fields(pairs)),
    ):
        try:
            found[name] = read()
        except Invalid as error:
            form.error(field, error.text)
    return found


@own_page
async def account_form(visit: Visit) -> Response:
    """`GET /settings/account`: password and devices."""
    return await account_page(visit, Form())


async def account_page(visit: Visit, form: Form, status: int = 200) -> Response:
    """Address, password and devices, with what was typed."""

    def look(db: Session) -> tuple[list[Login], str]:
        return accounts.logins_of(db, visit.my_account), email_links.on_the_way(db, visit.my_account)

    devices, new_email = await visit.read(look)
    own = accounts.hash_token(sessions.read(visit.request, visit.node, sessions.SESSION))
    return visit.page(
        "settings_account.html", status=status, form=form, tab="account", devices=devices, own=own, new_email=new_email
    )  # fmt: skip


@action
async def change_password(visit: Visit, form: Form) -> Response:
    """`POST /settings/password`: a new password; all other devices are signed out at once."""
    old, new = form.secret("old"), form.secret("new")
    if not form.errors:
        await check_own_password(visit, form, old, "old")
    if form.errors:
        return await account_page(visit, form, 422)

    def write(db: Session, me: Actor) -> str:
        account = db.get_one(Account, me.id)
        accounts.set_password(db, account, new)
        return accounts.start_login(db, account, visit.request.headers.get("user-agent", ""))

    try:
        token = await visit.write(write)
    except DomainError as error:
        if error.status != 422:
            raise
        form.error("new", error.text)
        return await account_page(visit, form, 422)
    response = visit.go("/settings/account", said="password-changed")
    sessions.put(response, visit.node, sessions.SESSION, token, seconds=sessions.SESSION_SECONDS)
    return response


async def check_own_password(visit: Visit, form: Form, password: str, field: str) -> None:
    """Note a fault in the form unless this is the visitor's password."""
    await visit.limits.count(SIGN_IN_BY_ACCOUNT, visit.me.username)
    try:
        await reading(visit.database, lambda db: accounts.check_password(db, visit.me.username, password))
    except DomainError as error:
        if error.status != 401:
            raise
        form.error(field, later("This is not your password."))


@action
async def end_device(visit: Visit, form: Form) -> Response:
    """`POST /settings/devices/end`: sign one of one's own devices out."""
    which = form.line("device", most=64)
    await visit.write(lambda db, me: accounts.end_login_by_hash(db, db.get_one(Account, me.id), which))
    return visit.go("/settings/account", said="device-ended")


@own_page
async def kept_away(visit: Visit) -> Response:
    """`GET /settings/blocks`: whom I have blocked or muted."""

    def look(db: Session) -> tuple[list[Actor], list[Actor]]:
        return blocks.blocked_by(db, visit.me.id), blocks.muted_by(db, visit.me.id)

    blocked, muted = await visit.read(look)
    return visit.page("settings_blocks.html", tab="blocks", blocked=blocked, muted=muted)


@tokenless_action
async def choose_language(visit: Visit, form: Form) -> Response:
    """`POST /language`: the language of the pages, for this browser, and for the account of who is signed in."""
    language = form.choice("language", LANGUAGES, visit.language)
    if visit.actor is not None and not form.errors:
        me = visit.actor.id
        await writing(visit.database, lambda db: accounts.set_language(db, db.get_one(Account, me), language))
    response = visit.go(local_path(form.raw("next")))
    if not form.errors:
        sessions.put(response, visit.node, sessions.LANGUAGE, language, seconds=sessions.LANGUAGE_SECONDS)
    return response
