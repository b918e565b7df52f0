"""`torv init`, `demo`, `serve`, `worker` as real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests import world

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from server.cli import main; main(prog_name='torv')"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **more: str) -> dict[str, str]:
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TORV_DATA_DIR": str(folder / "data")}
    return own | {"TORV_ADMIN_PORT": "0"} | more


def torv(environ: Mapping[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *arguments]
    return subprocess.run(command, env=dict(environ), cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def get(url: str) -> tuple[int, dict[str, str], str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return (
                answer.status,
                {name.lower(): value for name, value in answer.headers.items()},
                answer.read().decode(),
            )
    except urllib.error.HTTPError as error:
        return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read().decode()


@pytest.fixture(scope="module")
def lived_in_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a node in ./data that holds the demo world."""
    folder = tmp_path_factory.mktemp("demo")
    done = torv(environment(folder), "demo", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def start(lived_in_folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `torv …` on that node; ended afterwards."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **more: str) -> subprocess.Popen[str]:
        environ = environment(lived_in_folder, **more)
        pipe = subprocess.PIPE
        command = [*PROGRAM, *arguments]
        process = subprocess.Popen(command, env=environ, cwd=lived_in_folder, stdout=pipe, stderr=pipe, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def until_it_answers(url: str, process: subprocess.Popen[str], seconds: float = 40) -> None:
    """Wait for the address to answer."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        assert process.poll() is None, process.communicate()[1]
        try:
            get(url)
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"{url} does not answer")


def test_a_fresh_node_is_made_once(tmp_path: Path) -> None:
    first = torv(environment(tmp_path), "init", "--json", cwd=tmp_path)
    again = torv(environment(tmp_path), "init", "--json", cwd=tmp_path)
    assert json.loads(first.stdout)["fresh"] is True
    assert json.loads(again.stdout)["fresh"] is False
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    assert (tmp_path / "data" / "torv.db").stat().st_mode & 0o077 == 0


def test_the_demo_is_refused_on_a_node_that_others_can_reach(tmp_path: Path) -> None:
    done = torv(environment(tmp_path, TORV_ORIGIN="https://torv.example.dk"), "demo", cwd=tmp_path)
    assert done.returncode == 4
    assert not (tmp_path / "data").exists()


def test_the_demo_is_built_once(lived_in_folder: Path) -> None:
    done = torv(environment(lived_in_folder), "demo", cwd=lived_in_folder)
    assert done.returncode == 0
    people = json.loads(torv(environment(lived_in_folder), "user", "list", "--json", cwd=lived_in_folder).stdout)
    assert len(people) == len(world.PEOPLE)


def test_a_node_serves_says_that_it_is_well_and_stops_when_asked(start: Callable[..., subprocess.Popen[str]]) -> None:
    port, admin = free_port(), free_port()
    process = start(
        "serve", TORV_LISTEN_PORT=str(port), TORV_ADMIN_PORT=str(admin), TORV_LOG_FORMAT="json",
        TORV_ORIGIN="http://localhost:8000",
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    until_it_answers(f"{base}/healthz", process)
    status, headers, body = get(f"{base}/readyz")
    assert (status, json.loads(body)["ready"]) == (200, True)
    assert headers["x-request-id"]
    figures = get(f"http://127.0.0.1:{admin}/metrics")[2]
    for expected in (
        'torv_queue_depth{queue="deliveries"} 0.0',
        'torv_dead_letters{queue="received"} 0.0',
        'torv_queue_oldest_seconds{queue="deliveries"} 0.0',
        'torv_peers{state="parked"} 0.0',
        "torv_database_up 1.0",
        'torv_http_requests_total{method="GET",page="healthz",status="200"}',
    ):
        assert expected in figures
    assert get(f"{base}/metrics")[0] != 200, "the figures are for the administrator only"
    process.send_signal(signal.SIGTERM)
    said, logged = process.communicate(timeout=40)
    assert process.returncode == 0
    assert f"birk / {world.PASSWORD}" in said
    assert f"anna / {world.PASSWORD}" in said
    assert "cannot reach this node" in said
    assert [json.loads(line)["event"] for line in logged.splitlines()][-1] == "stopped"


def processor_seconds(process: subprocess.Popen[str]) -> float:
    """What the process has used of the processor so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_second_start_takes_less_than_two_seconds(start: Callable[..., subprocess.Popen[str]]) -> None:
    """Counted in time on the processor, which other tests beside this one do not lengthen."""
    port = free_port()
    process = start("serve", TORV_LISTEN_PORT=str(port))
    until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
    assert processor_seconds(process) < 2


def test_a_taken_port_is_said(start: Callable[..., subprocess.Popen[str]]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start("serve", TORV_LISTEN_PORT=str(taken.getsockname()[1]))
        _, logged = process.communicate(timeout=40)
    assert process.returncode == 1
    assert "the port is taken" in logged


def children(process: subprocess.Popen[str]) -> set[int]:
    """The processes that answer for it."""
    return {int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}


def until(what: Callable[[], bool], seconds: float = 40) -> None:
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)


def answering(port: int, admin: int, process: subprocess.Popen[str]) -> None:
    """Wait until both processes answer for their own figures, and the node for both."""
    until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
    for number in range(2):
        until_it_answers(f"http://127.0.0.1:{admin + number}/metrics", process)


def two_free_ports() -> int:
    """The first of two ports in a row."""
    while True:
        first = free_port()
        with socket.socket() as second:
            try:
                second.bind(("127.0.0.1", first + 1))
            except OSError:
                continue
            return first


@pytest.mark.slow
def test_several_processes_answer_are_replaced_and_stop_together(start: Callable[..., subprocess.Popen[str]]) -> None:
    port, admin = free_port(), two_free_ports()
    process = start(
        "serve", "--processes", "2",
        TORV_LISTEN_PORT=str(port), TORV_ADMIN_PORT=str(admin), TORV_ORIGIN="http://localhost:8000",
    )  # fmt: skip
    answering(port, admin, process)
    first = children(process)
    assert len(first) == 2
    os.kill(min(first), signal.SIGKILL)
    until(lambda: len(children(process)) == 2 and children(process) != first)
    answering(port, admin, process)
    assert {get(f"http://127.0.0.1:{port}/healthz")[0] for _ in range(20)} == {200}
    process.send_signal(signal.SIGTERM)
    said, logged = process.communicate(timeout=40)
    assert process.returncode == 0
    assert said.count("cannot reach this node") >= 1
    assert "a process ended" in logged
    assert logged.count("stopped") == 2


@pytest.mark.slow
def test_processes_end_with_the_one_that_watches_over_them(start: Callable[..., subprocess.Popen[str]]) -> None:
    port, admin = free_port(), two_free_ports()
    process = start("serve", TORV_WEB_PROCESSES="2", TORV_LISTEN_PORT=str(port), TORV_ADMIN_PORT=str(admin))
    answering(port, admin, process)
    orphans = children(process)
    process.kill()
    process.communicate(timeout=40)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))


@pytest.mark.slow
def test_a_taken_port_is_said_by_several_processes_too(start: Callable[..., subprocess.Popen[str]]) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as another node of several processes holds it
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start("serve", "--processes", "2", TORV_LISTEN_PORT=str(taken.getsockname()[1]))
        _, logged = process.communicate(timeout=40)
    assert process.returncode == 1
    assert "the port is taken" in logged


def test_a_worker_runs_beside_and_stops_when_asked(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("worker", TORV_LOG_FORMAT="json")
    assert process.stderr is not None
    assert json.loads(process.stderr.readline())["event"] == "working"
    process.send_signal(signal.SIGTERM)
    _, logged = process.communicate(timeout=40)
    assert process.returncode == 0
    assert "stopped" in logged


def test_a_wrong_setting_stops_the_start_and_is_named(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("serve", TORV_LISTENPORT="1")
    _, said = process.communicate(timeout=40)
    assert process.returncode == 2
    assert "TORV_LISTENPORT" in said
