"""A real PieFed as a neighbour, from a checkout that you bring.

    TORV_PIEFED=/path/pyfedi TORV_PIEFED_PYTHON=/path/venv/bin/python pytest tests/fediverse/test_piefed.py

The second is a Python that has what its `pyproject.toml` or `requirements.txt` names. Its PostgreSQL and its Redis
(Debian: `postgresql`, `redis-server`) are started for it. Like GoToSocial it looks names up as the system does and talks
to port 443 only, so the test has to be root.
"""

import os
import random
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests import postgres
from tests.fediverse.front import Front
from tests.fediverse.ground import Ground, free_port
from tests.fediverse.processes import Process, until
from tests.fediverse.visitor import browser

PASSWORD = "Nabolaget-7Qx!-kun-i-test"

MAKE_PEOPLE = """
import sys
from pyfedi import app
from app import db
from app.models import User, utcnow
from app.utils import finalize_user_setup, gibberish
with app.app_context():
    for name in sys.argv[2:]:
        user = User(user_name=name, title=name.title(), email=name + "@piefed.test", verified=True, instance_id=1,
                    email_unread_sent=False, alt_user_name=gibberish(12), last_seen=utcnow())
        user.set_password(sys.argv[1])
        db.session.add(user)
        db.session.commit()
        finalize_user_setup(user)
"""


def require_piefed(ground: Ground) -> tuple[Path, Path]:
    """(checkout, Python), or the test is skipped with the reason."""
    checkout, python = os.environ.get("TORV_PIEFED", ""), os.environ.get("TORV_PIEFED_PYTHON", "")
    if not checkout or not python:
        pytest.skip("set TORV_PIEFED and TORV_PIEFED_PYTHON to a checkout of PieFed and a Python with its requirements")
    if os.geteuid() != 0 or ground.port != 443:
        pytest.skip("PieFed looks names up in /etc/hosts and wants port 443: run this test as root")
    if shutil.which("redis-server") is None or postgres.programs() is None:
        pytest.skip("PieFed needs redis-server and PostgreSQL")
    return Path(checkout), Path(python)


