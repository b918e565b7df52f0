"""What the documents say is what the code does."""

import re
import tomllib
from pathlib import Path

from federation.handlers import HANDLERS

ROOT = Path(__file__).parent.parent


def test_every_activity_that_is_handled_is_documented_and_no_other() -> None:
    text = (ROOT / "FEDERATION.md").read_text().split("## Activities")[1].split("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert documented == set(HANDLERS)


def test_the_readme_names_every_package() -> None:
    text = (ROOT / "README.md").read_text()
    for package in ("models", "federation", "server", "tests", "deploy"):
        assert f"| `{package}/" in text


def test_publiccode_and_changelog_speak_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"softwareVersion: {version}" in (ROOT / "publiccode.yml").read_text()
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "EUROPEAN UNION PUBLIC LICENCE v. 1.2" in text
    assert "Appendix" in text


def test_lock_files_name_packages_versions_and_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        for line in (ROOT / name).read_text().splitlines():
            assert re.fullmatch(r"[\w.\[\],-]+==\S+( ;.*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|#.*|", line), line


def test_only_the_client_imports_httpx() -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in ("models", "federation", "server")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(import|from) httpx\b", path.read_text(), re.M)
    ]
    assert set(found) <= {"federation/client.py", "federation/transports.py"}, found
