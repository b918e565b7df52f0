"""How deliveries grow with the machines that deliver: `python -m tests.bench.machines [--save result.json]`.

One post after the other goes to hundreds of servers that take 200 ms each, by 1, 2 and 4 workers on machines of their own
(network namespaces, so root is needed) over one PostgreSQL. What is shown is deliveries a second, from the first post to
the last arrival, and the processor time of all workers.

A worker here has few deliveries under way at once (`--at-once`), so that one alone is held up by the others' slowness and
not by the processor, which all of them share on one machine: there growth shows until the processor is used up. With
`--at-once 256`, the default of a node, one worker does that alone.
"""

import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import click

from tests.fediverse.processes import until
from tests.machines.cluster import Cluster
from tests.machines.network import Network

DELAY = 0.2
WORKERS = (1, 2, 4)
TICKS = os.sysconf("SC_CLK_TCK")


@click.command()
@click.option("--runs", default=3, show_default=True, help="Rounds: 1, 2 and 4 workers in turns.")
@click.option("--hosts", default=400, show_default=True, help="Other servers, each with a follower.")
@click.option("--posts", default=3, show_default=True, help="Posts of one measurement.")
@click.option("--at-once", default=16, show_default=True, help="Deliveries under way at once, of each worker.")
@click.option("--save", type=click.Path(path_type=Path), help="Where the figures go, as JSON; the picture beside it.")
def main(runs: int, hosts: int, posts: int, at_once: int, save: Path | None) -> None:
    """Measure, print, and save."""
    rounds: dict[int, list[dict[str, float]]] = {number: [] for number in WORKERS}
    with tempfile.TemporaryDirectory(prefix="torv-machines") as folder, Network() as network:
        settings = {"DELIVERY_CONCURRENCY": str(at_once), "MEDIA_STORE": "disk"}
        with Cluster(network, Path(folder), webs=1, hosts=hosts, **settings) as cluster:
            cluster.start_web(0)
            cluster.ready()
            cluster.tell_others(delay=DELAY)
            for turn in range(runs):
                for number in WORKERS:
                    figures = _measure(cluster, number, hosts, posts)
                    rounds[number].append(figures)
                    said = ", ".join(f"{name} {value:.3g}" for name, value in figures.items())
                    click.echo(f"{turn + 1}/{runs} {number} worker{'s' * (number > 1)}: {said}")
    found: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()),
        "machine": f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}",
        "hosts": hosts, "posts": posts, "at_once": at_once, "delay": DELAY,
        "rounds": {str(number): figures for number, figures in rounds.items()},
        "median": {str(number): _median(figures) for number, figures in rounds.items()},
    }  # fmt: skip
    for number in WORKERS:
        rate = found["median"][str(number)]["deliveries a second"]
        click.echo(
            f"{number}: {rate:.0f} deliveries a second, {rate / found['median']['1']['deliveries a second']:.2f} x"
        )
    if save:
        save.write_text(json.dumps(found, indent=1) + "\n")
        save.with_suffix(".svg").write_text(picture(found))


def _measure(cluster: Cluster, number: int, hosts: int, posts: int) -> dict[str, float]:
    """Start so many workers, post, and stop them again."""
    names = [cluster.start_worker() for _ in range(number)]
    cluster.ready(*names)
    with cluster.client() as app:
        _post_and_wait(cluster, app, 1, hosts)  # connections are made, keys are loaded
        before = sum(_cpu(cluster.running[name][1].pid) for name in names)
        took = _post_and_wait(cluster, app, posts, hosts)
    cpu = sum(_cpu(cluster.running[name][1].pid) for name in names) - before
    for name in names:
        cluster.stop(name)
    total = hosts * posts
    return {"deliveries a second": total / took, "CPU each, ms": 1000 * cpu / total, "processors": cpu / took}


def _post_and_wait(cluster: Cluster, app: Any, posts: int, hosts: int) -> float:
    cluster.tell_others(forget=True)
    begun = time.perf_counter()
    for number in range(posts):
        app.post("/api/v1/statuses", data={"status": f"{number} {begun}"}).raise_for_status()

    def all_there() -> bool:
        arrived = cluster.arrived().values()
        return len(arrived) == posts and all(len(there) == hosts for there in arrived)

    until("all have it", all_there, seconds=180, tell=cluster.state)
    return time.perf_counter() - begun


def _cpu(pid: int) -> float:
    """Seconds of processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _median(figures: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: sorted(one[name] for one in figures)[len(figures) // 2] for name in figures[0]}


def picture(found: dict[str, Any]) -> str:
    """Deliveries a second by the number of workers, beside what growth in proportion would be."""
    width, height, left, bottom = 560, 320, 60, 40
    rates = {int(number): figures["deliveries a second"] for number, figures in found["median"].items()}
    most = rates[1] * max(WORKERS) * 1.05

    def point(workers: float, rate: float) -> tuple[float, float]:
        return left + (width - left - 30) * workers / max(WORKERS), height - bottom - (
            height - bottom - 50
        ) * rate / most

    def line(points: Sequence[tuple[float, float]], how: str) -> str:
        return f'<polyline fill="none" {how} points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'

    def say(x: float, y: float, text: str, how: str = "") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" {how}>{escape(text)}</text>'

    title = f"Deliveries a second to servers that take {found['delay'] * 1000:.0f} ms"
    parts = [say(left, 24, title, 'font-size="15"')]
    parts.append(line([point(0, 0), point(max(WORKERS), 0)], 'stroke="#6c7a89"'))
    parts.append(line([point(0, 0), point(0, most)], 'stroke="#6c7a89"'))
    parts.append(
        line([point(0, 0), point(max(WORKERS), rates[1] * max(WORKERS))], 'stroke="#b9b4a6" stroke-dasharray="4"')
    )
    parts.append(line([point(0, 0), *(point(n, rates[n]) for n in WORKERS)], 'stroke="#1d6b4f" stroke-width="3"'))
    for number in WORKERS:
        x, y = point(number, rates[number])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#1d6b4f"/>')
        parts.append(say(x - 8, y - 10, f"{rates[number]:.0f}", 'text-anchor="end"'))
        parts.append(say(x, height - bottom + 20, str(number), 'text-anchor="middle"'))
    parts.append(say(width / 2, height - 4, "workers, each on a machine of its own", 'text-anchor="middle"'))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
        f"<title>{escape(title)}</title><style>text{{font-family:system-ui,sans-serif;fill:#1f2328;font-size:12px}}</style>"
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


if __name__ == "__main__":
    main()
