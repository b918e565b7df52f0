"""`torv serve` and `torv worker`: the node itself."""

import asyncio
import contextlib
import functools
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
import msgspec

from models import settings
from models.database import Database
from server.cli import FAILED, Failed
from server.commands.demo import DEMO_LOGINS
from server.commands.opening import opened, running
from server.settings import Settings, load

if TYPE_CHECKING:
    from server.metrics import Metrics

T = TypeVar("T")

WEBSOCKET_BYTES = 16_384
"""Most bytes of one message from a client over a WebSocket."""

GRACE = 10
"""Seconds that what is under way has to finish after SIGTERM; the rest goes back to the queue."""


@click.command()
@click.option("--host", help="Answer on this address instead of the setting's.")
@click.option("--port", type=click.IntRange(0, 65535), help="Answer on this port instead of the setting's.")
@click.option("--processes", type=click.IntRange(1), help="So many processes answer, instead of the setting's number.")
def serve(host: str | None, port: int | None, processes: int | None) -> None:
    """Answer visitors and other servers until SIGTERM or Ctrl-C."""
    gc.disable()  # nothing of what is loaded now is ever thrown away; switched on again when all is there
    chosen = load()
    address = (host or chosen.listen_host, chosen.listen_port if port is None else port)
    count = processes or chosen.web_processes
    with running(chosen):
        _set_up(chosen)
        if count > 1:
            _share(chosen, address, count)
            return
        with opened(chosen) as database:
            if not _run(_serve(chosen, database, address)):
                raise _taken(address)


def _taken(address: tuple[str, int]) -> Failed:
    return Failed(
        f"Cannot answer on {address[0]}:{address[1]}: the port is taken or not ours. "
        "Choose another with TORV_LISTEN_PORT.",
        FAILED,
    )


def _share(chosen: Settings, address: tuple[str, int], count: int) -> None:
    """Answer with `count` processes, the first of which delivers and processes as well."""
    import server.app
    import server.worker  # noqa: F401 - what is imported before the fork is in memory once
    from server import processes

    with opened(chosen):
        pass  # what is wrong with the database is said once, by the process that was started
    try:
        reserved = processes.reserve(*address)
    except OSError:
        raise _taken(address) from None
    gc.collect()
    gc.freeze()

    def work(number: int, lifeline: int) -> None:
        port = chosen.admin_port and chosen.admin_port + number
        own = msgspec.structs.replace(chosen, admin_port=port, workers_in_serve=chosen.workers_in_serve and number == 0)
        with opened(own) as database:
            mine = processes.listen(reserved)
            _run(_serve(own, database, reserved.getsockname()[:2], mine, lifeline, greet=number == 0))

    with reserved:
        if not processes.watch(count, work):
            raise Failed("The processes that answer end as soon as they start; the log says why.", FAILED)


@click.command()
@click.option("--admin-port", type=click.IntRange(0, 65535), help="Port of /metrics; not that of serve.")
def worker(admin_port: int | None) -> None:
    """Deliver and process until SIGTERM or Ctrl-C. Any number of them may run."""
    chosen = load()
    with running(chosen), opened(chosen) as database:
        _set_up(chosen)
        port = chosen.admin_port if admin_port is None else admin_port
        _run(_work(chosen, database, port))


def _set_up(chosen: Settings) -> None:
    from server import logs, open_files

    open_files.allow()
    logs.set_up(chosen)


