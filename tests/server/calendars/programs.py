"""Other people's calendar programs, which say what they understood of a file of ours."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests import npm
from tests.missing import missing

JUDGE = Path(__file__).parent / "judge"


def thunderbird(file: bytes) -> dict[str, Any]:
    """What ical.js, the parser of Thunderbird's calendar, reads, with the zones as the file itself describes them."""
    where, why = npm.install(JUDGE, "calendar-judge")
    if why:
        missing(why)
    ran = subprocess.run(["node", JUDGE / "judge.mjs", where], input=file, capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


def calcurse(file: bytes, folder: Path, *, begin: str, days: int, zone: str = "Europe/Copenhagen") -> list[list[str]]:
    """What stands in the calendar of calcurse after it took the file in: beginning, end and title, by its own clock."""
    program = shutil.which("calcurse")
    if program is None:
        missing("calcurse is not installed")
    (folder / "file.ics").write_bytes(file)
    home = {"TZ": zone, "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    command = [program, "-D", folder / "data", "-C", folder / "conf"]

    def run(*arguments: str | Path) -> str:
        ran = subprocess.run([*command, *arguments], env=home, capture_output=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr.decode() + ran.stdout.decode()
        return ran.stdout.decode()

    taken = run("-i", folder / "file.ics")
    assert " 0 skipped" in taken, taken
    form = r"%(start:%Y-%m-%d %H:%M)|%(end:%Y-%m-%d %H:%M)|%m\n"
    listed = run(
        "-Q", "--filter-type", "apt", "--input-datefmt", "4", "--from", begin, "--days", str(days), "--format-apt", form
    )
    return [line.split("|", 2) for line in listed.splitlines() if "|" in line]
