"""Whom an activity has to reach: its addressees, the followers of ours that it addresses, and who saw the post before.

Only follower collections of this node are taken apart. Of an actor's two inboxes the shared one counts, so that a
server with a thousand followers gets one delivery.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Text, and_, case, cast, delete, func, or_, select
from sqlalchemy.orm import Session

from models import deliveries, domains, figures, outbox, peers, settings
from models.actors import Actor
from models.base import now
from models.database import node_of
from models.domains import DomainRule
from models.follows import Follow, FollowState
from models.meetings import Attendee, State
from models.outbox import Activity
from models.posts import Post

BATCH = 500

_inbox = case((Actor.shared_inbox != "", Actor.shared_inbox), else_=Actor.inbox)


def _reachable() -> ColumnElement[bool]:
    return and_(
        Actor.local.is_(False),
        Actor.suspended_at.is_(None),
        Actor.deleted_at.is_(None),
        Actor.standing != "blocked",
        Actor.inbox != "",
    )


def addressed(db: Session, activity: Activity) -> list[str]:
    """Inboxes of the actors an activity names, in order, each once.

    What goes to one actor alone (a Follow and its answers, a Block) goes to his own inbox. Changes and deletions of a
    post also go to those who replied to it, and of a meeting to those who signed up.
    """
    named = [*activity.to, *activity.cc, activity.data.get("audience", "")]
    rows: list[Actor] = []
    for start in range(0, len(named), BATCH):
        rows += db.scalars(select(Actor).where(Actor.uri.in_(named[start : start + BATCH]), _reachable()))
    rows.sort(key=lambda actor: actor.id)
    if len(rows) == 1 and not activity.public and activity.post_id is None:
        return [rows[0].inbox]
    inboxes = [actor.shared_inbox or actor.inbox for actor in rows]
    inboxes += activity.data.get("inboxes", [])
    if activity.type in {"Update", "Delete"} and activity.post_id is not None and activity.public:
        repliers = select(_inbox).join(Post, Post.author_id == Actor.id).where(Post.in_reply_to_id == activity.post_id)
        coming = select(_inbox).join(Attendee, Attendee.actor_id == Actor.id)
        coming = coming.where(Attendee.post_id == activity.post_id, Attendee.state != State.DECLINED)
        for query in (repliers, coming):
            inboxes += db.scalars(query.where(_reachable()).distinct().order_by(_inbox).limit(BATCH))
    return list(dict.fromkeys(inboxes))


def collections(db: Session, activity: Activity) -> list[int]:
    """Ids of the local actors whose followers an activity goes to.

    Those whose collection it addresses, and, for a change or deletion of a post, the communities of this node that
    announced it: who follows only the community saw it too, and must hear of the correction.
    """
    named = [uri for uri in (*activity.to, *activity.cc) if uri.startswith(node_of(db).origin + "/")]
    query = select(Actor.id).where(Actor.followers_uri.in_(named), Actor.local.is_(True))
    owners = list(db.scalars(query)) if named else []
    if activity.type in {"Update", "Delete"} and activity.post_id is not None:
        owners += [group.id for group in deliveries.announcing_communities(db, activity.post_id)]
    return list(dict.fromkeys(owners))


def follower_inboxes(db: Session, owners: Sequence[int], after: str, limit: int = BATCH) -> list[str]:
    """The next `limit` different inboxes of the followers of these actors, behind the inbox `after`."""
    query = (
        select(_inbox)
        .join(Follow, Follow.follower_id == Actor.id)
        .where(Follow.target_id.in_(owners), Follow.state == FollowState.ACCEPTED, _reachable(), _inbox > after)
        .distinct()
        .order_by(_inbox)
        .limit(limit)
    )
    return list(db.scalars(query))


def everyone(db: Session, after: str, limit: int = BATCH) -> list[tuple[str, str]]:
    """The next `limit` domains behind `after`, each with one inbox: for what every server has to hear once. The shared
    one where the server has any."""
    shared = func.min(case((Actor.shared_inbox != "", Actor.shared_inbox)))
    query = (
        select(Actor.domain, func.coalesce(shared, func.min(Actor.inbox)))
        .where(_reachable(), Actor.domain > after)
        .group_by(Actor.domain)
        .order_by(Actor.domain)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in db.execute(query)]


def own_inboxes(db: Session, activity: Activity, shared: str) -> list[str]:
    """The own inboxes of those an activity goes to and whose server named `shared`: for when that is gone."""
    named = [*activity.to, *activity.cc, activity.data.get("audience", "")]
    follows = select(Follow.follower_id).where(
        Follow.target_id.in_(collections(db, activity)), Follow.state == FollowState.ACCEPTED
    )
    query = select(Actor.inbox).where(
        Actor.shared_inbox == shared,
        Actor.inbox != shared,
        _reachable(),
        or_(Actor.uri.in_(named[:1000]), Actor.id.in_(follows)),
    )
    return list(db.scalars(query.distinct().order_by(Actor.inbox)))


def forget_shared_inbox(db: Session, shared: str) -> None:
    """The shared inbox is gone: its actors are written to one by one, until their documents name another."""
    for actor in db.scalars(select(Actor).where(Actor.shared_inbox == shared, Actor.local.is_(False))):
        actor.shared_inbox = ""
    db.flush()


def is_shared(db: Session, inbox: str) -> bool:
    """Whether some actor's server named this inbox as the one for all."""
    return db.scalar(select(Actor.id).where(Actor.shared_inbox == inbox, Actor.inbox != inbox).limit(1)) is not None


