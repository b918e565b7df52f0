"""Packages from npm that tests are judged by: installed once for each lock file, into `.cache/`."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@cache
def install(judge: Path, name: str) -> tuple[Path, str]:
    """(where the packages of `judge` lie, why they do not: empty where they do)."""
    where = ROOT / ".cache" / name
    if shutil.which("node") is None or shutil.which("npm") is None:
        return where, "Node.js and npm are not installed"
    lock = (judge / "package-lock.json").read_text()
    done = where / "installed-lock.json"
    if done.exists() and done.read_text() == lock:
        return where, ""
    where.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copyfile(judge / file, where / file)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        ran = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=240, check=False)
    except subprocess.TimeoutExpired:
        return where, "npm did not finish within four minutes"
    if ran.returncode != 0:
        return where, f"npm could not install what {name} needs: {ran.stderr[-300:]}"
    done.write_text(lock)
    return where, ""
