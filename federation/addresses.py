"""Which IP addresses belong to the public internet, by our own table.

`ipaddress.is_global` is no judge here: it calls `224.0.0.1`, `ff02::1`, `::127.0.0.1`, `64:ff9b::7f00:1`,
`2002:7f00:1::` and `fec0::1` global. A server that can make us fetch one of those can reach services that trust the
local network (CVE-2024-39687, CVE-2025-25194, CVE-2026-22245, CVE-2026-50131), so the table is a list of what is
allowed (IPv6) or of everything special in the IANA registries (IPv4).
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SPECIAL_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; 0.0.0.0 connects to the local machine
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments, among them Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: holds an IPv4 address of the sender's choice
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def read(text: str) -> Address:
    """The address that the operating system would connect to: IPv4 where it is mapped into IPv6. Raises ValueError."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """True only for addresses of the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in SPECIAL_V4)
    return address in PUBLIC_V6 and not any(address in network for network in SPECIAL_V6)


@dataclass(frozen=True, slots=True)
class Opening:
    """A network and a port that the operator opened for fetches. `port` None means every port."""

    network: Network
    port: int | None


def opening(entry: str) -> Opening:
    """Read one `fetch_allow` entry: `127.0.0.0/8` (port 443), `127.0.0.0/8:8443`, `[::1]/128:8443`, `10.1.2.3:*`.

    Raises ValueError with a text for the operator.
    """
    text = entry.strip()
    head, slash, tail = text.rpartition("/")
    if slash:
        prefix, colon, port = tail.partition(":")
        network = f"{head.strip('[]')}/{prefix}"
    elif text.startswith("["):
        head, _, tail = text[1:].partition("]")
        network, colon, port = head, tail[:1], tail[1:]
    elif text.count(":") > 1:
        network, colon, port = text, "", ""
    else:
        network, colon, port = text.partition(":")
    try:
        if colon and port != "*" and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(port)
        return Opening(ipaddress.ip_network(network), None if port == "*" else int(port or 443))
    except ValueError:
        raise ValueError(
            f"fetch_allow: {entry!r} is not a network with an optional port, as in 10.1.0.0/16:8443"
        ) from None


class Policy:
    """What may be connected to: public addresses at port 443, and what the operator opened besides."""

    def __init__(self, fetch_allow: Iterable[str] = ()) -> None:
        self.openings = tuple(opening(entry) for entry in fetch_allow)

    def allows_port(self, port: int) -> bool:
        """True if any address at all could be reached at this port; asked before DNS."""
        return port == 443 or any(opening.port in (port, None) for opening in self.openings)

    def allows(self, address: Address, port: int) -> bool:
        """True if this address may be connected to at this port."""
        if port == 443 and is_public(address):
            return True
        opened = any(address in each.network and each.port in (port, None) for each in self.openings)
        if opened and isinstance(address, ipaddress.IPv6Address) and address in NAT64:
            # Opened for a network with DNS64; what lies behind the gateway must still be public.
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        return opened

    def opens(self, address: Address, port: int) -> bool:
        """True if the operator named this address; only such may be used as a number instead of a name."""
        return any(address in each.network and each.port in (port, None) for each in self.openings)