def owners_of_inbox(db: Session, inbox: str, limit: int = 5) -> list[Actor]:
    """The remote actors whose own inbox this is."""
    query = select(Actor).where(Actor.inbox == inbox, Actor.local.is_(False), Actor.deleted_at.is_(None)).limit(limit)
    return list(db.scalars(query))


def drop_followings(db: Session, actor: Actor) -> int:
    """An actor is gone from its server: it follows nobody here any more. How many follows ended."""
    figures.unfollowed_all(db, actor.id)
    done = db.execute(delete(Follow).where(Follow.follower_id == actor.id))
    return int(getattr(done, "rowcount", 0))


def without_blocked(db: Session, hosts: Iterable[str]) -> set[str]:
    """Those of the hosts that may be written to under the domain rules."""
    wanted = set(hosts)
    ruled = db.scalar(select(func.count()).select_from(DomainRule)) or settings.get(db, "allow_list", False)
    return {host for host in wanted if not domains.is_blocked(db, host)} if ruled else wanted


def reading_wraps(db: Session, hosts: Iterable[str]) -> set[str]:
    """Those of the hosts that read activities wrapped by a community (FEP-1b12)."""
    known = peers.many(db, hosts)
    return {host for host, peer in known.items() if peers.reads_wraps(peer)}


def wanting_edits_unwrapped(db: Session, hosts: Iterable[str]) -> set[str]:
    """Those of the hosts that read an Update as its author sends it, and not as a community wraps it."""
    known = peers.many(db, hosts)
    return {host for host, peer in known.items() if peer.software in peers.EDITS_UNWRAPPED}


def unknown_software(db: Session, hosts: Iterable[str]) -> list[str]:
    """Those of the hosts whose NodeInfo nobody has asked for lately."""
    wanted = list(dict.fromkeys(hosts))
    known = peers.known_software(db, wanted)
    return [host for host in wanted if host not in known]


def store_body(db: Session, activity_id: int, body: str) -> None:
    """Keep the rendered bytes; deliveries send these and no others."""
    row = outbox.get(db, activity_id)
    assert row is not None
    row.body = body
    db.flush()


def forget_deleted(db: Session, limit: int = 500) -> int:
    """Cut what deleted posts said out of the activities that communities of ours wrapped; how many were cut.

    Only once no delivery can need it any more. What is left names the activity, not its text.
    """
    waiting = select(outbox.Delivery.id).where(outbox.Delivery.activity_id == Activity.id)
    query = (
        select(Activity)
        .join(Post, Post.id == Activity.post_id)
        .where(
            Post.deleted_at < now() - outbox.BODY_KEPT,
            Activity.type == "Announce",
            cast(Activity.data, Text).contains('"content":', autoescape=True),
            ~waiting.exists(),
        )
        .limit(limit)
    )
    rows = list(db.scalars(query))
    for row in rows:
        inner = row.data.get("embed")
        kept = {key: inner[key] for key in ("id", "type", "actor") if key in inner} if isinstance(inner, dict) else {}
        row.data = {**row.data, "embed": kept}
        row.body = ""
    db.flush()
    return len(rows)
