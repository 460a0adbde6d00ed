"""Request examples in the OpenAPI document: models that this server has, in commands that can be copied."""

from __future__ import annotations

from math import prod

from desktop_server.inference.open_inference import VERSION
from device.models.card import Card
from device.publish.contract import Json

BASE = "http://127.0.0.1:8384"
"""The default address."""


def add_examples(document: Json, card: Card) -> None:
    """Give each path parameter an example, and each run of a model a command; ``card`` is of one that is served."""
    values = {"name": card.id, "version": VERSION, "code": "busy", "job": "h3Jx-0bQ4u9fT2aYw8sKmA"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["example"] = values[parameter["name"]]
            if "{job}" in path:
                operation["x-codeSamples"] = [{"lang": "Shell", "source": _of_a_job(path, method)}]
            if path.endswith("/infer"):
                operation["x-codeSamples"] = [{"lang": "Shell", "source": _infer(path.format(**values), card)}]


def _of_a_job(path: str, method: str) -> str:
    """With the start of the job that it is of, whose id nobody can know before."""
    start = f"curl -F picture=@face.jpg '{BASE}/v1/jobs/face'"
    take_id = "python3 -c 'import json, sys; print(json.load(sys.stdin)[\"id\"])'"
    lines = [f"job=$({start} |\n  {take_id})"]
    if path.endswith("/result"):
        lines.append(f'until curl "{BASE}/v1/jobs/$job" | grep -q \'"done"\'; do sleep 0.2; done')
    verb = "-X DELETE " if method == "delete" else ""
    return "\n".join([*lines, f'curl {verb}"{BASE}{path.format(job="$job")}"'])


def _infer(path: str, card: Card) -> str:
    """A run on zeros, whose JSON is made on the way: written out it has thousands of numbers."""
    shape = [1, *card.input.shape[1:]]
    tensor = f'{{"name": "input", "shape": {shape}, "datatype": "FP32", "data": [0] * {prod(shape)}}}'
    return (
        f"python3 -c 'import json; print(json.dumps({{\"inputs\": [{tensor}]}}))' |\n"
        f"  curl -H 'Content-Type: application/json' -d @- '{BASE}{path}'"
    )
