"""Writing down what came of delivery attempts, many in one transaction."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from federation.outcomes import Outcome, Verdict
from models import deliveries, jobs, outbox, peers, reach
from models.deliveries import Claimed


def record(db: Session, batch: Sequence[tuple[Claimed, Outcome]]) -> None:
    """Note the outcomes: rows that are done go, others wait or are given up; hosts' circuits open and close."""
    deliveries.done(db, [claimed.id for claimed, outcome in batch if outcome.verdict == Verdict.DONE])
    # Whatever a host answers, short of an error of its own, shows that it lives.
    answered = [
        (claimed.host, outcome.skew) for claimed, outcome in batch if outcome.status and not outcome.host_failed
    ]
    skews = {host: skew for host, skew in answered if skew is not None}
    peers.succeeded(db, [host for host, _ in answered], skews)
    # By host, so that two workers that note outcomes of the same hosts do not wait for one another in a ring.
    for claimed, outcome in sorted(batch, key=lambda one: one[0].host):
        if outcome.scheme is not None:
            peers.remember_scheme(db, claimed.host, outcome.scheme)
        if outcome.host_failed:
            peers.failed(db, claimed.host, outcome.error)
        match outcome.verdict:
            case Verdict.LATER:
                _later(db, claimed, outcome)
            case Verdict.GONE:
                _gone(db, claimed)
            case Verdict.DROP:
                deliveries.drop(db, claimed.id)


def _later(db: Session, claimed: Claimed, outcome: Outcome) -> None:
    if outcome.status == 404 and reach.is_shared(db, claimed.inbox):
        _gone(db, claimed)
        return
    deliveries.failed(db, claimed.id, outcome.error, outcome.status, outcome.retry_after)
    if outcome.status == 429 and outcome.retry_after:
        peers.hold(db, claimed.host, outcome.retry_after)


def _gone(db: Session, claimed: Claimed) -> None:
    """The inbox is gone. A shared one: write to the actors' own. An own one: ask whether the actor is still there."""
    deliveries.drop(db, claimed.id)
    if reach.is_shared(db, claimed.inbox):
        activity = outbox.get(db, claimed.activity_id)
        assert activity is not None
        own = reach.own_inboxes(db, activity, claimed.inbox)
        reach.forget_shared_inbox(db, claimed.inbox)
        deliveries.add_batch(db, activity, [(inbox, claimed.host) for inbox in own])
        return
    for actor in reach.owners_of_inbox(db, claimed.inbox):
        payload = {"actor": actor.uri, "activity": claimed.activity_id, "inbox": claimed.inbox}
        jobs.enqueue(db, "confirm_actor", payload, dedupe=f"confirm_actor:{actor.id}")
