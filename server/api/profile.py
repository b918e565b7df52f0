"""The caller's own account: who he is, how others see him, and what he chose for his posts."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy.orm import Session

from models import media, preferences, profiles
from models.accounts import Account as Login
from models.actors import Actor
from models.errors import Invalid
from models.media import PICTURES, Made, Purpose
from models.posts import Visibility
from server.api import show_accounts
from server.api.arguments import Nothing
from server.api.calls import Call, endpoint
from server.api.entities.accounts import CredentialAccount, Preferences
from server.media import uploading

VISIBILITIES = {
    "public": Visibility.PUBLIC,
    "unlisted": Visibility.UNLISTED,
    "private": Visibility.FOLLOWERS,
    "direct": Visibility.DIRECT,
}


class FieldWritten(Struct, kw_only=True):
    """One line of the profile."""

    name: str = ""
    value: str = ""


class SourceWritten(Struct, kw_only=True):
    """What holds for the caller's posts if he says nothing else."""

    privacy: str | None = None
    sensitive: bool | None = None
    language: str | UnsetType | None = UNSET
    quote_policy: str | None = None


class Written(Struct, kw_only=True):
    """A profile, as far as it is to be changed. `avatar` and `header` come as files.

    `attribution_domains` are kept and given back: no page is fetched here that could name its author.
    """

    display_name: str | None = None
    note: str | None = None
    locked: bool | None = None
    bot: bool | None = None
    discoverable: bool | None = None
    hide_collections: bool | None = None
    indexable: bool | None = None
    fields_attributes: list[FieldWritten] | None = None
    source: SourceWritten | None = None
    attribution_domains: list[str] | None = None
    avatar_description: str | None = None
    header_description: str | None = None


@endpoint("read:accounts|profile", Nothing, CredentialAccount)
async def verify_credentials(call: Call, args: Nothing) -> CredentialAccount:
    """`GET /api/v1/accounts/verify_credentials`."""
    return await call.read(lambda db: show_accounts.own(db, call.my_account, call.me))


@endpoint("write:accounts", Written, CredentialAccount)
async def update_credentials(call: Call, args: Written) -> CredentialAccount:
    """`PATCH /api/v1/accounts/update_credentials`: what is not sent stays as it is."""
    changes = _changes(args)
    chosen = _chosen(args.source)
    if args.attribution_domains is not None:
        chosen["attribution_domains"] = args.attribution_domains

    pictures = await _pictures(call)

    def work(db: Session, me: Actor) -> CredentialAccount:
        login = db.get_one(Login, me.id)
        if chosen:
            preferences.change(db, login, **chosen)
        addresses = {
            PICTURES[purpose]: media.set_picture(db, me.id, purpose, made, id)
            for purpose, (id, made) in pictures.items()
        }
        profiles.change(db, me, automated=args.bot, **changes, **addresses)
        return show_accounts.own(db, login, me)

    try:
        return await call.write(work)
    except BaseException:
        await _discard(call, pictures)
        raise


Kept = dict[Purpose, tuple[int, Made]]


async def _pictures(call: Call) -> Kept:
    """The pictures that were sent, cut to size and kept; they are nobody's yet. Raises Invalid, and keeps none then."""
    kept: Kept = {}
    try:
        for purpose in PICTURES:
            sent = call.files.get(purpose.value)
            if sent is not None and (sent.filename or sent.size):
                kept[purpose] = await uploading.picture(call.database, call.settings, sent, purpose)
    except BaseException:
        await _discard(call, kept)
        raise
    return kept


async def _discard(call: Call, kept: Kept) -> None:
    for _, made in kept.values():
        await uploading.discard(call.settings, made)


def _changes(args: Written) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "name": args.display_name,
        "summary_source": args.note,
        "locked": args.locked,
        "discoverable": args.discoverable,
        "hides_followers": args.hide_collections,
        "indexable": args.indexable,
        "icon_name": args.avatar_description,
        "image_name": args.header_description,
    }
    if args.fields_attributes is not None:
        changes["fields"] = profiles.fields([(one.name, one.value) for one in args.fields_attributes])
    return {name: value for name, value in changes.items() if value is not None}


def _chosen(source: SourceWritten | None) -> dict[str, Any]:
    if source is None:
        return {}
    chosen: dict[str, Any] = {"sensitive": source.sensitive, "quote_policy": source.quote_policy}
    if source.privacy is not None:
        if source.privacy not in VISIBILITIES:
            raise Invalid("Unknown visibility.", code="visibility_unknown")
        chosen["visibility"] = VISIBILITIES[source.privacy]
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if source.language is not UNSET:
        chosen["language"] = source.language or None
    return chosen


@endpoint("write:accounts", Nothing, CredentialAccount)
async def delete_avatar(call: Call, args: Nothing) -> CredentialAccount:
    """`DELETE /api/v1/profile/avatar`."""
    return await _without(call, Purpose.AVATAR)


@endpoint("write:accounts", Nothing, CredentialAccount)
async def delete_header(call: Call, args: Nothing) -> CredentialAccount:
    """`DELETE /api/v1/profile/header`."""
    return await _without(call, Purpose.HEADER)


async def _without(call: Call, purpose: Purpose) -> CredentialAccount:
    def work(db: Session, me: Actor) -> CredentialAccount:
        changes: dict[str, Any] = {PICTURES[purpose]: ""}
        media.forget_picture(db, me.id, purpose)
        profiles.change(db, me, **changes)
        return show_accounts.own(db, db.get_one(Login, me.id), me)

    return await call.write(work)


@endpoint("read:accounts", Nothing, Preferences)
async def chosen(call: Call, args: Nothing) -> Preferences:
    """`GET /api/v1/preferences`."""

    def look(db: Session) -> Preferences:
        kept = preferences.of(call.my_account)
        return Preferences(
            visibility=show_accounts.SEEN[kept.visibility],
            sensitive=kept.sensitive,
            language=kept.language,
            quote_policy=kept.quote_policy,
            media="default",
            spoilers=False,
            autoplay=False,
        )

    return await call.read(look)
