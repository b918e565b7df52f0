"""Lists as Mastodon 4.5 documents them."""

from typing import Literal

import msgspec


class UserList(msgspec.Struct, kw_only=True):
    """Some of those somebody follows. `exclusive`: what they write is kept out of the home timeline."""

    id: str
    title: str
    replies_policy: Literal["followed", "list", "none"]
    exclusive: bool
