"""Streams of `torv serve` as real processes: across two of them, and when one is told to stop."""

import http.client
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlencode

import pytest

from models import accounts, oauth
from models.database import Database, Node
from tests.server.test_cli_serve import free_port, until_it_answers
from tests.server.test_cli_serve import lived_in_folder as lived_in_folder
from tests.server.test_cli_serve import start as start

HOST = "localhost:8000"
Start = Callable[..., "Popen[str]"]


@pytest.fixture
def token(lived_in_folder: Path) -> str:
    """A token for birk."""
    database = Database(f"sqlite:///{lived_in_folder}/data/torv.db", Node(f"http://{HOST}", HOST))
    made = database.write(
        lambda db: oauth.issue_for(db, accounts.by_username(db, "birk"), "read write", app_name="tests")
    )
    database.close()
    return made


@pytest.fixture
def listen(token: str) -> Iterator[Callable[[int], http.client.HTTPResponse]]:
    """Opens the home of birk as server-sent events at a port."""
    opened: list[http.client.HTTPConnection] = []

    def begin(port: int) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        opened.append(connection)
        headers = {"Host": HOST, "Authorization": f"Bearer {token}"}
        connection.request("GET", "/api/v1/streaming/user", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.readline() == b":)\n"
        return answer

    yield begin
    for connection in opened:
        connection.close()


def serve(start: Start, port: int, **more: str) -> "Popen[str]":
    process = start("serve", "--port", str(port), **more)
    until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
    return process


def write_post(port: int, token: str, text: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {
        "Host": HOST, "Authorization": f"Bearer {token}", "Content-Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    connection.request("POST", "/api/v1/statuses", urlencode({"status": text}), headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    connection.close()
    return str(json.loads(body)["id"])


def test_what_one_process_writes_the_other_tells_within_two_seconds(
    start: Start, token: str, listen: Callable[[int], http.client.HTTPResponse]
) -> None:
    one, other = free_port(), free_port()
    serve(start, one)
    serve(start, other, TORV_WORKERS_IN_SERVE="false")
    near, far = listen(one), listen(other)
    id = write_post(one, token, "Suppe på torsdag.")
    written = time.monotonic()
    for answer in (near, far):
        assert answer.readline() == b"event: update\n"
        assert f'"id":"{id}"'.encode() in answer.readline()
    assert time.monotonic() - written < 2


def test_a_stream_that_is_open_does_not_hold_up_the_end(
    start: Start, listen: Callable[[int], http.client.HTTPResponse]
) -> None:
    port = free_port()
    process = serve(start, port)
    answer = listen(port)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert answer.read() == b""
    assert process.wait(timeout=15) == 0
    assert time.monotonic() - began < 6
    assert "Traceback" not in process.communicate()[1]
