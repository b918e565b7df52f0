"""The delivery loop: takes what may be sent now, signs it afresh, posts it, and writes down what came of it.

Who gets a turn is decided in the database (`models.deliveries.claim`): a few per host, in order per object, nothing for
a host whose circuit is open. So a dead or slow host costs a few slots for a few seconds and holds up nobody else, and
two workers never send the same. What came of the attempts is written in groups, because each commit costs a sync.
"""

import asyncio
import contextlib
import logging
from collections import Counter, OrderedDict
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from federation import counting, landing, signatures
from federation.context import Federation, KeySigner
from federation.crossing import reading, writing
from federation.fetch_errors import FetchError, Unreachable
from federation.outcomes import KNOCK, Outcome, Verdict, of_answer, of_error
from federation.waking import Bell
from models import actors, collections, deliveries, outbox
from models.deliveries import Claimed
from models.errors import NotFound, Unavailable

log = logging.getLogger("torv.delivering")

LEASE = 60.0
POLL = 1.0
GRACE = 10.0
GATHER = 0.005
"""Seconds in which finished attempts are gathered for one commit."""

PARCELS_KEPT = 128


async def run(fed: Federation, stop: asyncio.Event) -> None:
    """Deliver until `stop`; then attempts under way end within 10 s and the rest goes back to the queue."""
    await _Courier(fed).run(stop)


@dataclass(frozen=True)
class _Parcel:
    """The bytes of an activity. `followers` is set where the receiver may compare its list with ours (FEP-8fcf)."""

    body: bytes
    actor_uri: str
    followers: str


