"""From a host name to the addresses that we may connect to.

Every address of a name is checked, and the connection then goes to a checked address and to nothing else: a name with
one public and one private address is refused, and a name that changes its mind between check and connection
(DNS rebinding, CVE-2024-39687) changes nothing.
"""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from federation import addresses, urls
from federation.fetch_errors import Refused, Unreachable

Resolver = Callable[[str], Awaitable[Sequence[str]]]


class SystemResolver:
    """The operating system's resolver, in threads of its own, with a short memory.

    Its own threads, because a lookup of a dead domain takes up to half a minute and cannot be cancelled: in the pool
    that the database work uses, a few dead domains would stop the node.
    """

    def __init__(self, *, threads: int = 32, keep: float = 60.0, keep_failure: float = 15.0, size: int = 4096) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="dns")
        self._keep, self._keep_failure, self._size = keep, keep_failure, size
        self._known: OrderedDict[str, tuple[float, tuple[str, ...]]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def __call__(self, host: str) -> Sequence[str]:
        """All addresses of the host, in the order to try them; none if there is no such host."""
        known = self._known.get(host)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = asyncio.create_task(self._ask(host))
        # Shielded: whoever runs out of time must not take the answer from the others who wait for it.
        return await asyncio.shield(task)

    async def _ask(self, host: str) -> tuple[str, ...]:
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, _getaddrinfo, host)
            self._known[host] = (time.monotonic() + (self._keep if found else self._keep_failure), found)
            self._known.move_to_end(host)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
            return found
        finally:
            self._asking.pop(host, None)

    def close(self) -> None:
        """Stop asking. Lookups under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _getaddrinfo(host: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def check_name(url: urls.Url, policy: addresses.Policy) -> None:
    """Raise Refused for what cannot be a public server by its port and name alone; asks no DNS."""
    if not policy.allows_port(url.port):
        raise Refused("port", f"port {url.port} is not opened for fetches")
    if url.is_address:
        if not policy.opens(addresses.read(url.host), url.port):
            raise Refused("address", f"{url.host} is a number, not a server's name")
        return
    try:
        urls.check_public_name(url)
    except urls.BadUrl as error:
        raise Refused(error.code, f"{url.host}: {error}") from error


async def checked_addresses(url: urls.Url, policy: addresses.Policy, resolver: Resolver) -> tuple[str, ...]:
    """The addresses to try for this URL, each allowed by the policy.

    Raises Refused, before any lookup for what `check_name` refuses, and if a single address of the name is not
    allowed; Unreachable if the name has no address.
    """
    check_name(url, policy)
    if url.is_address:
        return (str(addresses.read(url.host)),)
    found = await resolver(url.host)
    if not found:
        raise Unreachable("dns", f"{url.host} has no address")
    checked = []
    for text in found:
        try:
            address = addresses.read(text)
        except ValueError:
            raise Refused("address", f"{url.host} resolves to nonsense") from None
        if not policy.allows(address, url.port):
            raise Refused("address", f"{url.host} resolves to {address}, which is not public")
        checked.append(str(address))
    return tuple(dict.fromkeys(checked))
