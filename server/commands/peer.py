"""`torv peer HOST`: what this node knows of another server, why it fails, and trying it again."""

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import domains, peers, queues
from models.actors import Actor
from models.outbox import Delivery
from models.peers import Peer
from server.cli import NOT_FOUND, Failed
from server.commands.opening import as_json, opened, show


@click.command()
@click.argument("host")
@click.option("--unpark", is_flag=True, help="Deliver to it again now, what was given up included.")
@as_json
def peer(host: str, unpark: bool, as_json: bool) -> None:
    """What is known of HOST: its software, its circuit, what waits for it, and the last error."""
    with opened() as database:
        host = domains.canonical(host)
        if unpark:

            def work(db: Session) -> int:
                if peers.find(db, host) is None:
                    raise Failed(f"Nothing is known of {host}.", NOT_FOUND)
                return queues.unpark(db, host)

            again = database.write(work)
            click.echo(f"{host} is tried again; {again} given-up deliveries go with it.", err=True)
        with database.reading() as db:
            known = peers.find(db, host)
            actors = db.scalar(select(func.count()).select_from(Actor).where(Actor.domain == host)) or 0
            if known is None and not actors:
                raise Failed(f"Nothing is known of {host}.", NOT_FOUND)
            found = describe(db, host, known) | {"actors": actors}
    if as_json:
        show(found)
        return
    for name, value in found.items():
        if value not in (None, ""):
            click.echo(f"{name.replace('_', ' '):<16} {value}")


def describe(db: Session, host: str, known: Peer | None) -> dict[str, object]:
    """Everything an administrator may want to know, in the order he wants to know it."""
    alive, dead = Delivery.dead_at.is_(None), Delivery.dead_at.is_not(None)
    count = select(func.count()).select_from(Delivery).where(Delivery.host == host)
    rule = domains.rule_for(db, host)
    found: dict[str, object] = {
        "host": host,
        "rule": rule.value if rule else "",
        "waiting": db.scalar(count.where(alive)) or 0,
        "given_up": db.scalar(count.where(dead)) or 0,
    }
    if known is None:
        return found | {"state": "never delivered to"}
    return found | {
        "state": peers.state(known),
        "software": f"{known.software} {known.software_version}".strip(),
        "signature": known.scheme or "cavage",
        "failures": known.failures,
        "failing_days": known.failing_days,
        "last_error": known.last_error,
        "last_failure": known.last_failure_at,
        "last_success": known.last_success_at,
        "last_heard": known.last_seen_at,
        "held_until": known.open_until,
        "parked_since": known.parked_at,
        "clock_skew_s": known.clock_skew,
    }
