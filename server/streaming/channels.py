"""The channels a client can listen to, by Mastodon's names."""

from dataclasses import dataclass

from models import text
from models.errors import Invalid

PLAIN = frozenset(
    [
        "user", "user:notification", "public", "public:media", "public:local", "public:local:media", "public:remote",
        "public:remote:media", "direct",
    ]
)  # fmt: skip
TAGGED = frozenset(["hashtag", "hashtag:local"])
LIST = "list"


class UnknownChannel(Invalid):
    """There is no such channel, or its tag or list is missing (HTTP 400)."""

    status = 400


@dataclass(frozen=True)
class Channel:
    """One channel; `param` is the tag in one letter case, or the list's number."""

    name: str
    param: str | int = ""
    shown: str = ""
    """The tag as the client wrote it: it gets its messages under that."""

    @property
    def label(self) -> list[str]:
        """How messages on it are labelled."""
        return [self.name, self.shown] if self.shown else [self.name]

    @property
    def scope(self) -> str:
        """What a token has to cover."""
        return "read:notifications" if self.name == "user:notification" else "read:statuses"

    @property
    def local(self) -> bool | None:
        """True: only what was written here. False: only what came from elsewhere. None: both."""
        if ":local" in self.name:
            return True
        return False if ":remote" in self.name else None

    @property
    def media(self) -> bool:
        """Only posts with pictures, films or sounds."""
        return self.name.endswith(":media")


NOTICES_AT_HOME = Channel("user", "notifications")
"""The notices that come on `user`, for tokens that may read them."""


def channel(name: str, *, tag: str = "", list_id: str = "") -> Channel:
    """The channel of this name. Raises UnknownChannel."""
    if name in PLAIN:
        return Channel(name)
    if name in TAGGED:
        bare = tag.strip().lstrip("#")
        if not bare or len(bare) > 200:
            raise UnknownChannel("Missing tag name parameter")
        return Channel(name, text.tag_key(bare), tag)
    if name == LIST:
        if not (list_id.isascii() and list_id.isdigit() and len(list_id) < 20):
            raise UnknownChannel("Missing list name parameter")
        return Channel(name, int(list_id), list_id)
    raise UnknownChannel("Unknown stream type")
