"""Links with which somebody ends a kind of letter by one click, without signing in (RFC 8058).

`17a3c-digest.9f86d081884c7d659a2fea`: whose, which kind, and the proof that we made it. It holds as long as the letters
come, because a link in an old letter has to work too; all it can do is to end them.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from sqlalchemy.orm import Session

from models import actor_keys, actors, digests, notice_choices
from models.accounts import Account
from models.errors import NotFound

KINDS = ("digest", "notices")
TOKEN = re.compile(r"([0-9a-f]{1,16})-(digest|notices)\.([A-Za-z0-9_-]{22})")


def token(db: Session, account_id: int, kind: str) -> str:
    """The link's last part."""
    named = f"{account_id:x}-{kind}"
    return f"{named}.{_sign(db, named)}"


def look(db: Session, token: str) -> tuple[Account, str]:
    """Whose letters of which kind a link ends. Raises NotFound for what we have not made."""
    found = TOKEN.fullmatch(token)
    if found is None or not hmac.compare_digest(_sign(db, f"{found[1]}-{found[2]}"), found[3]):
        raise NotFound("This link is not whole. Copy all of it from the letter.", code="link_unknown")
    account = db.get(Account, int(found[1], 16))
    if account is None:
        raise NotFound("There is no such account.")
    return account, found[2]


def end(db: Session, token: str) -> tuple[Account, str]:
    """No more such letters. Twice is once. Raises NotFound."""
    account, kind = look(db, token)
    if kind == "digest":
        digests.choose(db, account.id, digests.Every.NEVER)
    else:
        notice_choices.no_mail(db, account)
    return account, kind


def _sign(db: Session, named: str) -> str:
    _, pem = actor_keys.private_key(db, actors.node_actor(db).id)
    key = hashlib.sha256(b"links that end letters\n" + pem.encode()).digest()
    return urlsafe_b64encode(hmac.digest(key, named.encode(), "sha256")[:16]).decode().rstrip("=")
