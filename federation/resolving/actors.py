"""Actors of other servers: fetched from their own id, recorded here, refreshed when they say that they changed."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from federation import crossing, discovery, reading, urls
from federation.budget import Budget, OverBudget
from federation.context import Federation
from federation.documents import FetchFailed, Gone, Unusable, fetch, fetch_collection
from models import actors, communities
from models.actors import Actor, RemoteActor

MAX_MODERATORS = 50
LOOK_UP_FETCHES = 10


async def known(fed: Federation, uri: str) -> Actor | None:
    """The actor, if this node has a row of it: local, or recorded before and not deleted since."""
    found = await crossing.reading(fed.database, lambda db: actors.by_uri(db, uri))
    return found if found is None or found.local or found.deleted_at is None else None


async def actor(fed: Federation, uri: str, budget: Budget, *, fresh: bool = False) -> Actor:
    """The actor with this id: known here, else fetched from its origin (always with `fresh`) and recorded.

    Raises Gone, Unusable, Passing, OverBudget.
    """
    found = await known(fed, uri)
    if found is not None and (found.local or not fresh):
        return found
    remote = await fetch_actor(fed, uri, budget)
    return await crossing.writing(fed.database, lambda db: actors.record_remote(db, remote))


async def fetch_actor(fed: Federation, uri: str, budget: Budget) -> RemoteActor:
    """What the origin says of the actor now; nothing is recorded."""
    document = await fetch(fed, uri, budget)
    if document.deleted:
        raise Gone("Its server shows a Tombstone.")
    try:
        read = reading.actor(document.doc)
    except reading.Unreadable as error:
        raise Unusable(error.text) from error
    return await with_handle(fed, read, budget)


async def with_handle(
    fed: Federation, read: reading.ActorIn, budget: Budget, asked: Mapping[str, Actor | None] = MappingProxyType({})
) -> RemoteActor:
    """The actor under its confirmed handle: on its id's host, unless another domain claims it and it claims that.

    `asked`: what the database said of ids a moment ago.
    """
    remote = read.remote
    if remote.uri in asked:
        before = asked[remote.uri]
    else:
        before = await crossing.reading(fed.database, lambda db: actors.by_uri(db, remote.uri))
    confirmed = before is not None and before.username == remote.username and before.domain != remote.domain
    if read.webfinger:
        try:
            claimed = discovery.handle(read.webfinger)
            if claimed.domain == remote.domain:
                return replace(remote, username=claimed.name)
            if confirmed and before is not None and claimed.domain == before.domain:
                return replace(remote, domain=before.domain)
            jrd = await discovery.webfinger(fed, claimed, budget)
        except (FetchFailed, OverBudget):
            return remote
        if jrd.actor == remote.uri and jrd.subject.same(claimed):
            return replace(remote, username=claimed.name, domain=claimed.domain)
        return remote
    return replace(remote, domain=before.domain) if confirmed and before is not None else remote


async def by_handle(fed: Federation, text: str, budget: Budget) -> Actor:
    """The actor behind `@name@domain`, confirmed both ways. Raises Gone, Unusable, Passing, OverBudget."""
    wanted = discovery.handle(text)
    node = fed.node
    if wanted.domain in (node.domain, urls.host_of(node.origin)):
        found = await crossing.reading(fed.database, lambda db: actors.by_handle(db, wanted.name))
        if found is None:
            raise Gone("There is nobody by that name here.")
        return found
    jrd = await discovery.webfinger(fed, wanted, budget)
    document = await fetch(fed, jrd.actor, budget)
    if document.id != jrd.actor:
        raise Unusable("WebFinger links to an address that is not the actor's id.")
    if document.deleted:
        raise Gone("Its server shows a Tombstone.")
    try:
        read = reading.actor(document.doc)
    except reading.Unreadable as error:
        raise Unusable(error.text) from error
    remote = read.remote
    if not await _claims(fed, read, jrd.subject, budget):
        raise Unusable("The actor does not say that this handle is its own.")
    confirmed = replace(remote, domain=jrd.subject.domain, username=_name(read, jrd.subject))
    return await crossing.writing(fed.database, lambda db: actors.record_remote(db, confirmed))


async def look_up(fed: Federation, text: str) -> Actor:
    """The actor that a person means by a handle or an address, known here or not. Raises Gone, Unusable, Passing."""
    budget = Budget(fetches=LOOK_UP_FETCHES)
    try:
        if "://" not in text:
            return await by_handle(fed, text, budget)
        found = await known(fed, text)
        return found or await actor(fed, (await fetch(fed, text, budget)).id, budget)
    except OverBudget as error:
        raise Unusable(str(error)) from error


def _name(read: reading.ActorIn, subject: discovery.Handle) -> str:
    """The actor's own spelling of the name where it is the same."""
    own = read.remote.username
    return own if own.casefold() == subject.name.casefold() else subject.name


async def _claims(fed: Federation, read: reading.ActorIn, subject: discovery.Handle, budget: Budget) -> bool:
    """Whether the actor's side says the same: by its name on its own host, its `webfinger`, or its host's WebFinger."""
    own = discovery.Handle(read.remote.username, urls.host_of(read.remote.uri) or "")
    if own.same(subject):
        return True
    if read.webfinger:
        try:
            return discovery.handle(read.webfinger).same(subject)
        except Unusable:
            return False
    # An older server whose handles are on another domain than its actors: its own host has to name that subject.
    jrd = await discovery.webfinger(fed, own, budget)
    return jrd.subject.same(subject) and jrd.actor == read.remote.uri


async def refresh_moderators(fed: Federation, group: Actor, budget: Budget) -> None:
    """Take over the moderators that a remote community lists at its origin. Nothing happens if it lists none."""
    if group.local or not group.moderators_uri:
        return
    try:
        found = await fetch_collection(fed, group.moderators_uri, budget)
        names = list((found.first_page or found).items)[:MAX_MODERATORS]
        listed = [await actor(fed, name, budget) for name in names if urls.host_of(name)]
    except (Gone, Unusable, OverBudget):
        return
    await crossing.writing(fed.database, lambda db: communities.set_moderators(db, group, listed))
