"""Addresses here of files elsewhere: readers' browsers ask only us, and other servers do not learn who reads what.

`https://a.example/media/remote/p-17a3c-0-9f86d081884c.<signature>`: which file of which post or actor, and the start of
the hash of its address, so that a changed file is a new address. Nobody but the node can make one, so nobody makes it
fetch what it would not show.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from models import actor_keys, actors, domains
from models.actors import Actor
from models.database import node_of
from models.errors import Forbidden, NotFound
from models.posts import Post

TOKEN = re.compile(r"([pihv])-([0-9a-f]{1,16})-(\d{1,2})-([0-9a-f]{12})\.([A-Za-z0-9_-]{22})")
POST, ICON, IMAGE, STILL = "p", "i", "h", "v"
"""A file of a post; an actor's picture; the picture above its profile; the picture that stands for a film or sound."""

_keys: "WeakKeyDictionary[Any, bytes]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Links:
    """Makes the addresses of one node."""

    origin: str
    key: bytes

    def attachment(self, post: Post, number: int, url: str) -> str:
        """Where a file of a post is read here; files of this node are read at their own address."""
        return url if post.local or not _fetchable(url) else self._link(POST, post.id, number, url)

    def still(self, post: Post, number: int, one: dict[str, Any]) -> str:
        """Where the picture that its author chose for a film or sound is read here; empty if there is none."""
        if post.local:
            return str(one.get("preview_url", ""))
        url = str(one.get("icon_url", ""))
        return self._link(STILL, post.id, number, url) if _fetchable(url) else ""

    def icon(self, actor: Actor) -> str:
        """Where an actor's picture is read here; empty if it has none."""
        return self._picture(ICON, actor, actor.icon_url)

    def image(self, actor: Actor) -> str:
        """Where the picture above its profile is read here; empty if it has none."""
        return self._picture(IMAGE, actor, actor.image_url)

    def _picture(self, kind: str, actor: Actor, url: str) -> str:
        if actor.local:
            return url
        return self._link(kind, actor.id, 0, url) if _fetchable(url) else ""

    def _link(self, kind: str, id: int, number: int, url: str) -> str:
        named = f"{kind}-{id:x}-{number}-{_digest(url)}"
        return f"{self.origin}/media/remote/{named}.{self.sign(named)}"

    def sign(self, named: str) -> str:
        """The proof that we made an address."""
        return urlsafe_b64encode(hmac.digest(self.key, named.encode(), "sha256")[:16]).decode().rstrip("=")


def links(db: Session) -> Links:
    """The maker of addresses; its key comes from the node's own, and stays in memory."""
    bind = db.get_bind().engine
    key = _keys.get(bind)
    if key is None:
        _, pem = actor_keys.private_key(db, actors.node_actor(db).id)
        key = _keys[bind] = hashlib.sha256(b"addresses of remote files\n" + pem.encode()).digest()
    return Links(node_of(db).origin, key)


def resolve(db: Session, token: str) -> str:
    """The address elsewhere that a token of ours stands for.

    Raises Forbidden for what we did not make, NotFound for what is no longer shown or whose server is blocked.
    """
    parsed = TOKEN.fullmatch(token)
    if parsed is None or not hmac.compare_digest(links(db).sign(token.rpartition(".")[0]), parsed[5]):
        raise Forbidden("This address was not made here.", code="link_false")
    kind, id, number = parsed[1], int(parsed[2], 16), int(parsed[3])
    url = _url(db, kind, id, number) if id < 2**63 else ""
    if not url or _digest(url) != parsed[4] or domains.is_blocked(db, url.split("/")[2]):
        raise NotFound("There is no such file.")
    return url


def _url(db: Session, kind: str, id: int, number: int) -> str:
    if kind in {POST, STILL}:
        post = db.get(Post, id)
        files = (post.attachments or []) if post is not None and post.deleted_at is None else []
        return str(files[number].get("icon_url" if kind == STILL else "url", "")) if number < len(files) else ""
    actor = db.get(Actor, id)
    if actor is None or not actor.active:
        return ""
    return actor.icon_url if kind == ICON else actor.image_url


def _fetchable(url: str) -> bool:
    return url.startswith("https://")


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:12]
