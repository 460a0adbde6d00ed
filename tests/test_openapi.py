"""schemathesis asks the real server whatever its OpenAPI document allows, and much that it does not."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from server_process import Running, jpeg, serving
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from desktop_server.schema.analysis import AnalysisResponse

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parents[1] / "docs"

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


def test_responses_conform_to_the_openapi_document(server: Running) -> None:
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
            # What may be said before any address is reached: of unknown headers, foreign names, unreadable tokens.
            assert operation["responses"].keys() >= {"400", "403", "503"}, path
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (path, status)


def test_the_example_is_a_valid_analysis(document: Any) -> None:
    for path in ("/v1/face", "/v1/speech", "/v1/fused"):
        content = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]
        AnalysisResponse.model_validate(content["example"])


def test_the_docs_page_has_no_script_and_no_foreign_host(server: Running, document: Any) -> None:
    with server.client() as client:
        page = client.get("/docs").text
    for path in document["paths"]:
        assert path in page
    assert "<script" not in page
    hosts = set(re.findall(r"https?://[^/'\"\s<]+", page))
    assert hosts == {"http://127.0.0.1:8384"}  # of the examples


def test_the_docs_page_has_fields_values_schemas_and_commands(server: Running) -> None:
    with server.client() as client:
        page = client.get("/docs").text
    for words in (
        "curl -F picture=@face.jpg &#x27;http://127.0.0.1:8384/v1/face?compare=true&#x27;",
        "curl -F picture=@face.jpg -F audio=@voice.wav",
        "<code>learned</code> does so with powers learned from actors",  # a rule, with its Markdown rendered
        "A file: MP4, WebM, Matroska or FLV.",
        '<h3 id="schema-AnalysisResponse">',
        '<a href="#schema-Estimate">Estimate</a>',
        "&quot;schema&quot;: &quot;affectd.answer/1&quot;",
        '<h3 id="schema-StreamConfig">',
        '<a href="/problems/unknown-parameter">',
    ):
        assert words in page, words
    shown = re.sub(r"<(pre|code)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert "`" not in shown
    assert all(f'id="{target}"' in page for target in re.findall(r'href="#([^"]+)"', page))


def test_the_streams_messages_are_in_both_documents_and_in_the_docs_folder(server: Running, document: Any) -> None:
    with server.client() as client:
        told = client.get("/asyncapi.json").json()
    kept = yaml.safe_load((DOCS / "asyncapi-stream.yaml").read_text(encoding="utf-8"))
    assert told == kept, "write it anew: python -m desktop_server.http.asyncapi"
    for name in ("StreamConfig", "StreamMessage", "TimelineEstimate"):
        assert document["components"]["schemas"][name]["properties"].keys() == (
            told["components"]["schemas"][name]["properties"].keys()
        )
    references = re.findall(r"'\$ref': '#/([^']+)'", str(told))
    assert len(references) >= 30
    for reference in references:
        found = told
        for part in reference.split("/"):
            found = found[part]


def test_stream_messages_conform_to_the_asyncapi_document(server: Running) -> None:
    with server.client() as client:
        told = client.get("/asyncapi.json").json()
    hello = {"mode": "both", "compare": True}
    jsonschema.validate(hello, {"$ref": "#/components/schemas/StreamConfig", **told})
    address = server.url.replace("http", "ws") + "/v1/stream"
    with connect(address, subprotocols=[Subprotocol("affectd.stream.1")]) as socket:
        socket.send(json.dumps(hello))
        said = [json.loads(socket.recv(30))]
        for number in range(3):
            socket.send(b"P" + struct.pack(">Q", number * 100_000) + jpeg())
        said.append(json.loads(socket.recv(30)))
        socket.send(b"no")
        while "code" not in said[-1]:
            said.append(json.loads(socket.recv(30)))
    for message in said:
        name = "Problem" if "code" in message else "StreamMessage"
        jsonschema.validate(message, {"$ref": f"#/components/schemas/{name}", **told})
    assert [message.get("type") for message in said[:2]] == ["ready", "estimate"]
    assert said[0]["smooth_s"] == 0.5
    assert said[1]["estimate"]["unsmoothed"]


def test_a_query_parameter_of_the_stream_is_refused(server: Running) -> None:
    address = server.url.replace("http", "ws") + "/v1/stream?mode=face"
    with pytest.raises(InvalidStatus) as refused, connect(address):
        pass
    assert refused.value.response.status_code == 400
    assert b"a stream is told so by its first message" in (refused.value.response.body or b"")


def test_an_analysis_conforms_to_the_openapi_document(server: Running, document: Any) -> None:
    with server.client() as client:
        answer = client.post("/v1/face?compare=true", content=jpeg()).json()
    jsonschema.validate(answer, {"$ref": "#/components/schemas/AnalysisResponse", "components": document["components"]})