class PieFed:
    """One instance with a fresh database: its web server, and the Celery worker that does and sends everything."""

    def __init__(self, ground: Ground, name: str) -> None:
        self.checkout, self.python = require_piefed(ground)
        self.ground = ground
        self.name = name
        self.origin = f"https://{name}"
        self.folder = ground.folder / name
        self.folder.mkdir()
        self.port = free_port()
        self._redis_port = free_port()
        self._around = ExitStack()
        self.database_url = self._around.enter_context(postgres.running())
        self.front = Front(ground, name, self.port)
        self._around.callback(self.front.close)
        self._processes: list[Process] = []

    @property
    def _environ(self) -> dict[str, str]:
        redis = f"redis://127.0.0.1:{self._redis_port}"
        kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        return kept | {
            "SERVER_NAME": self.name,
            "SECRET_KEY": "only-for-tests",
            "DATABASE_URL": self.database_url.replace("postgresql://", "postgresql+psycopg2://"),
            "CACHE_TYPE": "RedisCache",
            "CACHE_REDIS_URL": f"{redis}/1",
            "CELERY_BROKER_URL": f"{redis}/0",
            "RESULT_BACKEND": f"{redis}/0",
            "ENABLE_ALPHA_API": "true",
            "LOG_ACTIVITYPUB_TO_DB": "true",
            "FLASK_APP": "pyfedi.py",
            "DB_POOL_SIZE": "4",
            "SSL_CERT_FILE": str(self.ground.ca_file),
            "PYTHONPATH": str(self.checkout),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _start(self, what: str, *command: str, folder: Path | None = None) -> Process:
        process = Process(command, self.folder / f"{what}.log", self._environ, folder or self.checkout)
        self._processes.append(process)
        return process

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command, env=self._environ, cwd=self.checkout, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}{done.stderr[-3000:]}"

    def start(self, *people: str) -> None:
        """Start it with these people and wait until it answers. The first of them is its administrator."""
        redis = ("redis-server", "--port", str(self._redis_port), "--bind", "127.0.0.1", "--save", "")
        self._start("redis", *redis, folder=self.folder)
        python = str(self.python)
        self._run(python, "-m", "flask", "db", "upgrade")
        self._run(python, "-m", "flask", "init-db", "--interactive", "no")
        self._run(python, "-c", MAKE_PEOPLE, PASSWORD, *people)
        settings = self.folder / "gunicorn.py"
        settings.write_text(f'bind = "127.0.0.1:{self.port}"\nthreads = 4\n')
        web = self._start("web", python, "-m", "gunicorn", "-c", str(settings), "pyfedi:app")
        celery = ("-m", "celery", "-A", "celery_worker_docker.celery", "worker", "--pool", "solo")
        self._start("worker", python, *celery, "--queues", "celery,background,send")

        def ready() -> bool:
            assert web.running, web.tail()
            try:
                answer = httpx.get(
                    f"http://127.0.0.1:{self.port}/nodeinfo/2.0",
                    headers={"Host": self.name},
                    timeout=5,
                    trust_env=False,
                )
            except httpx.TransportError:
                return False
            return answer.status_code == 200

        until(f"{self.name} answers", ready, seconds=60, tell=web.tail)

    def send_queue(self) -> None:
        """What its cron does every few minutes: votes that it collected, and what could not be delivered."""
        self._run(str(self.python), "-m", "flask", "send-queue")

    def log(self) -> str:
        """The end of what it logged, and what it did with the last activities."""
        engine = create_engine(self.database_url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as db:
            query = "SELECT direction, activity_type, result, exception_message FROM activity_pub_log ORDER BY id DESC"
            done = [" ".join(str(one) for one in row) for row in db.execute(text(f"{query} LIMIT 15"))]
        engine.dispose()
        return "\n".join([*(process.tail(1500) for process in self._processes), *done])

    def close(self) -> None:
        """Stop it and throw its data away."""
        for process in reversed(self._processes):
            if process.running:
                process.stop(40)
        self._around.close()

    def account(self, username: str) -> "Neighbour":
        """Sign in."""
        return Neighbour(self, username)


class Neighbour:
    """Somebody with an account at the PieFed, through its API."""

    def __init__(self, server: PieFed, username: str) -> None:
        self.server = server
        self.username = username
        self.handle = f"@{username}@{server.name}"
        self.uri = f"{server.origin}/u/{username}"
        self._http = browser(server.ground, server.origin)
        token = self.call("POST", "/user/login", username=username, password=PASSWORD)["jwt"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, **data: Any) -> httpx.Response:
        """One call, whatever comes back."""
        # It allows three posts a minute from one address; all its clients come from one here.
        came_from = {"CF-Connecting-IP": f"198.51.{random.randint(0, 255)}.{random.randint(1, 254)}"}
        more: dict[str, Any] = {"params": data} if method == "GET" else {"json": data}
        return self._http.request(method, f"/api/alpha{path}", headers=came_from, **more)

    def call(self, method: str, path: str, **data: Any) -> Any:
        """One call that must succeed; its JSON."""
        answer = self.ask(method, path, **data)
        assert answer.status_code == 200, f"{method} {path} {data}: {answer.status_code} {answer.text[:800]}"
        return answer.json()

    def find(self, what: str) -> Any:
        """What is behind a handle or an address, asked for at its server."""
        return self.call("GET", "/resolve_object", q=what)

    def join(self, handle: str) -> int:
        """Subscribe to a community; its number there."""
        number: int = self.find(handle)["community"]["community"]["id"]
        self.call("POST", "/community/follow", community_id=number, follow=True)
        return number

    def post(self, community: int, uri: str) -> Any | None:
        """The post with that ActivityPub id as a community's page there has it, if it is on it."""
        found = self.call("GET", "/post/list", community_id=community, sort="New", limit=50)
        return next((one for one in found["posts"] if one["post"]["ap_id"] == uri), None)

    def comment(self, post: int, uri: str) -> Any | None:
        """The comment with that ActivityPub id below a post there."""
        found = self.call("GET", "/comment/list", post_id=post, limit=50)
        return next((one for one in found["comments"] if one["comment"]["ap_id"] == uri), None)

    def write(self, community: int, title: str, text: str, **more: Any) -> Any:
        """Publish a post, with `poll` or `event` one of these."""
        return self.call("POST", "/post", community_id=community, title=title, body=text, **more)["post_view"]["post"]

    def reply(self, post: int, text: str) -> Any:
        """Write a comment below a post."""
        return self.call("POST", "/comment", post_id=post, body=text)["comment_view"]["comment"]

    def choose(self, comment: int, *, answer: bool = True) -> None:
        """Mark a comment as the answer."""
        self.call("POST", "/comment/mark_as_answer", comment_reply_id=comment, answer=answer)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
