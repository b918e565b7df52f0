"""The keys of actors: both halves of those of this node, the public ones of others."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Text, bindparam, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, UtcTime, new_id, now, table_of
from models.errors import NotFound


class Key(Base):
    """A public key and whose it is; for local actors with the private half."""

    __tablename__ = "keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), index=True)
    public_pem: Mapped[str] = mapped_column(Text)
    private_pem: Mapped[str] = mapped_column(Text, default="")
    fetched_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def new_key_pair() -> tuple[str, str]:
    """A fresh RSA-2048 key as (private PEM, public PEM)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def private_key(db: Session, actor_id: int) -> tuple[str, str]:
    """(key id, private PEM) of a local actor; raises NotFound."""
    row = db.execute(_PRIVATE, {"actor": actor_id}).first()
    if row is None:
        raise NotFound("This actor has no private key here.")
    return row[0], row[1]


def public_key(db: Session, actor_id: int) -> str:
    """The PEM of a local actor's public key."""
    return db.scalars(_PUBLIC, {"actor": actor_id}).first() or ""


_keys = table_of(Key).c
_PRIVATE = select(_keys.uri, _keys.private_pem).where(_keys.actor_id == bindparam("actor"), _keys.private_pem != "")
_PUBLIC = select(_keys.public_pem).where(_keys.actor_id == bindparam("actor")).order_by(_keys.id)


def record_keys(db: Session, shown: Mapping[int, Sequence[tuple[str, str]]]) -> None:
    """Replace the keys of each of these remote actors by those its origin now shows.

    A key id that belongs to somebody else is left with him.
    """
    now_shown = {actor_id: dict(keys) for actor_id, keys in shown.items()}
    wanted = {uri for keys in now_shown.values() for uri in keys}
    taken = set()
    for key in db.scalars(select(Key).where(or_(Key.actor_id.in_(now_shown), Key.uri.in_(wanted)))).all():
        taken.add(key.uri)
        if key.actor_id not in now_shown:
            continue
        pem = now_shown[key.actor_id].get(key.uri)
        if pem is None:
            db.delete(key)
        else:
            key.public_pem, key.fetched_at = pem, now()
    for actor_id, keys in now_shown.items():
        for uri, pem in keys.items():
            if uri not in taken:
                taken.add(uri)
                db.add(Key(id=new_id(), uri=uri, actor_id=actor_id, public_pem=pem))
    db.flush()
