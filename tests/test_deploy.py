"""The files in `deploy/` are what their programs take."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from server.settings import documented
from tests.missing import missing

DEPLOY = Path(__file__).parent.parent / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())


def program(name: str) -> str:
    """Where it is."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        missing(f"{name} is not installed")
    return found


def run(*command: str, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **how)  # type: ignore[call-overload, no-any-return]


def test_hadolint_has_nothing_to_say_about_the_container_file() -> None:
    done = run(program("hadolint"), str(DEPLOY / "Dockerfile"))
    assert done.returncode == 0, done.stdout


def test_the_container_file_copies_what_is_there() -> None:
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        if (found := re.match(r"COPY (?!--from)(.+) \S+$", line)) is not None:
            for source in found[1].split():
                assert (DEPLOY.parent / source).exists(), line


def test_the_compose_file_is_whole() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert set(compose) == {"services", "volumes"}
    for name, service in compose["services"].items():
        assert "image" in service, name
        assert service["restart"] == "unless-stopped"
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in compose["volumes"]
        for other in service.get("depends_on", ()):
            assert other in compose["services"]
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


@pytest.mark.parametrize("name", ["compose.yaml", "Dockerfile", "systemd/torv.service", "systemd/torv-worker.service"])
def test_only_settings_that_exist_are_set(name: str) -> None:
    ours = {"TORV_CONFIG", "TORV_NAME"}  # the settings file, and the name that the compose file hands to its front
    set_there = set(re.findall(r"TORV_[A-Z_]+", (DEPLOY / name).read_text())) - ours
    assert {found.removeprefix("TORV_").lower() for found in set_there} <= set(documented())


@pytest.mark.parametrize("unit", UNITS, ids=lambda file: file.name)
def test_systemd_takes_the_unit(unit: Path) -> None:
    done = run(program("systemd-analyze"), "verify", "--man=no", str(unit))
    said = [line for line in done.stderr.splitlines() if unit.name in line and "is not executable" not in line]
    assert said == []


def test_the_guide_copies_only_files_that_are_there() -> None:
    named = set(re.findall(r"deploy/((?:systemd/)?[\w.*-]+\.(?:service|conf|\*))", (DEPLOY / "README.md").read_text()))
    assert len(named) >= 4
    for name in named:
        assert list(DEPLOY.glob(name)), name


@pytest.mark.parametrize("name", ["torv.service", "torv-worker.service"])
def test_the_services_are_locked_in(name: str) -> None:
    unit = (DEPLOY / "systemd" / name).read_text()
    for line in ("User=torv", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "UMask=0077"):
        assert f"\n{line}\n" in unit


def test_caddy_takes_its_file() -> None:
    done = run(program("caddy"), "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile"))
    assert done.returncode == 0, done.stderr
