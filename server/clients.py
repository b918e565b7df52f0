"""Who is at the other end of the wire: the address that limits and logs go by."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from starlette.requests import HTTPConnection

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def address(connection: HTTPConnection, proxies: Sequence[Network]) -> str:
    """The client's IP address."""
    peer = connection.client.host if connection.client else ""
    return behind(peer, connection.headers.getlist("x-forwarded-for"), proxies)


def behind(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Whose address it is that `peer` speaks for.

    `X-Forwarded-For` counts only when a trusted proxy wrote it: we walk it from the right and take the first address
    that is none of ours. Whatever stands left of that was written by the client himself and proves nothing.
    """
    known = tuple(proxies)
    if not _among(peer, known):
        return peer
    chain = ",".join(forwarded).split(",")
    for hop in reversed([hop.strip() for hop in chain if hop.strip()][-20:]):
        if _parsed(hop) is None:
            return peer
        if not _among(hop, known):
            return hop
        peer = hop
    return peer


@lru_cache(maxsize=1024)
def network(client: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 that an IPv6 customer has all to himself."""
    try:
        ip = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
    return str(ip)


@lru_cache(maxsize=10_000)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=10_000)
def _among(text: str, networks: tuple[Network, ...]) -> bool:
    ip = _parsed(text)
    if ip is None:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in each for each in networks)
