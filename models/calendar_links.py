"""The private address of somebody's own calendar: whoever has it reads which meetings he goes to, and nothing else.

`17a3c-2.9f86d081884c7d659a2fea`: whose, the how-manieth, and the proof that we made it. Calendar programs sign in
nowhere, so the address is the secret; a new one ends the old.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from sqlalchemy.orm import Session

from models import actor_keys, actors
from models.accounts import Account
from models.actors import Actor
from models.errors import NotFound

TOKEN = re.compile(r"([0-9a-f]{1,16})-([0-9]{1,9})\.([A-Za-z0-9_-]{22})")


def token(db: Session, account: Account) -> str:
    """The address' last part, as it is now."""
    named = f"{account.id:x}-{_number(account)}"
    return f"{named}.{_sign(db, named)}"


def renew(db: Session, account: Account) -> None:
    """From now on another address: the one before leads nowhere."""
    account.settings = {**(account.settings or {}), "calendar": _number(account) + 1}
    db.flush()


def behind(db: Session, given: str) -> Actor:
    """Whose calendar an address is. Raises NotFound for what was never one, and is one no longer."""
    found = TOKEN.fullmatch(given)
    if found is None or not hmac.compare_digest(_sign(db, f"{found[1]}-{found[2]}"), found[3]):
        raise NotFound("There is no such calendar.")
    account = db.get(Account, int(found[1], 16))
    if account is None or _number(account) != int(found[2]) or account.waits_for:
        raise NotFound("There is no such calendar.")
    actor = actors.get(db, account.id)
    if not actor.active:
        raise NotFound("There is no such calendar.")
    return actor


def _number(account: Account) -> int:
    return int((account.settings or {}).get("calendar", 0))


def _sign(db: Session, named: str) -> str:
    _, pem = actor_keys.private_key(db, actors.node_actor(db).id)
    key = hashlib.sha256(b"addresses of calendars\n" + pem.encode()).digest()
    return urlsafe_b64encode(hmac.digest(key, named.encode(), "sha256")[:16]).decode().rstrip("=")
