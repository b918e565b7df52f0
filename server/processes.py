"""Several processes that answer at one address, and one that watches over them.

Each listens for itself (SO_REUSEPORT), so the kernel shares the visitors out. The watcher answers nobody: it starts
them, starts another when one ends by itself, and hands the signal to stop on to all.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType

import structlog

log = structlog.get_logger("torv.processes")

YOUNG = 5.0
"""Seconds in which a process that ends again counts as one that cannot start."""

TRIES = 5
"""So many of those in a row, and the node gives up: whoever started it has to hear of it."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def reserve(host: str, port: int) -> socket.socket:
    """Take an address for processes that will each listen at it. Raises OSError if somebody else has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without SO_REUSEPORT, else another node of the same user would share the address unnoticed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        port = probe.getsockname()[1]
    return _bound(host, port)


def listen(reserved: socket.socket) -> socket.socket:
    """A listening socket of this process's own, at the address the watcher has taken."""
    host, port = reserved.getsockname()[:2]
    mine = _bound(host, port)
    mine.listen(2048)
    mine.setblocking(False)
    return mine


def _bound(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def watch(count: int, work: Callable[[int, int], None]) -> bool:
    """Run `work(number, lifeline)` in `count` processes until SIGTERM or SIGINT; False if they would not start.

    The file descriptor `lifeline` is at its end when the watcher is gone, whatever became of it. Call this before there
    are threads, an event loop or a database connection: a fork copies none of them well.
    """
    lifeline, held = os.pipe()
    crew = _Crew(work, lifeline, held)
    before = {number: signal.signal(number, crew.stop) for number in SIGNALS}
    try:
        for number in range(count):
            crew.start(number)
        return crew.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(lifeline)
        os.close(held)


class _Crew:
    def __init__(self, work: Callable[[int, int], None], lifeline: int, held: int) -> None:
        self.work, self.lifeline, self.held = work, lifeline, held
        self.running: dict[int, tuple[int, float]] = {}
        """Number and start by process id."""
        self.stopping = 0
        """How often we were asked to stop."""
        self.failed = 0

    def start(self, number: int) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # a signal in between would miss the new process
        try:
            if self.stopping:
                return
            pid = os.fork()
            if pid == 0:
                self._be(number)
            self.running[pid] = (number, time.monotonic())
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _be(self, number: int) -> None:
        code = 1
        try:
            os.close(self.held)
            for name in SIGNALS:
                signal.signal(name, signal.SIG_DFL)  # until its event loop listens there is nothing to finish
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            self.work(number, self.lifeline)
            code = 0
        except BaseException:
            log.exception("a process failed", number=number)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # what the watcher has open and registered is not this process's to clear up

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Ask all to stop; the second time nobody is asked."""
        self.stopping += 1
        for pid in self.running:
            os.kill(pid, signal.SIGTERM if self.stopping == 1 else signal.SIGKILL)

    def wait(self) -> bool:
        while self.running:
            pid, status = os.wait()
            number, since = self.running.pop(pid, (-1, 0.0))
            if number < 0 or self.stopping:
                continue
            log.error("a process ended", number=number, code=os.waitstatus_to_exitcode(status))
            self.failed = self.failed + 1 if time.monotonic() - since < YOUNG else 0
            if self.failed >= TRIES:
                self.stop(signal.SIGTERM, None)
            else:
                time.sleep(min(self.failed, 1))
                self.start(number)
        return self.failed < TRIES
