"""What an app may do for somebody: Mastodon's tree of scopes, and what each means in plain words.

A scope covers itself and what stands below it: `read` covers `read:accounts`, and `follow` the four it once stood for.
"""

from collections.abc import Iterable

READ = (
    *("accounts", "blocks", "bookmarks", "favourites", "filters", "follows", "lists", "mutes", "notifications"),
    *("search", "statuses"),
)
WRITE = (
    *("accounts", "blocks", "bookmarks", "conversations", "favourites", "filters", "follows", "lists", "media"),
    *("mutes", "notifications", "reports", "statuses"),
)
BELOW: dict[str, tuple[str, ...]] = {
    "read": tuple(f"read:{noun}" for noun in READ),
    "write": tuple(f"write:{noun}" for noun in WRITE),
    "follow": ("read:blocks", "write:blocks", "read:follows", "write:follows", "read:mutes", "write:mutes"),
    "profile": (),
    "push": (),
    "offline_access": (),
}
ALL: tuple[str, ...] = tuple(
    dict.fromkeys(one for top, below in BELOW.items() for one in (top, *(below if top != "follow" else ())))
)
"""Every scope an app can be given. Administration is done on the node's pages, so `admin:` scopes are not among them."""


def parse(text: str) -> list[str]:
    """The scopes named in a text, once each, in order."""
    return list(dict.fromkeys(text.replace("+", " ").split()))


def known(names: Iterable[str]) -> bool:
    """Whether all of these exist."""
    return all(name in ALL for name in names)


def minimal(granted: str) -> list[str]:
    """The scopes of a text without those that broader ones among them cover already, in the order of `ALL`."""
    names = parse(granted)
    broad = [name for name in names if BELOW.get(name)]
    return [
        name
        for name in ALL
        if name in names and not within([name], " ".join(other for other in broad if other != name))
    ]


def covers(granted: str, wanted: str) -> bool:
    """Whether one who holds the scopes `granted` (separated by spaces) may do what needs `wanted`.

    `wanted` may name several scopes of which one will do, separated by `|`.
    """
    held: set[str] = set()
    for name in parse(granted):
        held |= {name, *BELOW.get(name, ())}
    return any(one in held for one in wanted.split("|"))


def within(wanted: Iterable[str], granted: str) -> bool:
    """Whether each of `wanted` is covered by `granted`."""
    return all(covers(granted, name) or _by_parts(name, granted) for name in wanted)


def _by_parts(name: str, granted: str) -> bool:
    below = BELOW.get(name, ())
    return bool(below) and all(covers(granted, one) for one in below)