class _Courier:
    """One process's deliveries under way."""

    def __init__(self, fed: Federation) -> None:
        self.fed = fed
        self.flying: dict[int, asyncio.Task[None]] = {}
        self.landed: list[tuple[Claimed, Outcome]] = []
        self.parcels: OrderedDict[int, _Parcel] = OrderedDict()
        self.last_host = ""

    async def run(self, stop: asyncio.Event) -> None:
        with Bell(self.fed.database, {"deliveries"}) as bell:
            self.bell = bell
            try:
                while not stop.is_set():
                    claimed = await self._turn()
                    await self._prepare(claimed)
                    for one in claimed:
                        self.flying[one.id] = asyncio.create_task(self._deliver(one))
                    await bell.wait(POLL, stop)
                    await asyncio.sleep(GATHER)
            finally:
                await self._wind_up()
                await self._turn(claiming=False)

    async def _turn(self, *, claiming: bool = True) -> list[Claimed]:
        """Write down what has landed and take what may be sent next, both in one transaction."""
        limits = self.fed.limits
        batch, self.landed = self.landed, []
        free = limits.delivery_concurrency - len(self.flying) + len(batch) if claiming else 0
        spare, after = free - limits.delivery_concurrency // 4, self.last_host

        def work(db: Session) -> list[Claimed]:
            if batch:
                landing.record(db, batch)
            if free <= 0:
                return []
            # Those that just answered may get their next at once.
            in_turn = list(dict.fromkeys([*hosts, *(one.host for one, _ in batch)]))
            return deliveries.claim(db, free, LEASE, hosts=in_turn, per_host=limits.per_host, spare=spare)

        # Hosts that have one in flight already are not even looked at where there is no room for a second.
        per_host = limits.per_host if spare > 0 else 1
        hosts: list[str] = []
        try:
            if free > 0:
                hosts = await reading(
                    self.fed.database,
                    lambda db: deliveries.hosts_in_turn(db, free, LEASE, after=after, per_host=per_host),
                )
            if not batch and not hosts:
                return []
            claimed = await writing(self.fed.database, work)
        except Unavailable:
            # What landed is kept for the next turn; should this process end before, the leases run out.
            self.landed = batch + self.landed
            return []
        for one, outcome in batch:
            self.flying.pop(one.id, None)
            counting.count(f"deliveries_{outcome.verdict}")
        if claimed:
            self.last_host = claimed[-1].host
        return claimed

    async def _prepare(self, claimed: list[Claimed]) -> None:
        """Have at hand what many of them need, which else each of a few hundred would ask the database for at once."""
        with contextlib.suppress(NotFound, Unavailable):  # each attempt hears of it again, and knows what to do
            for activity_id, times in Counter(one.activity_id for one in claimed).items():
                if times > 1:
                    await self._parcel(activity_id)
            for actor_id, times in Counter(one.actor_id for one in claimed).items():
                if times > 1:
                    await self.fed.signer(actor_id)

    async def _deliver(self, claimed: Claimed) -> None:
        try:
            outcome = await self._attempt(claimed)
        except Exception as error:
            log.exception("delivery %s to %s failed in our own code", claimed.id, claimed.inbox)
            outcome = Outcome(Verdict.LATER, None, f"{type(error).__name__}: {error}")
        self.landed.append((claimed, outcome))
        self.bell.ring()

    async def _attempt(self, claimed: Claimed) -> Outcome:
        try:
            parcel = await self._parcel(claimed.activity_id)
            signer = await self.fed.signer(claimed.actor_id)
        except NotFound as error:
            return Outcome(Verdict.DROP, None, error.text)
        except Unavailable as error:
            return Outcome(Verdict.LATER, None, error.text)
        extra = await self._synchronization(parcel, claimed)
        try:
            async with asyncio.timeout(self.fed.limits.delivery_deadline):
                outcome = await self._post(claimed, parcel, signer, extra, claimed.scheme)
                if outcome.status in KNOCK:
                    other = "cavage" if claimed.scheme == "rfc9421" else "rfc9421"
                    second = await self._post(claimed, parcel, signer, extra, other)
                    worked = second.verdict == Verdict.DONE
                    outcome = replace(second, scheme=other) if worked else second
        except TimeoutError:
            return of_error(Unreachable("timeout", "no whole answer in time"))
        return outcome

    async def _post(
        self, claimed: Claimed, parcel: _Parcel, signer: KeySigner, extra: dict[str, str], scheme: str
    ) -> Outcome:
        headers = signer.headers("POST", claimed.inbox, parcel.body, scheme=scheme) | extra
        try:
            answer = await self.fed.client.post(
                claimed.inbox, parcel.body, headers=headers, deadline=self.fed.limits.delivery_deadline
            )
        except FetchError as error:
            return of_error(error)
        return of_answer(answer, attempts=claimed.attempts, last_status=claimed.last_status)

    async def _parcel(self, activity_id: int) -> _Parcel:
        known = self.parcels.get(activity_id)
        if known is not None:
            self.parcels.move_to_end(activity_id)
            return known
        parcel = await reading(self.fed.database, lambda db: _load(db, activity_id))
        self.parcels[activity_id] = parcel
        while len(self.parcels) > PARCELS_KEPT:
            self.parcels.popitem(last=False)
        return parcel

    async def _synchronization(self, parcel: _Parcel, claimed: Claimed) -> dict[str, str]:
        """FEP-8fcf: with a followers-only post, whom of that host we hold for followers, so that both sides agree."""
        if not parcel.followers:
            return {}
        actor_id, host = claimed.actor_id, claimed.host
        uris = await reading(self.fed.database, lambda db: collections.followers_on(db, actors.get(db, actor_id), host))
        digest = signatures.followers_digest(uris)
        url = f"{parcel.actor_uri}/followers_synchronization"
        return {"Collection-Synchronization": f'collectionId="{parcel.followers}", url="{url}", digest="{digest}"'}

    async def _wind_up(self) -> None:
        """Wait for what is under way, then give back what did not end in time."""
        landed = {claimed.id for claimed, _ in self.landed}
        under_way = {task: id for id, task in self.flying.items() if id not in landed}
        if not under_way:
            return
        _, pending = await asyncio.wait(under_way, timeout=GRACE)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        ids = [under_way[task] for task in pending]
        if ids:
            try:
                await writing(self.fed.database, lambda db: deliveries.release(db, ids))
            except Unavailable:
                log.warning("%d deliveries come back when their lease has run out", len(ids))


def _load(db: Session, activity_id: int) -> _Parcel:
    activity = outbox.get(db, activity_id)
    if activity is None or not activity.body:
        raise NotFound("There is nothing to send any more.")
    actor = actors.get(db, activity.actor_id)
    for_followers = (
        activity.type == "Create" and not activity.public and actor.followers_uri in {*activity.to, *activity.cc}
    )
    return _Parcel(activity.body.encode(), actor.uri, actor.followers_uri if for_followers else "")
