"""Logs: readable by machines, and without what nobody may read (T112)."""

import importlib
import io
import json
import logging
import time
from collections.abc import Iterator

import pytest
import structlog

from server import logs
from server.settings import Settings


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged meanwhile, as JSON."""
    root = logging.getLogger()
    before, level, configured = list(root.handlers), root.level, structlog.get_config()
    stream = io.StringIO()
    logs.set_up(Settings(log_format="json"), stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**configured)


SECRETS = [
    {"password": "hemmelig1"},
    {"access_token": "hemmelig1"},
    {"cookie": "hemmelig1"},
    {"private_pem": "hemmelig1"},
    {"header": "Bearer hemmelig1"},
    {"url": "https://x.example/cb?code=hemmelig1&x=1"},
    {"url": "postgresql://torv:hemmelig1@db/torv"},
    {"error": "-----BEGIN PRIVATE KEY-----\nhemmelig1\n-----END PRIVATE KEY-----"},
    {"error": ["-----BEGIN RSA PRIVATE KEY-----\nhemmelig1"]},
]


@pytest.mark.parametrize("values", SECRETS, ids=lambda values: next(iter(values)))
def test_secrets_are_blanked_whoever_logs_them(lines: io.StringIO, values: dict[str, object]) -> None:
    structlog.get_logger("a").info("said", **values)
    logging.getLogger("b").warning(
        "said %s", next(iter(values.values())) if "error" in values or "url" in values else "x"
    )
    assert "hemmelig1" not in lines.getvalue()
    assert len(lines.getvalue().splitlines()) == 2


def test_a_secret_in_an_exceptions_text_is_blanked(lines: io.StringIO) -> None:
    try:
        raise RuntimeError("could not reach postgresql://torv:hemmelig1@db/torv")
    except RuntimeError:
        structlog.get_logger("a").exception("broken")
    assert "RuntimeError" in lines.getvalue()
    assert "hemmelig1" not in lines.getvalue()


def _fail(password: str) -> None:
    held = dict.fromkeys(range(1000), password * 50)
    raise RuntimeError(f"there are {len(held)} things")


@pytest.mark.parametrize("ready", [True, False], ids=["set up", "before anybody set it up"])
def test_a_traceback_shows_no_values_of_variables_and_costs_next_to_nothing(
    lines: io.StringIO, capsys: pytest.CaptureFixture[str], *, ready: bool
) -> None:
    if ready:
        logs.set_up(Settings(log_format="text"), lines)
    else:
        importlib.reload(logs)
    started = time.process_time()
    for _ in range(10):
        try:
            _fail("hemmelig1")
        except RuntimeError as error:
            structlog.get_logger("a").error("broken", exc_info=error)
    took = time.process_time() - started
    written = lines.getvalue() + capsys.readouterr().out
    assert written.count("RuntimeError: there are 1000 things") == 10
    assert "hemmelig1hemmelig1" not in written
    assert took < 1


def test_what_is_bound_stands_on_every_line(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        logs.bind(actor="anna")
        structlog.get_logger("a").info("one")
        logging.getLogger("b").warning("two")
        structlog.contextvars.unbind_contextvars("actor")
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(line["request_id"], line["actor"], line["level"]) for line in found] == [
        ("r1", "anna", "info"),
        ("r1", "anna", "warning"),
    ]


@pytest.mark.anyio
async def test_a_request_is_one_line_without_its_query(lines: io.StringIO) -> None:
    async def app(_scope: object, _receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]

    async def nothing(*_: object) -> None:
        return None

    scope = {
        "type": "http", "method": "GET", "path": "/side", "query_string": b"token=hemmelig1", "headers": [],
        "client": ("192.0.2.1", 1),
    }  # fmt: skip
    await logs.RequestLog(app)(scope, nothing, nothing)  # type: ignore[arg-type]
    found = json.loads(lines.getvalue())
    assert (found["path"], found["status"], found["client"]) == ("/side", 204, "192.0.2.1")
    assert "hemmelig1" not in lines.getvalue()


def line_of(path: str, form: str, way: str, stream: io.StringIO) -> str:
    logs.set_up(Settings(log_format=form), stream)  # type: ignore[arg-type]
    if way == "prepared":
        logs.prepared("GET", path, 200)("192.0.2.1", 0.0123, "r1")
        return stream.getvalue()
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "client": ("192.0.2.1", 1)}
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        logs.log_answer(logging.INFO, scope, 200, 0.0123, [])
    return stream.getvalue()


PATHS = ["/u/anna", "/100%s%(ms)s", "/t/blåbær", '/a b"c', "/x=y'z", "/Bearer hemmelig1", "/token?token=hemmelig1"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("way", ["one by one", "prepared"])
def test_the_line_of_a_request_looks_like_all_others(lines: io.StringIO, path: str, form: str, way: str) -> None:
    own = line_of(path, form, way, io.StringIO())
    other = io.StringIO()
    logs.set_up(Settings(log_format=form), other)  # type: ignore[arg-type]
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("torv.request").info(
            "answered", method="GET", path=path, status=200, ms=12.3, client="192.0.2.1"
        )
    assert len(own.splitlines()) == len(other.getvalue().splitlines()) == 1
    if form == "json":
        mine, usual = json.loads(own), json.loads(other.getvalue())
        assert len(mine.pop("timestamp")) == len(usual.pop("timestamp"))
        assert mine == usual
    else:
        assert own.partition(" ")[2] == other.getvalue().partition(" ")[2]
    assert "hemmelig1" not in own


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b", "\x7f", "\x85", "\u2028", "\x00"])
@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("way", ["one by one", "prepared"])
def test_a_path_writes_no_line_of_its_own_and_steers_no_terminal(
    lines: io.StringIO, sign: str, form: str, way: str
) -> None:
    written = line_of(f"/a{sign}b", form, way, lines)
    assert written.count("\n") == 1
    assert sign == "\n" or (sign in "\x7f\x85\u2028" and form == "json") or sign not in written
