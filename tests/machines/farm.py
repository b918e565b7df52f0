"""Other servers, all in one process: actors whose keys can be had, and inboxes that keep count of what they got.

python -m tests.machines.farm ADDRESS PORT

    https://h7.farm.test/users/u7         an actor
    https://h7.farm.test/inbox            answers 202, after `delay` seconds
    /control                              GET: how often which host got which activity; POST: {"delay": 0.2, "forget": true}

It speaks HTTP in clear and stands behind TLS.
"""

import sys
from collections import Counter
from functools import cache
from typing import Any

import msgspec
import uvloop

from tests import keys
from tests.farm import ACTIVITY, JSON, actor_at, host, listen, web_finger


@cache
def _drawer() -> list[tuple[str, str]]:
    return keys.drawer()


def key_of(number: int) -> tuple[str, str]:
    """His key as (private, public): one of a drawer of few, the same in every process."""
    return _drawer()[number % keys.HOW_MANY]


def actor(number: int) -> dict[str, Any]:
    """His document."""
    uri = actor_at(number)
    return {
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": uri, "type": "Person", "preferredUsername": f"u{number}", "name": f"U{number}",
        "inbox": f"{uri}/inbox", "outbox": f"{uri}/outbox", "followers": f"{uri}/followers",
        "endpoints": {"sharedInbox": f"https://{host(number)}/inbox"},
        "publicKey": {"id": f"{uri}#main-key", "owner": uri, "publicKeyPem": key_of(number)[1]},
    }  # fmt: skip


class Farm:
    """What all servers together know."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.got: dict[str, Counter[str]] = {}

    def answer(self, method: bytes, host: str, target: str, body: bytes) -> tuple[int, str, Any, float]:
        """(status, type, JSON, seconds until it is sent)."""
        if target == "/control":
            if method == b"POST":
                wish = msgspec.json.decode(body)
                self.delay = wish.get("delay", self.delay)
                if wish.get("forget"):
                    self.got.clear()
            return 200, JSON, self.got, 0.0
        if method == b"POST":
            activity = msgspec.json.decode(body)
            self.got.setdefault(activity["id"], Counter())[host] += 1
            return 202, JSON, {}, self.delay
        name = target.rpartition("/")[2]
        if target.startswith("/users/u") and name[1:].isdigit():
            return 200, ACTIVITY, actor(int(name[1:])), 0.0
        if target.startswith("/.well-known/webfinger"):
            return *web_finger(host, target.partition("?")[2]), 0.0
        return 404, JSON, {}, 0.0


async def _run(address: str, port: int) -> None:
    farm = Farm()
    server = await listen(farm.answer, address, port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_run(sys.argv[1], int(sys.argv[2])))
