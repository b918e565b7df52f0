"""Metrics for Prometheus, on an address of their own that visitors do not reach.

What passes is counted as it passes (requests, and what federation counts); what stands (queues, peers) is asked of the
database when Prometheus comes. Labels come from our own tables of routes and states, never from what a stranger sent,
so the number of time series has a bound.
"""

import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from federation import counting
from models import queues
from models.database import Database
from models.errors import Unavailable
from server.settings import Settings

log = structlog.get_logger("torv.metrics")

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """The figures of one process. Make one, wrap the app with `RequestMetrics`, and `serve` it."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.requests = Counter(
            "torv_http_requests", "Requests answered", ["method", "page", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "torv_http_request_seconds", "Time to the end of the answer", ["page"], registry=self.registry
        )
        self.registry.register(_Counted())
        self.registry.register(_Standing(database))

    def counter(self, method: str, page: str, status: int) -> Callable[[float], None]:
        """What counts one more such request, by the seconds it took."""
        requests, seconds = self.requests.labels(method, page, str(status)), self.seconds.labels(page)

        def count(took: float) -> None:
            requests.inc()
            seconds.observe(took)

        return count

    def serve(self, settings: Settings) -> "Serving | None":
        """Answer `/metrics` on the admin address in a thread; None if it is switched off or the port is taken.

        A taken port is logged and does not keep the node from starting: its visitors come first.
        """
        if not settings.admin_port:
            return None
        try:
            server, thread = start_http_server(settings.admin_port, settings.admin_host, registry=self.registry)
        except OSError as error:
            log.warning("no metrics", address=f"{settings.admin_host}:{settings.admin_port}", reason=str(error))
            return None
        return Serving(server, thread)


class Serving:
    """A running metrics server; `close` it at the end."""

    def __init__(self, server: Any, thread: Thread) -> None:
        self._server = server
        self._thread = thread

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Counted(Collector):
    """What federation has counted since the process started."""

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily("torv_federation", "What the federation layer did", labels=["what"])
        for what, number in sorted(counting.snapshot().items()):
            family.add_metric([what], number)
        yield family


class _Standing(Collector):
    """What stands in the database now. A database that does not answer shows as `torv_database_up 0`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("torv_database_up", "1 if the database answers")
        waiting = GaugeMetricFamily("torv_queue_depth", "What waits", labels=["queue"])
        oldest = GaugeMetricFamily("torv_queue_oldest_seconds", "How long the oldest has waited", labels=["queue"])
        dead = GaugeMetricFamily("torv_dead_letters", "What was given up and kept", labels=["queue"])
        peers = GaugeMetricFamily("torv_peers", "Known hosts by state", labels=["state"])
        skew = GaugeMetricFamily("torv_clock_skew_seconds", "Median of the peers' clocks minus ours")
        try:
            with self.database.reading() as db:
                for queue in queues.overview(db):
                    waiting.add_metric([queue.name], queue.waiting)
                    oldest.add_metric([queue.name], queue.age)
                    dead.add_metric([queue.name], queue.dead)
                for state, number in queues.peer_states(db).items():
                    peers.add_metric([state], number)
                if (found := queues.clock_skew(db)) is not None:
                    skew.add_metric([], found)
        except Unavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield from (up, waiting, oldest, dead, peers, skew)


class RequestMetrics:
    """ASGI middleware: counts requests by method, page (the name of the endpoint) and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.monotonic()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.metrics.counter(method, page_of(scope), status)(time.monotonic() - started)


def page_of(scope: Scope) -> str:
    """What the page that answered is called: the name of its endpoint."""
    endpoint = scope.get("endpoint")
    return getattr(endpoint, "__name__", type(endpoint).__name__.lower()) if endpoint else "none"
