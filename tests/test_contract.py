import msgspec
import pytest
from estimates import estimate

from device.publish import contract
from device.publish.decode import decode, estimate_of
from device.publish.json_schema import json_schemas
from device.publish.payload import MediaClock, Payloads

PAYLOADS = Payloads(node="kitchen", boot_id="b00t", model_set="baseline", clock=MediaClock())


def state() -> contract.State:
    return Payloads(node="kitchen", boot_id="b00t", model_set="baseline", clock=MediaClock()).state(estimate(1))


def test_a_message_that_went_out_can_be_read_as_its_type() -> None:
    assert msgspec.json.decode(contract.encode(state()), type=contract.State) == state()


def test_the_bytes_are_ascii_and_compact() -> None:
    status = contract.PartStatus(state="offline", reason="gelöst", blind=False, ts="2026-11-21T04:41:42.123Z")
    assert contract.encode(status) == (
        b'{"state":"offline","reason":"gel\\u00f6st","blind":false,"ts":"2026-11-21T04:41:42.123Z"}'
    )


def test_what_is_not_in_the_contract_is_left_out() -> None:
    newer = contract.as_json(state()) | {"face_crop": [0] * 48}
    assert decode(contract.State, contract.encode(newer)) == state()
    assert json_schemas([contract.State], "{name}")["State"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("kind", "message", "newer"),
    [
        (contract.State, state(), ["reason"]),
        (contract.PartStatus, PAYLOADS.part("online", None), ["blind"]),
        (contract.FusionPart, contract.FusionPart("average"), ["uncertain_below", "hold_s"]),
    ],
)
def test_an_older_nodes_message_without_newer_fields_is_read(
    kind: type[contract.Payload], message: contract.Payload, newer: list[str]
) -> None:
    older = {name: value for name, value in contract.as_json(message).items() if name not in newer}
    assert decode(kind, contract.encode(older)) == message


def test_a_newer_nodes_message_with_another_modality_is_read() -> None:
    told = contract.as_json(state())
    newer = contract.encode(told | {"modalities": told["modalities"] | {"warmth": told["modalities"]["face"]}})
    found = decode(contract.State, newer)
    assert found == state()
    assert estimate_of(newer) == estimate_of(contract.encode(state()))


@pytest.mark.parametrize("probs", [{}, {"happy": 1.0}, None])
def test_a_state_without_every_emotion_is_refused(probs: object) -> None:
    assert decode(contract.State, contract.encode(contract.as_json(state()) | {"probs": probs})) is None


@pytest.mark.parametrize("raw", [b"", b"ON", b"[" * 50_000, b"{\xff", b'"' + b"x" * 70_000 + b'"', b'{"state": NaN}'])
def test_a_foreign_payload_is_none_of_the_contracts(raw: bytes) -> None:
    assert decode(contract.Status, raw) is None
