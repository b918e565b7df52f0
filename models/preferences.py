"""What somebody chose for his posts: who may read them, whether they are sensitive, in which language they are."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy.orm import Session

from models import domains
from models.accounts import Account
from models.errors import Invalid
from models.posts import Visibility

QuotePolicy = Literal["public", "followers", "nobody"]
"""Who may quote a post that anybody may read; its author always may."""

QUOTE_POLICIES: tuple[QuotePolicy, ...] = get_args(QuotePolicy)
MOST_SITES = 100
CHOOSABLE = (Visibility.PUBLIC, Visibility.UNLISTED, Visibility.FOLLOWERS, Visibility.DIRECT)


@dataclass(frozen=True)
class Preferences:
    """What holds for a post whose writer says nothing else."""

    visibility: Visibility = Visibility.PUBLIC
    sensitive: bool = False
    language: str | None = None
    """Two or three letters; None: the language of the account's pages."""
    quote_policy: QuotePolicy = "public"
    attribution_domains: tuple[str, ...] = ()
    """Sites that may name the account as author of their pages. Kept for clients; nothing here acts on them."""


def of(account: Account) -> Preferences:
    """What an account has chosen; what it never chose is the default."""
    kept: dict[str, Any] = (account.settings or {}).get("posting", {})
    return Preferences(
        Visibility(kept.get("visibility", Visibility.PUBLIC)),
        bool(kept.get("sensitive", False)),
        kept.get("language"),
        kept.get("quote_policy", "public"),
        tuple(kept.get("attribution_domains", ())),
    )


def change(db: Session, account: Account, **chosen: Any) -> Preferences:
    """Choose anew; takes the names of `Preferences`. Raises Invalid."""
    if "visibility" in chosen and chosen["visibility"] not in CHOOSABLE:
        raise Invalid("Unknown visibility.", code="visibility_unknown")
    language = chosen.get("language")
    if language is not None and not (2 <= len(language) <= 10 and language.replace("-", "").isalnum()):
        raise Invalid("Unknown language.", code="language_unknown")
    if chosen.get("quote_policy", "public") not in QUOTE_POLICIES:
        raise Invalid("Unknown quote policy.", code="policy_unknown")
    if "attribution_domains" in chosen:
        names = dict.fromkeys(domains.canonical(name) for name in chosen["attribution_domains"] if name.strip())
        if len(names) > MOST_SITES:
            raise Invalid(f"At most {MOST_SITES} sites can be named.", code="too_many")
        chosen["attribution_domains"] = list(names)
    settings: dict[str, Any] = dict(account.settings or {})
    settings["posting"] = {**settings.get("posting", {}), **chosen}
    account.settings = settings
    db.flush()
    return of(account)