def _run(work: Coroutine[Any, Any, T]) -> T:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _serve(
    chosen: Settings,
    database: Database,
    address: tuple[str, int],
    listening: socket.socket | None = None,
    lifeline: int | None = None,
    *,
    greet: bool = True,
) -> bool:
    """Run until asked to stop. False if the port could not be had. `listening` and `lifeline`: see `processes`."""
    import structlog
    import uvicorn

    from server.app import create_app
    from server.doorstep import Doorstep, DoorstepProtocol, Remembering
    from server.federating import federating
    from server.letterbox import Letterbox
    from server.metrics import Metrics, RequestMetrics
    from server.worker import keep_files, run_worker

    log = structlog.get_logger("torv.serve")
    with database.reading() as db:
        logins: list[str] = settings.get(db, DEMO_LOGINS, [])
    async with federating(chosen, database) as fed, _stopping(lifeline) as stop:
        metrics = Metrics(database)
        node = create_app(chosen, federation=fed)
        state = node.state
        doorstep = Doorstep(state.kept, state.limits, metrics, chosen.proxy_networks, chosen.api_calls)
        letterbox = Letterbox(state.intake, metrics, state.fields, database.node, chosen.proxy_networks)
        app = RequestMetrics(Remembering(node, doorstep), metrics)
        gc.freeze()  # what the imports made stays for ever: the collector need not look at it, now or again
        gc.enable()
        server = _quiet_server(
            uvicorn.Config(
                app,
                http=cast("type[asyncio.Protocol]", functools.partial(DoorstepProtocol, doorstep, letterbox)),
                host=address[0],
                port=address[1],
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE,
                timeout_keep_alive=75,
                h11_max_incomplete_event_size=64_000,
                backlog=2048,
                ws_max_size=WEBSOCKET_BYTES,
                ws_ping_interval=20,
                ws_ping_timeout=20,
                ws_per_message_deflate=False,
            ),
            lambda: _say_hello(chosen, address, logins) if greet else None,
        )
        with _measured(metrics, chosen):
            answering = asyncio.create_task(server.serve([listening] if listening is not None else None))
            tasks = [answering]
            if chosen.workers_in_serve:
                tasks.append(asyncio.create_task(run_worker(fed, stop, chosen)))
            else:
                tasks.append(asyncio.create_task(keep_files(chosen, stop)))  # no worker may be on this machine
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            await node.state.hub.close()  # streams never end by themselves, and the server waits for what is open
            server.should_exit = True
            await asyncio.gather(*tasks, stopping)
            log.info("stopped")
            return bool(server.started)


async def _work(chosen: Settings, database: Database, admin_port: int) -> None:
    import structlog

    from server.federating import federating
    from server.metrics import Metrics
    from server.worker import run_worker

    log = structlog.get_logger("torv.worker")
    async with federating(chosen, database) as fed, _stopping() as stop:
        with _measured(Metrics(database), msgspec.structs.replace(chosen, admin_port=admin_port)):
            log.info("working", origin=chosen.node.origin)
            await run_worker(fed, stop, chosen)
            log.info("stopped")


def _say_hello(chosen: Settings, address: tuple[str, int], logins: list[str]) -> None:
    import structlog

    if logins:
        lonely = f"{'Other servers':<14} none: they cannot reach this node, so it sends them nothing (see TORV_ORIGIN)"
        for line in (f"{'Address':<14} {chosen.node.origin}", *logins, *([] if chosen.node.federates else [lonely])):
            click.echo(line)

    log = structlog.get_logger("torv.serve")
    log.info("serving", address=f"http://{address[0]}:{address[1]}", origin=chosen.node.origin)
    if not chosen.node.federates:
        log.warning("no public https origin: other servers cannot reach this node, so it sends nothing to them")
    if chosen.fetch_allow:
        log.warning("fetch_allow is set: the node may fetch from private networks", open=chosen.fetch_allow)


def _quiet_server(config: Any, started: Callable[[], None]) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """Leaves signals to us: its own handler ends the process before the worker has given back its jobs."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        async def startup(self, sockets: Any = None) -> None:
            try:
                await super().startup(sockets)
            except SystemExit:  # uvicorn's way to say that the port is taken
                self.should_exit = True
            if self.started:
                started()

    return Server(config)


@asynccontextmanager
async def _stopping(lifeline: int | None = None) -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set; a second signal ends the process at once.

    With a `lifeline` its end sets it too, and a second signal is none: a service manager sends one to each process, and
    the watcher hands its own on.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def alone() -> None:
        stop.set()
        loop.remove_reader(lifeline or 0)  # it would go on saying so

    if lifeline is not None:
        loop.add_reader(lifeline, alone)

    def asked() -> None:
        stop.set()
        if lifeline is not None:
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    try:
        yield stop
    finally:
        if lifeline is not None:
            loop.remove_reader(lifeline)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _measured(metrics: "Metrics", chosen: Settings) -> Iterator[None]:
    """Answer /metrics meanwhile."""
    serving = metrics.serve(chosen)
    try:
        yield
    finally:
        if serving is not None:
            serving.close()
