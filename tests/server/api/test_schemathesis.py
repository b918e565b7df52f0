"""Every endpoint with arguments that a machine thought up from our own description of the API: never an error of ours,
and every answer as it is described."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from models.database import Database
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
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
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


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_is_sent_is_answered_as_described(lived_in: Database, operation: Any) -> None:
    world = ApiWorld(lived_in, settings=UNLIMITED)
    token = world.token("birk", EVERYTHING)
    client = TestClient(world.app, base_url=ORIGIN, raise_server_exceptions=False)

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
        kwargs = case.as_transport_kwargs(base_url=ORIGIN)
        headers = {**dict(kwargs.pop("headers", None) or {}), "Authorization": f"Bearer {token}"}
        kwargs.pop("cookies", None)
        answer = client.request(**kwargs, headers=headers)
        case.validate_response(answer, checks=CHECKS)

    tried()
