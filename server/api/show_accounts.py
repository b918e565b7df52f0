"""Actors as clients read them. However many there are, it takes the same few queries."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts as logins
from models import actors, figures, follows, preferences
from models.accounts import Role as Rank
from models.actors import Actor
from models.base import IDS, made_at
from models.posts import Visibility
from server import static_files
from server.api.entities.accounts import Account, AccountRole, CredentialAccount, Field, Posting, Role, Source
from server.api.times import stamp
from server.media.links import Links, links

NO_AVATAR = "avatars/missing.png"
"""Clients know a picture by this name for one that stands for none."""

COMMUNITY_AVATAR = "avatars/community.png"
NO_HEADER = "headers/missing.png"

ROLES = {Rank.MODERATOR: ("1", "Moderator", "#0b5d5e"), Rank.ADMIN: ("2", "Administrator", "#7a3b00")}
MEMBER = ("-99", "", "")
PERMISSIONS = {Rank.MEMBER: 0, Rank.MODERATOR: 0x10 | 0x400, Rank.ADMIN: 0x1}
"""Mastodon's bits: reports and users are a moderator's, 1 is everything."""

SEEN: dict[str, Posting] = {
    Visibility.PUBLIC: "public",
    Visibility.UNLISTED: "unlisted",
    Visibility.FOLLOWERS: "private",
    Visibility.DIRECT: "direct",
    Visibility.NODE: "private",
}
"""Visibilities in Mastodon's words."""


def accounts(db: Session, people: Sequence[Actor]) -> list[Account]:
    """Several actors, in their order."""
    return [Account(**values) for values in everything(db, people)]


def account(db: Session, actor: Actor) -> Account:
    """One actor."""
    return accounts(db, [actor])[0]


def own(db: Session, login: logins.Account, actor: Actor) -> CredentialAccount:
    """One's own account, with what only its owner sees."""
    chosen = preferences.of(login)
    source = Source(
        privacy=SEEN[chosen.visibility],
        sensitive=chosen.sensitive,
        language=chosen.language,
        note=actor.summary_source,
        fields=[
            Field(name=field["name"], value=field.get("source", field["value"]), verified_at=field.get("verified"))
            for field in actor.fields or []
        ],
        follow_requests_count=follows.count_waiting(db, actor.id),
        hide_collections=actor.hides_followers,
        discoverable=actor.discoverable,
        indexable=actor.indexable,
        attribution_domains=list(chosen.attribution_domains),
        quote_policy=chosen.quote_policy,
    )
    id, name, color = ROLES.get(Rank(login.role), MEMBER)
    role = Role(
        id=id,
        name=name,
        color=color,
        permissions=str(PERMISSIONS[Rank(login.role)]),
        highlighted=login.role != Rank.MEMBER,
    )
    return CredentialAccount(**everything(db, [actor])[0], source=source, role=role)


def everything(db: Session, people: Sequence[Actor]) -> list[dict[str, Any]]:
    """The values of `Account` for several actors, for entities that add to them."""
    targets = {actor.moved_to for actor in people if actor.moved_to}
    moved = {actor.uri: actor for actor in actors.by_uris(db, targets)} if targets else {}
    all_of_them = {actor.id: actor for actor in [*people, *moved.values()]}
    counts = figures.many(db, all_of_them)
    ranks = _ranks(db, [actor.id for actor in all_of_them.values() if actor.local])
    here = links(db)

    def values(actor: Actor, at: Actor | None) -> dict[str, Any]:
        target = Account(**values(at, None)) if at is not None and at.id != actor.id else None
        return _values(actor, counts.get(actor.id), ranks.get(actor.id), here, target)

    return [values(actor, moved.get(actor.moved_to)) for actor in people]


def _ranks(db: Session, actor_ids: list[int]) -> dict[int, str]:
    if not actor_ids:
        return {}
    return {row[0]: row[1] for row in db.execute(_RANKS, {"ids": actor_ids})}


_RANKS = select(logins.Account.id, logins.Account.role).where(
    logins.Account.id.in_(IDS), logins.Account.role != Rank.MEMBER
)


def avatar(here: Links, actor: Actor) -> str:
    """The address of somebody's picture here, or of the one that stands for none."""
    return here.icon(actor) or here.origin + static_files.address(COMMUNITY_AVATAR if actor.is_community else NO_AVATAR)


def _values(
    actor: Actor, counts: figures.ActorFigures | None, rank: str | None, here: Links, moved: Account | None
) -> dict[str, Any]:
    picture = avatar(here, actor)
    header = here.image(actor) or here.origin + static_files.address(NO_HEADER)
    began = actor.published or made_at(actor.id)
    last = counts.last_post_at if counts else None
    extra: dict[str, Any] = actor.extra or {}
    id, name, color = ROLES[Rank(rank)] if rank else MEMBER
    return {
        "id": str(actor.id),
        "username": actor.username,
        "acct": actor.username if actor.local else actor.handle,
        "display_name": actor.name,
        "locked": actor.locked,
        "bot": actor.automated,
        "discoverable": actor.discoverable,
        "indexable": actor.indexable,
        "group": actor.is_community,
        "created_at": stamp(began.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)),
        "note": actor.summary,
        "url": actor.url or actor.uri,
        "uri": actor.uri,
        "avatar": picture,
        "avatar_static": picture,
        "avatar_description": str(extra.get("icon_name", "")) if actor.icon_url else "",
        "header": header,
        "header_static": header,
        "header_description": str(extra.get("image_name", "")) if actor.image_url else "",
        "followers_count": counts.followers if counts else 0,
        "following_count": counts.following if counts else 0,
        "statuses_count": counts.posts if counts else 0,
        "last_status_at": last.astimezone(UTC).date().isoformat() if last else None,
        "hide_collections": actor.hides_followers if actor.local else None,
        "noindex": not actor.indexable if actor.local else None,
        "emojis": [],
        "roles": [AccountRole(id=id, name=name, color=color)] if rank else [],
        "fields": [
            Field(name=field["name"], value=field["value"], verified_at=field.get("verified") if actor.local else None)
            for field in actor.fields or []
        ],
        "moved": moved,
        "suspended": not actor.active,
        "limited": actor.standing == "limited",
        "memorial": False,
    }
