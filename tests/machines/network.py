"""Machines on one: each a network namespace with an address of its own, on a switch that can pull any of their cables.

with Network() as network:
    web = network.machine("web")
    process = web.start(["python", "-m", "http.server"], log, environ, folder)
    web.cut(); web.join()

Nothing of it touches the networks of the machine the tests run on, but for one cable by which the test itself takes
part, at `network.here`.
"""

import os
import random
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from tests.fediverse.processes import Process
from tests.missing import missing


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=20, check=False)
    if done.returncode:
        raise NetworkError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class NetworkError(Exception):
    """The network cannot be made here."""


def _cannot(why: str) -> NoReturn:
    missing(f"network namespaces cannot be made: {why}")


@dataclass
class Machine:
    """One machine. Its processes run in its network and see no other."""

    name: str
    namespace: str
    address: str
    switch: str
    port: str

    @property
    def within(self) -> list[str]:
        """What a command begins with to run there."""
        return ["ip", "netns", "exec", self.namespace]

    def start(self, command: Sequence[str], log: Path, environ: Mapping[str, str], folder: Path) -> Process:
        """Start a program there."""
        folder.mkdir(parents=True, exist_ok=True)
        return Process([*self.within, *command], log, environ, folder)

    def cut(self) -> None:
        """Pull its cable."""
        _ip("-n", self.switch, "link", "set", self.port, "down")

    def join(self) -> None:
        """Put it back."""
        _ip("-n", self.switch, "link", "set", self.port, "up")


class Network:
    """A switch and what is plugged into it. Gone afterwards, whatever happened."""

    def __init__(self) -> None:
        self._tag = secrets.token_hex(2)
        self.prefix = f"10.{random.randint(200, 250)}.{random.randint(1, 254)}"
        self.here = f"{self.prefix}.1"
        self._switch = f"torv-{self._tag}-switch"
        self._made: list[str] = []
        self._machines = 0

    @property
    def range(self) -> str:
        """All its addresses: `10.a.b.0/24`."""
        return f"{self.prefix}.0/24"

    def __enter__(self) -> "Network":
        if shutil.which("ip") is None:
            _cannot("iproute2 is not installed")
        if os.geteuid() != 0:
            _cannot("that needs root")
        try:
            self._namespace(self._switch)
            _ip("-n", self._switch, "link", "add", "switch", "type", "bridge")
            _ip("-n", self._switch, "link", "set", "switch", "up")
            cable = f"tv{self._tag}"
            _ip("link", "add", cable, "type", "veth", "peer", "name", "world", "netns", self._switch)
            self._plug("world")
            _ip("address", "add", f"{self.here}/24", "dev", cable)
            _ip("link", "set", cable, "up")
        except NetworkError as error:
            self.close()
            _cannot(str(error))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _namespace(self, name: str) -> None:
        _ip("netns", "add", name)
        self._made.append(name)
        _ip("-n", name, "link", "set", "lo", "up")

    def _plug(self, port: str) -> None:
        _ip("-n", self._switch, "link", "set", port, "master", "switch")
        _ip("-n", self._switch, "link", "set", port, "up")

    def machine(self, name: str) -> Machine:
        """A new machine, plugged in."""
        self._machines += 1
        namespace, port = f"torv-{self._tag}-{name}", f"port{self._machines}"
        address = f"{self.prefix}.{10 + self._machines}"
        self._namespace(namespace)
        _ip("-n", namespace, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", self._switch)
        self._plug(port)
        _ip("-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        return Machine(name, namespace, address, self._switch, port)

    def close(self) -> None:
        """Take it all away; with a namespace go its ends of the cables."""
        for name in reversed(self._made):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=20, check=False)
        self._made.clear()
