"""Communities in `/api/torv/v1/`: what each allows, and how the caller stands to it."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import actors, admission, anonymity, communities, community_statistics, follows
from models.actors import Actor
from models.errors import NotFound
from server.api import show_accounts
from server.api.arguments import Nothing
from server.api.calls import Call, endpoint
from server.api.entities import torv as entities


def show_communities(db: Session, viewer: Actor | None, groups: Sequence[Actor]) -> list[entities.Community]:
    """Communities as `viewer` sees them, in as many queries however many there are."""
    shown = show_accounts.accounts(db, groups)
    ids = [group.id for group in groups]
    rows, unanswered = communities.rows_of(db, groups), community_statistics.unanswered(db, ids)
    states = follows.states(db, viewer.id, ids) if viewer else {}
    moderated = communities.moderated(db, viewer.id) if viewer else set()
    askable = {group.id for group in admission.askable(db, viewer, groups)} if viewer else set()
    found = []
    for group, account in zip(groups, shown, strict=True):
        settings = rows[group.id]
        found.append(
            entities.Community(
                id=str(group.id),
                uri=group.uri,
                name=group.display_name,
                handle=group.handle,
                account=account,
                rules=list(settings.rules),
                allows_down_votes=settings.allows_down,
                moderators_only=settings.moderators_only,
                questions_only=settings.questions_only,
                node_only=settings.node_only,
                closed=settings.closed_at is not None,
                language=settings.language if group.local else None,
                may_ask=list(settings.askers),
                may_answer=list(settings.answerers),
                max_links=settings.max_links,
                own_links_a_week=settings.own_links_a_week,
                wants_disclosure=settings.wants_disclosure,
                anonymity=anonymity.offered(group),
                unanswered=unanswered.get(group.id, 0) if group.local else None,
                askable=group.id in askable if viewer else None,
                followed=states.get(group.id) == "accepted" if viewer else None,
                moderated=group.id in moderated if viewer else None,
            )
        )
    return found


def community_of(db: Session, id: int) -> Actor:
    """A community by id. Raises NotFound."""
    group = actors.get(db, id)
    if not group.is_community or not group.active:
        raise NotFound("There is no such community.")
    return group


@endpoint("read:accounts", Nothing, list[entities.Community], who="anybody")
async def index(call: Call, args: Nothing) -> list[entities.Community]:
    """The communities of this node, and those elsewhere that it knows."""

    def look(db: Session) -> list[entities.Community]:
        return show_communities(db, call.actor, [*communities.all_local(db), *communities.known_remote(db)])

    return await call.read(look)


@endpoint("read:accounts", Nothing, entities.Community, who="anybody")
async def show(call: Call, args: Nothing) -> entities.Community:
    """One community."""
    return await call.read(lambda db: show_communities(db, call.actor, [community_of(db, call.path())])[0])
