"""Starting the programs that read strangers' files: confined, watched, and ended with all they started."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
MAX_SAID = 1_000_000
"""Most bytes of a program's answer that are read."""


@dataclass(frozen=True)
class Bounds:
    """What a program may use: seconds of the clock and of a processor, bytes of memory and of a file."""

    seconds: float
    cpu: int
    memory: int
    file_bytes: int


class Failed(Exception):
    """The program did not do it. The text is for the log: it may hold what a stranger wrote."""


async def run(program: Sequence[str], bounds: Bounds, given: bytes = b"") -> bytes:
    """Run a program (its whole path, and its arguments) to its end; what it said. `given` is what it reads. Raises Failed."""
    confined = [str(bounds.cpu), str(bounds.memory), str(bounds.file_bytes)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-S", "-E", str(HERE / "confined.py"), *confined, *program,
        stdin=asyncio.subprocess.PIPE if given else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(bounds.seconds):
            _, said = await asyncio.gather(_give(process, given), _read(process.stdout))
            code = await process.wait()
    except TimeoutError:
        raise Failed(f"not done in {bounds.seconds:g} s") from None
    finally:
        await _end(process)
    if code != 0:
        raise Failed(f"ended with {code}")
    return said


async def _give(process: asyncio.subprocess.Process, given: bytes) -> None:
    if process.stdin is None:
        return
    with suppress(ConnectionError):  # it has ended, or wants no more; how it ended says whether that was right
        process.stdin.write(given)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


async def _read(stream: asyncio.StreamReader) -> bytes:
    said = b""
    while block := await stream.read(65_536):
        said += block
        if len(said) > MAX_SAID:
            raise Failed("said too much")
    return said


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it with everything it started, if it still runs."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
