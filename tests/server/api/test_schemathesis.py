"""Every endpoint with arguments that a machine thought up from our own description of the API, some that fit it and
some that break it: never an error of ours, and every answer as it is described."""

import asyncio
from itertools import count
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select

from models.actors import Actor
from models.database import Database
from models.notifications import Notification
from models.posts import Post
from server.api import describing
from server.api.routes import API
from server.settings import Settings
from tests.server.apps import EVERYTHING, ORIGIN, ApiWorld

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "ignore::hypothesis.errors.HypothesisWarning")

EXAMPLES = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 3}
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(describing.describe(API, origin=ORIGIN, version="1"))
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
UNLIMITED = Settings(
    origin=ORIGIN,
    node_name="Torv i a",
    data_dir="unused",
    contact_email="t@a.example",
    api_calls=1_000_000,
    api_uploads=1_000_000,
)


def test_the_description_is_one() -> None:
    SCHEMA.validate()
    assert len(OPERATIONS) == len(API)


def existing(database: Database, path: str) -> str:
    """The id of something that is there, so that calls get further than to what is not."""
    if "/communities/" in path:
        return database.write(lambda db: str(db.scalars(select(Actor.id).where(Actor.username == "udfordrere")).one()))
    if "/accounts/" in path:
        return database.write(lambda db: str(db.scalars(select(Actor.id).where(Actor.username == "anna")).one()))
    if "/notifications/" in path:
        birk = select(Actor.id).where(Actor.username == "birk").scalar_subquery()
        mine = select(Notification.id).where(Notification.account_id == birk)
        return database.write(lambda db: str(db.scalars(mine).first()))
    return database.write(lambda db: str(db.scalars(select(Post.id).where(Post.kind == "question")).first()))


def ways(operation: Any) -> list[GenerationMode]:
    """Arguments that break the description are only there where it asks for some: not for a bare word in an address."""
    asked = [
        *operation.query,
        *operation.body,
        *(one for one in operation.path_parameters if one.name in describing.IDS),
    ]
    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE] if asked else [GenerationMode.POSITIVE]


def as_text(part: tuple[Any, ...]) -> tuple[Any, ...]:
    """A part of a multipart form as it goes over the wire: numbers and nothing at all, which fit no description, in words."""
    name, content, *more = part
    return (name, content if isinstance(content, str | bytes) else str(content), *more)


async def asked(client: httpx.AsyncClient, **kwargs: Any) -> httpx.Response:
    """The answer to a request, which is read before: what complains of the answer shows it."""
    request = client.build_request(**kwargs)
    await request.aread()
    return await client.send(request)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_is_sent_is_answered_as_described(
    looked_at: Database, request: pytest.FixtureRequest, operation: Any
) -> None:
    # a fresh database for each address costs as much as the calls; those that change nothing share one
    database: Database = looked_at if operation.method == "get" else request.getfixturevalue("lived_in")
    world = ApiWorld(database, settings=UNLIMITED)
    token = world.token("birk", EVERYTHING)
    real, turns = existing(database, operation.path), count(1)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(world.app, raise_app_exceptions=False), base_url=ORIGIN)

    def try_out(mode: GenerationMode, loop: asyncio.Runner) -> None:
        @seed(1)
        @settings(
            max_examples=EXAMPLES[mode],
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def tried(case: Any) -> None:
            if case.path_parameters.get("id") and next(turns) % 2:
                case.path_parameters["id"] = real
            kwargs = case.as_transport_kwargs(base_url=ORIGIN)
            headers = {**dict(kwargs.pop("headers", None) or {}), "Authorization": f"Bearer {token}"}
            kwargs.pop("cookies", None)
            if isinstance(kwargs.get("data"), bytes):
                kwargs["content"] = kwargs.pop("data")
            if parts := kwargs.get("files"):
                kwargs["files"] = [(name, as_text(part)) for name, part in parts]
            case.validate_response(loop.run(asked(client, **kwargs, headers=headers)), checks=CHECKS)

        tried()

    with asyncio.Runner() as loop:
        for mode in ways(operation):
            try_out(mode, loop)
