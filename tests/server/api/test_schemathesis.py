"""Every endpoint with arguments that a machine thought up from our own description of the API: never an error of ours,
and every answer as it is described."""

from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select
from starlette.testclient import TestClient

from models.actors import Actor
from models.database import Database
from models.notifications import Notification
from models.posts import Post
from server.api import describing
from server.api.routes import API
from server.settings import Settings
from tests.server.apps import EVERYTHING, ORIGIN, ApiWorld

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "ignore::hypothesis.errors.HypothesisWarning")

EXAMPLES = 5
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


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_is_sent_is_answered_as_described(lived_in: Database, operation: Any) -> None:
    world = ApiWorld(lived_in, settings=UNLIMITED)
    token = world.token("birk", EVERYTHING)
    real, turns = existing(lived_in, operation.path), count(1)

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def tried(case: Any) -> None:
        if case.path_parameters.get("id") and next(turns) % 2:
            case.path_parameters["id"] = real
        kwargs = case.as_transport_kwargs(base_url=ORIGIN)
        headers = {**dict(kwargs.pop("headers", None) or {}), "Authorization": f"Bearer {token}"}
        kwargs.pop("cookies", None)
        answer = client.request(**kwargs, headers=headers)
        case.validate_response(answer, checks=CHECKS)

    # entered, it keeps one event loop for all calls instead of starting one for each
    with TestClient(world.app, base_url=ORIGIN, raise_server_exceptions=False) as client:
        tried()
