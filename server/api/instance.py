"""What the node tells of itself: its limits, rules, texts and figures."""

import hashlib

from babel import Locale
from sqlalchemy.orm import Session

from models import house, settings, statistics
from models.domains import DomainAction
from models.errors import NotFound, Unauthenticated
from models.house import HouseText, Shown
from models.house import Page as TextPage
from server.api import show_instance
from server.api.arguments import Nothing
from server.api.calls import Call, endpoint
from server.api.entities.accounts import CustomEmoji
from server.api.entities.instance import (
    Activity,
    DomainBlock,
    ExtendedDescription,
    Instance,
    Language,
    PrivacyPolicy,
    Rule,
    TermsOfService,
    V1Instance,
)
from server.api.remembering import remembered
from server.api.times import stamp
from server.i18n import LANGUAGES
from server.web.rendering import paragraphs

COUNTED_FOR = 3600.0
"""Seconds for which figures that cost a walk through the tables are told again."""


@endpoint(None, Nothing, Instance, who="anybody")
async def show(call: Call, args: Nothing) -> Instance:
    """`GET /api/v2/instance`."""
    size = await remembered(call, "size", COUNTED_FOR, statistics.size)
    found = await call.read(lambda db: show_instance.told(db, size, call.settings))
    site = await call.site.current()
    return show_instance.instance(call.node, call.settings, site, call.site.policy, found, call.language)


@endpoint(None, Nothing, V1Instance, who="anybody")
async def show_first(call: Call, args: Nothing) -> V1Instance:
    """`GET /api/v1/instance`."""
    size = await remembered(call, "size", COUNTED_FOR, statistics.size)

    def look(db: Session) -> tuple[show_instance.Told, HouseText | None]:
        return show_instance.told(db, size, call.settings), house.page(db, TextPage.DESCRIPTION)

    found, text = await call.read(look)
    site = await call.site.current()
    description = text.html if text is not None else str(paragraphs(site.description))
    return show_instance.first_version(call.node, call.settings, site, call.site.policy, found, description)


@endpoint(None, Nothing, list[Rule], who="anybody")
async def rules(call: Call, args: Nothing) -> list[Rule]:
    """`GET /api/v1/instance/rules`."""
    return await call.read(show_instance.rules)


@endpoint(None, Nothing, list[str], who="anybody")
async def peers(call: Call, args: Nothing) -> list[str]:
    """`GET /api/v1/instance/peers`: the servers this node knows; not told where it talks to named ones only."""
    if await call.read(lambda db: bool(settings.get(db, "allow_list", False))):
        raise NotFound("Record not found")
    return await remembered(call, "peers", COUNTED_FOR, statistics.peers)


@endpoint(None, Nothing, list[Activity], who="anybody")
async def activity(call: Call, args: Nothing) -> list[Activity]:
    """`GET /api/v1/instance/activity`: the last twelve weeks, this one first."""
    weeks = await remembered(call, "weeks", COUNTED_FOR, statistics.weeks)
    return [
        Activity(
            week=str(int(week.start.timestamp())),
            statuses=str(week.posts),
            logins=str(week.people),
            registrations=str(week.accounts),
        )
        for week in weeks
    ]


@endpoint(None, Nothing, ExtendedDescription, who="anybody")
async def extended_description(call: Call, args: Nothing) -> ExtendedDescription:
    """`GET /api/v1/instance/extended_description`: empty while nobody has written one."""
    text = await call.read(lambda db: house.page(db, TextPage.DESCRIPTION))
    if text is None:
        return ExtendedDescription(updated_at=None, content="")
    return ExtendedDescription(updated_at=stamp(text.updated_at), content=text.html)


@endpoint(None, Nothing, PrivacyPolicy, who="anybody")
async def privacy_policy(call: Call, args: Nothing) -> PrivacyPolicy:
    """`GET /api/v1/instance/privacy_policy`: 404 while nobody has written one."""
    text = await _written(call, TextPage.PRIVACY)
    return PrivacyPolicy(updated_at=stamp(text.updated_at), content=text.html)


@endpoint(None, Nothing, TermsOfService, who="anybody")
async def terms_of_service(call: Call, args: Nothing) -> TermsOfService:
    """`GET /api/v1/instance/terms_of_service`: 404 while nobody has written any. They hold since they were written."""
    text = await _written(call, TextPage.TERMS)
    day = text.updated_at.date().isoformat()
    return TermsOfService(effective_date=day, effective=True, content=text.html, succeeded_by=None)


async def _written(call: Call, which: TextPage) -> HouseText:
    text = await call.read(lambda db: house.page(db, which))
    if text is None:
        raise NotFound("Record not found")
    return text


@endpoint(None, Nothing, list[DomainBlock], who="anybody")
async def domain_blocks(call: Call, args: Nothing) -> list[DomainBlock]:
    """`GET /api/v1/instance/domain_blocks`: for whom the administrators chose: all, those with an account, or nobody."""
    whom = await call.read(house.blocks_shown_to)
    if whom == Shown.NOBODY:
        raise NotFound("Record not found")
    if whom == Shown.USERS and call.actor is None:
        raise Unauthenticated("This method requires an authenticated user")
    return [
        DomainBlock(
            domain=rule.domain,
            digest=hashlib.sha256(rule.domain.encode()).hexdigest(),
            severity="suspend" if rule.action == DomainAction.BLOCK else "silence",
            comment=rule.reason or None,
        )
        for rule in await call.read(statistics.kept_out)
    ]


@endpoint(None, Nothing, list[Language], who="anybody")
async def languages(call: Call, args: Nothing) -> list[Language]:
    """`GET /api/v1/instance/languages`: those the node's pages speak."""
    return [Language(code=code, name=str(Locale.parse(code).get_display_name())) for code in LANGUAGES]


@endpoint(None, Nothing, dict[str, list[str]], who="anybody")
async def translation_languages(call: Call, args: Nothing) -> dict[str, list[str]]:
    """`GET /api/v1/instance/translation_languages`: the node translates nothing."""
    return {}


@endpoint(None, Nothing, list[CustomEmoji], who="anybody")
async def custom_emojis(call: Call, args: Nothing) -> list[CustomEmoji]:
    """`GET /api/v1/custom_emojis`: there are none; emojis are written as characters."""
    return []
