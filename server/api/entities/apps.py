"""Apps as they read of themselves."""

import msgspec


class Application(msgspec.Struct, kw_only=True):
    """Mastodon's Application: a registered app."""

    id: str
    name: str
    website: str | None
    scopes: list[str]
    redirect_uris: list[str]
    redirect_uri: str
    """The same, one a line, as it was before there was a list."""
    vapid_key: str


class CredentialApplication(Application, kw_only=True):
    """Mastodon's CredentialApplication: what an app hears once, when it is registered."""

    client_id: str
    client_secret: str
    client_secret_expires_at: int = 0
    """Never."""
