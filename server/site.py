"""Who the node says it is, at hand for every page and call: looked up once in some seconds, whatever is asked."""

import hashlib
import time

from sqlalchemy.orm import Session

from federation.crossing import reading
from models import identity, registrations
from models.database import Database
from models.identity import Identity
from models.registrations import Mode, Policy
from server import mail
from server.media.links import Links, links
from server.settings import Settings

SECONDS = 5.0
"""For how long a process may show what another process has changed."""


class Site:
    """The node's identity as this process knows it."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._defaults = defaults(settings)
        self._until = 0.0
        self.known = self._defaults
        """What was found last; for the page of an error, which must not ask the database."""
        self.policy = policy_defaults(settings)
        """Who may make an account, as it was found last."""
        self._policy_defaults = self.policy
        self.links: Links | None = None
        """The maker of addresses of other servers' pictures; None before anything was looked up."""

    async def current(self) -> Identity:
        """What holds now, at most `SECONDS` old."""
        if time.monotonic() >= self._until:
            self.known, self.policy, self.links = await reading(
                self._database, lambda db: (self.look(db), self.look_at_policy(db), links(db))
            )
            self._until = time.monotonic() + SECONDS
        return self.known

    def look(self, db: Session) -> Identity:
        """What holds in this transaction."""
        return identity.of(db, self._defaults)

    def look_at_policy(self, db: Session) -> Policy:
        """Who may make an account in this transaction."""
        return registrations.of(db, self._policy_defaults)

    def forget(self) -> None:
        """Look anew for the next page: something was changed."""
        self._until = 0.0


def defaults(settings: Settings) -> Identity:
    """What holds while no administrator has chosen anything on the pages."""
    return Identity(
        name=settings.node_name, description=settings.node_description, contact_email=settings.contact_email
    )


def policy_defaults(settings: Settings) -> Policy:
    """Who may make an account while no administrator has chosen it on the pages."""
    return Policy(
        Mode(settings.registrations),
        settings.registration_domains,
        members_invite=False,
        by_mail=mail.is_set_up(settings),
    )


def style_version(site: Identity) -> str:
    """Changes with the colour: part of the style sheet's address."""
    return hashlib.sha256(site.accent.encode()).hexdigest()[:12]
