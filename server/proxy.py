"""Behind a reverse proxy: whose word we take for the visitor's address.

`X-Forwarded-For` is written by whoever sends it, so it is read from the right, and only as long as the speaker is one
of the `trusted_proxies`. The first address that is not a trusted proxy is the visitor. Scheme and host are never taken
from a header: they come from the configured origin, so nobody can talk us into other links or another signed target.
"""

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

from server.settings import Settings

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

LONGEST_CHAIN = 16
"""Proxies behind one another that we follow; more is nonsense."""


class TrustedProxies:
    """ASGI middleware: puts the visitor's address in `scope["client"]` and the origin's scheme in `scope["scheme"]`.

    The outermost one, so that limits and logs see the visitor and not the proxy.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.networks = settings.proxy_networks
        self.scheme = settings.node.origin.split("://", 1)[0]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = dict(scope)
            scope["scheme"] = self.scheme
            if self.networks and scope.get("client"):
                said = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
                address = visitor(scope["client"][0], b",".join(said).decode("latin-1"), self.networks)
                scope["client"] = (address, scope["client"][1])
        await self.app(scope, receive, send)


def visitor(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """The visitor's address: `peer` spoke to us and said `forwarded_for`.

    `visitor("10.0.0.1", "6.6.6.6, 192.0.2.7", (10.0.0.0/8,))` is `192.0.2.7`: the proxy added it; what stands before
    is the visitor's own invention.
    """
    chain = [part.strip() for part in forwarded_for.split(",") if part.strip()][-LONGEST_CHAIN:]
    address = peer
    while chain and is_trusted(address, trusted):
        try:
            address = str(ipaddress.ip_address(chain[-1].strip("[]")))
        except ValueError:
            break
        chain.pop()
    return address


def is_trusted(address: str, trusted: Networks) -> bool:
    """Whether `address` lies in one of the `trusted` networks; IPv4 written as IPv6 counts as IPv4."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed.version == network.version and parsed in network for network in trusted)
