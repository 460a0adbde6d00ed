"""schemathesis asks the real server whatever its OpenAPI document allows, and much that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, settings
from server_process import Running, jpeg, serving

schemathesis = pytest.importorskip("schemathesis")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("schema"), server={"rate_hz": 1e6, "burst": 4096}) as it:
        yield it


@pytest.fixture(scope="module")
def document(server: Running) -> Any:
    with server.client() as client:
        return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def api_schema(server: Running) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()  # type: ignore[untyped-decorator]
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_the_server_keeps_its_word(case: Any) -> None:
    response = case.call(timeout=60)
    assert response.status_code < 500 or response.status_code == 503
    case.validate_response(
        response,
        excluded_checks=[
            # A picture is bytes: any string fits the schema, and hardly one is a picture.
            schemathesis.checks.positive_data_acceptance,
            # Unknown query parameters are passed over, as HTTP servers do.
            schemathesis.checks.negative_data_rejection,
        ],
    )


def test_every_address_is_described_with_its_problems(document: Any) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (path, status)


def test_an_answer_is_what_the_document_says(server: Running, document: Any) -> None:
    with server.client() as client:
        answer = client.post("/v1/face?compare=true", content=jpeg()).json()
    jsonschema.validate(answer, {"$ref": "#/components/schemas/Answer", "components": document["components"]})
