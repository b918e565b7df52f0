"""`ask.test` as it was when the recordings were made: the people, communities, posts and follows they speak of."""

import json
import re
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sqlalchemy.orm import Session

from models import accounts, actors, communities, composing, follows, posts, threads
from models.actors import Actor, ActorType
from models.database import node_of
from models.follows import Follow, FollowState
from models.polls import PollDraft
from models.posts import Draft
from tests.fediverse.recordings import Origins, Recording

QUESTION = "Hvem har fået jura til at sige ja til adopter-en-brandhane?"


@dataclass(frozen=True)
class Ours:
    """One post of ours: a question in a community, a reply to the post `below`, or a poll; by Lene."""

    below: str = ""
    community: str = "spoerg"
    poll: bool = False


OUR_POSTS: dict[str, dict[int, Ours]] = {
    "epicyon-1.7.0": {274: Ours()},
    "fedify-2.3.6": {250: Ours()},
    "gotosocial-0.20.0-rc1": {
        110: Ours(),
        111: Ours(below="https://gts.test/users/anna/statuses/01M83TVSEGYE1WQ5E5V76RM33G"),
        112: Ours(poll=True),
        116: Ours(),
    },
    "microblog.pub-2.0.0": {210: Ours(), 216: Ours()},
    "nodebb-4.15.1": {
        150: Ours(),
        151: Ours(below="https://nodebb.test/post/2"),
        154: Ours(community="https://nodebb.test/category/5"),
    },
    "piefed-1.6.6": {
        121: Ours(below="https://piefed.test/c/sporg/p/2/hvordan-far-i-jura-med"),
        124: Ours(community="https://piefed.test/c/sporg"),
        130: Ours(),
        135: Ours(below="https://piefed.test/c/spoerg/p/12/hvordan-far-i-jura-med"),
    },
    "snac2-2.94": {
        170: Ours(),
        171: Ours(below="https://snac.test/anna/p/1795425613.958067"),
        172: Ours(poll=True),
        177: Ours(),
    },
    "takahe-0.11.0": {
        190: Ours(),
        191: Ours(below="https://takahe.test/@tea@takahe.test/posts/647622910852620768/"),
        192: Ours(poll=True),
    },
    "wordpress-activitypub-4.0.0": {230: Ours(), 231: Ours(below="https://wp.test/?p=12")},
}


def settle(db: Session) -> None:
    """Lene and Omar, two communities, and the node's own actor."""
    actors.create_local(db, node_of(db).domain, ActorType.APPLICATION)
    people = [
        accounts.create(db, username=name, email=f"{name}@example.dk", password="torvet-er-aabent").id
        for name in ("lene", "omar")
    ]
    assert len(people) == 2
    lene = actors.by_handle(db, "lene")
    communities.create(db, "spoerg", "Spørg netværket", creator=lene, ways=communities.Ways(allows_down=True))
    communities.create(db, "nabo", "Nabogruppen", creator=lene)


def prepare(db: Session, recording: Recording, origin: str) -> None:
    """Whatever of ours a recording speaks of is there before it comes."""
    text = json.dumps(recording.content).replace("\\\\/", "/").replace("\\/", "/")
    target = recording.request["target"] if recording.request else ""
    numbers = {int(number) for number in re.findall(rf"{re.escape(origin)}/p/(\d+)", text)}
    numbers |= {int(number) for number in re.findall(r"^/p/(\d+)", target)}
    for number in sorted(numbers):
        ours = OUR_POSTS[recording.folder].get(number)
        if ours is not None and posts.by_uri(db, f"{origin}/p/{number}") is None:
            _write(db, number, ours)
    if recording.is_post and recording.body["type"] in ("Accept", "Reject"):
        _ask(db, recording.body, origin)


def _write(db: Session, number: int, ours: Ours) -> None:
    lene = actors.by_handle(db, "lene")
    assert lene is not None
    with patch.object(composing, "new_id", lambda at=None: number):
        if ours.below:
            parent = posts.by_uri(db, ours.below)
            assert parent is not None, f"{ours.below} has to come before our reply to it"
            threads.reply(db, lene, parent, Draft("Kan du dele selve aftaleteksten?"))
        elif ours.poll:
            days = PollDraft(("Mandag", "Tirsdag"), 86_400)
            composing.note(db, lene, Draft("Hvornår mødes vi?", poll=days))
        else:
            group = actors.find(db, ours.community)
            assert group is not None, ours.community
            threads.ask(db, lene, group, Draft("Vi vil lade borgere adoptere brandhaner.", QUESTION))


def _ask(db: Session, answer: dict[str, Any], origin: str) -> None:
    """Our Follow that is answered, under the id it had then."""
    asked = answer["object"]
    if isinstance(asked, str):
        asked = {"id": asked, "actor": f"{origin}/u/lene"}
    follower_uri = asked["actor"] if isinstance(asked["actor"], str) else asked["actor"]["id"]
    follower, target = actors.by_uri(db, follower_uri), actors.by_uri(db, answer["actor"])
    if follower is None or target is None:
        return
    row: Follow = follows.request(db, follower, target)
    row.uri, row.state = asked["id"], FollowState.PENDING
    db.flush()


def lets_follow(db: Session, follower: str, target: Actor) -> None:
    """An accepted follow of ours that the recordings do not show."""
    ours = actors.by_handle(db, follower)
    assert ours is not None
    follows.request(db, ours, target).state = FollowState.ACCEPTED
    db.flush()


def ask_test_exists(origins: Origins) -> None:
    """For the third server: `ask.test` is one of the others, and nobody recorded its documents."""
    uri = "https://ask.test/u/lene"
    origins.actor(
        {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": uri,
            "type": "Person",
            "preferredUsername": "lene",
            "inbox": f"{uri}/inbox",
            "followers": f"{uri}/followers",
        }
    )
