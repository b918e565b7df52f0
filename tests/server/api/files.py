"""What the tests of files need: the worker's part done, and a look at the disk."""

from typing import Any

import httpx
from sqlalchemy import select

from federation.context import Federation
from models.jobs import Job
from server import worker
from tests.server.apps import Api, ApiWorld


async def run_jobs(world: ApiWorld) -> None:
    """Do the work that waits for the worker."""
    fed: Federation = world.app.state.fed
    table = worker.jobs(world.settings)
    with world.database.reading() as db:
        waiting = db.scalars(select(Job).where(Job.kind.in_(["media", "media_gone"])).order_by(Job.id)).all()
    for job in waiting:
        await table[job.kind](fed, job.payload)
        world.database.write(lambda db, id=job.id: db.delete(db.get_one(Job, id)))  # type: ignore[misc]


def kept(world: ApiWorld) -> list[str]:
    """Names of all files on the disk, unfinished ones included."""
    return sorted(path.name for path in (world.settings.data_path / "media").rglob("*") if path.is_file())


async def film_sent(world: ApiWorld, api: Api, content: bytes, name: str = "a.mp4", **more: Any) -> httpx.Response:
    """A film is the worker's work. `more`: other files in the form."""
    sent = await api.call("POST", "/api/v2/media", files={"file": (name, content, "video/mp4"), **more})
    assert sent.status_code == 202, sent.text
    await run_jobs(world)
    return await api.call("GET", f"/api/v1/media/{sent.json()['id']}")
