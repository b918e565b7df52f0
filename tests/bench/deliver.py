"""How long a post takes to its author, to the queue, and to all hosts: `python -m tests.bench.deliver [hosts] [each]`.

Everything is real but the network: the other servers answer within the process, at once.
"""

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from federation import delivering, publishing
from models import accounts, actors, composing
from models.actors import Actor
from models.base import new_id, now
from models.database import Database, Node
from models.follows import Follow
from models.jobs import Job
from models.outbox import Delivery
from models.posts import Draft
from models.tables import metadata
from tests.federation.elsewhere import Elsewhere, federation_with


def fill(db: Session, hosts: int, each: int) -> Actor:
    """Lene, with followers on so many hosts, so many on each."""
    account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
    lene = actors.get(db, account.id)
    people, follows = [], []
    for host in range(hosts):
        domain = f"h{host}.example"
        for number in range(each):
            uri = f"https://{domain}/users/{number}"
            person = {
                "id": new_id(), "uri": uri, "type": "Person", "local": False, "username": str(number),
                "username_key": str(number), "domain": domain, "inbox": f"{uri}/inbox",
                "shared_inbox": f"https://{domain}/inbox", "changed_at": now(),
            }  # fmt: skip
            people.append(person)
            follows.append(
                {
                    "id": new_id(),
                    "uri": f"{uri}/f",
                    "follower_id": person["id"],
                    "target_id": lene.id,
                    "state": "accepted",
                }
            )
    db.execute(insert(Actor), people)
    db.execute(insert(Follow), follows)
    return lene


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _deliver(database: Database, elsewhere: Elsewhere, hosts: int) -> tuple[float, float]:
    """Seconds that passed, and seconds of CPU."""
    stop = asyncio.Event()
    begun, cpu = time.perf_counter(), time.process_time()
    task = asyncio.create_task(delivering.run(federation_with(database, elsewhere), stop))
    while sum(len(sent) for sent in elsewhere.sent.values()) < hosts:  # noqa: ASYNC110 - the loop is the measurement
        await asyncio.sleep(0.01)
    took = time.perf_counter() - begun
    stop.set()
    await task
    return took, time.process_time() - cpu


def main(hosts: int, each: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}", Node("https://a.example", "a.example"))
        metadata.create_all(database.engine)
        lene = database.write(lambda db: fill(db, hosts, each))
        print(f"{hosts * each} followers on {hosts} hosts; {_megabytes():.0f} MB")
        begun = time.perf_counter()
        database.write(lambda db: composing.note(db, lene, Draft(text="Hej alle.")))
        print(f"post: answered after {(time.perf_counter() - begun) * 1000:.0f} ms")
        payload = database.write(lambda db: db.scalar(select(Job.payload).where(Job.kind == "publish")))
        elsewhere = Elsewhere()
        before = _megabytes()
        begun = time.perf_counter()
        asyncio.run(publishing.publish(federation_with(database, elsewhere), payload or {}))
        print(f"fan-out: {time.perf_counter() - begun:.2f} s, {_megabytes() - before:.0f} MB more")
        queued = database.write(lambda db: db.scalar(select(func.count(Delivery.id)))) or 0
        took, cpu = asyncio.run(_deliver(database, elsewhere, queued))
        print(
            f"delivered: {queued} in {took:.2f} s, {queued / took:.0f} a second, {cpu / queued * 1000:.2f} ms CPU each"
        )
        database.close()


if __name__ == "__main__":
    main(*([int(text) for text in sys.argv[1:3]] or [1000, 1]))
