"""Starting and ending processes of ours, and waiting for what others are to do. Everything has an end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Process:
    """A process that we started, with its output in a file. Ended by its own id, never by name."""

    def __init__(self, command: Sequence[str], log: Path, environ: Mapping[str, str], folder: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command), stdout=output, stderr=output, env=dict(environ), cwd=folder, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self.running:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self._process.wait(timeout=10)

    def stop(self, seconds: float = 20.0) -> int:
        """Ask it to end and wait; its exit code. What does not end in time is killed."""
        self.send(signal.SIGTERM)
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end within {seconds:g} s\n{self.tail()}") from None

    def tail(self, size: int = 6000) -> str:
        """The end of what it wrote."""
        return self.log.read_bytes()[-size:].decode(errors="replace")


def until(what: str, found: Callable[[], T], *, seconds: float = 15.0, tell: Callable[[], str] | None = None) -> T:
    """Wait until `found` returns something true and return it; AssertionError with what was missing after `seconds`.

    `tell` says more when it did not come: queues, logs.
    """
    end = time.monotonic() + seconds
    wait = 0.02
    while True:
        if result := found():
            return result
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {seconds:g} s: {what}" + (f"\n{tell()}" if tell else ""))
        time.sleep(wait)
        wait = min(wait * 1.3, 0.2)
