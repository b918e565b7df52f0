"""What the documents say is what the code does."""

import json
import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import click
import yaml

from federation.handlers import HANDLERS
from server.cli import COMMANDS, main
from server.settings import documented
from server.version import VERSION

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


def test_publiccode_says_what_its_standard_demands_in_both_languages() -> None:
    said = yaml.safe_load((ROOT / "publiccode.yml").read_text())
    demanded = {"publiccodeYmlVersion", "name", "url", "platforms", "categories", "developmentStatus", "softwareType"}
    assert demanded | {"releaseDate", "description", "legal", "maintenance", "localisation"} <= set(said)
    assert said["legal"]["license"] == "EUPL-1.2"
    address = urlsplit(said["url"])
    assert address.scheme == "https"
    assert address.hostname
    assert not address.hostname.endswith((".example", "example.org", "example.com", "localhost"))  # that somebody has
    assert said["maintenance"]["contacts"][0]["name"]
    assert set(said["description"]) == set(said["localisation"]["availableLanguages"]) == {"da", "en"}
    for text in said["description"].values():
        assert 0 < len(text["shortDescription"]) <= 150
        assert 150 <= len(text["longDescription"]) <= 10_000
        assert len(text["genericName"]) <= 35
        assert all(0 < len(feature) <= 100 for feature in text["features"])


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "EUROPEAN UNION PUBLIC LICENCE v. 1.2" in text
    assert "Appendix" in text


def test_lock_files_name_packages_versions_and_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        for line in (ROOT / name).read_text().splitlines():
            assert re.fullmatch(r"[\w.\[\],-]+==\S+( ;.*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|#.*|", line), line


def test_only_the_client_and_its_wire_import_httpx() -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in ("models", "federation", "server")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(import|from) httpx\b", path.read_text(), re.M)
    ]
    assert sorted(found) == ["federation/client.py", "federation/wire.py"]


def test_every_setting_is_documented_with_its_default_and_no_other() -> None:
    text = (ROOT / "deploy" / "README.md").read_text().split("## Settings")[1]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    expected = []
    for name, (meaning, default) in documented().items():
        shown = json.dumps(list(default) if isinstance(default, tuple) else default, ensure_ascii=False)
        expected.append(f"| `{name}` | `{shown}` | {meaning} |")
    assert rows == expected


def test_every_command_exists_and_says_what_it_does() -> None:
    for name, (_, line) in COMMANDS.items():
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert command.help, name
        assert line.endswith("."), name


def test_the_guide_speaks_only_of_commands_that_exist() -> None:
    spoken = set()
    for document in ("deploy/README.md", "README.md", "CHANGELOG.md"):
        spoken |= set(re.findall(r"(?:^|`|&& )torv ([a-z]+)", (ROOT / document).read_text(), re.M))
    assert spoken <= set(COMMANDS)


def test_the_program_knows_its_version() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
