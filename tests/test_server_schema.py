"""schemathesis asks the real server whatever its OpenAPI document allows, and much that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from server_process import Running, jpeg, serving

from desktop_server.answer import Answer

schemathesis = pytest.importorskip("schemathesis")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    # Without a fleet its events end at once: else each would be waited for.
    folder, often = tmp_path_factory.mktemp("schema"), {"rate_hz": 1e6, "burst": 4096}
    with serving(folder, server=often, fleet={"listen": False}) as it:
        yield it


@pytest.fixture(scope="module")
def document(server: Running) -> Any:
    with server.client() as client:
        return client.get("/openapi.json").json()


CASES = 8
"""Of each address and way of making them up; the same ones each time."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_headers_conformance,
    schemathesis.checks.response_schema_conformance,
]
"""Not whether a fitting request is accepted: a picture is bytes, any bytes fit the schema, and few are a picture."""


def test_the_server_keeps_its_word(server: Running) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 15
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            ask(operation, mode)


def ask(operation: Any, mode: Any) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=CASES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    def asked(case: Any) -> None:
        response = case.call(timeout=60)
        case.validate_response(response, checks=CHECKS)

    with suppress(Unsatisfiable):  # nothing can be wrong with a request that has no parameter
        asked()


def test_every_address_is_described_with_its_problems(document: Any) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (path, status)


def test_the_example_is_an_answer(document: Any) -> None:
    for path in ("/v1/face", "/v1/speech", "/v1/fused"):
        content = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]
        Answer.model_validate(content["example"])


def test_the_api_is_described_for_people_without_scripts_and_other_hosts(server: Running, document: Any) -> None:
    with server.client() as client:
        page = client.get("/docs").text
    for path in document["paths"]:
        assert path in page
    assert "<script" not in page
    assert "http" not in page.replace("httpdocs", "")


def test_an_answer_is_what_the_document_says(server: Running, document: Any) -> None:
    with server.client() as client:
        answer = client.post("/v1/face?compare=true", content=jpeg()).json()
    jsonschema.validate(answer, {"$ref": "#/components/schemas/Answer", "components": document["components"]})
