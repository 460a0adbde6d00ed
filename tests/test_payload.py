import json
import math
import re
import time

import numpy as np
import pytest
from estimates import estimate

from device.publish.contract import as_json, encode
from device.publish.episodes import Episodes
from device.publish.payload import MediaClock, Payloads, SystemClock
from device.publish.wall_clock import rfc3339
from device.readings import EMOTIONS, NOBODY, UNKNOWN


def media_payloads() -> Payloads:
    return Payloads(node="kitchen", boot_id="b00t", model_set="baseline", clock=MediaClock())


def test_the_state_states_what_the_contract_states() -> None:
    state = as_json(media_payloads().state(estimate(1.5, "happy", 0.8123456)))
    assert list(state) == [
        "schema", "node", "boot_id", "seq", "ts", "mono_ns", "clock_synced", "label", "reason", "confidence",
        "valence", "arousal", "probs", "modalities", "fusion", "latency_ms", "model_set",
    ]  # fmt: skip
    assert state["schema"] == "affectd.state/1"
    assert state["ts"] == "1970-01-01T00:00:01.500Z"
    assert state["mono_ns"] == 1_500_000_000
    assert state["confidence"] == 0.8123
    assert list(state["probs"]) == list(EMOTIONS)
    assert state["modalities"]["face"]["weight"] == 1.0
    assert state["modalities"]["speech"] == {
        "present": False, "age_ms": None, "quality": None, "weight": 0, "probs": dict.fromkeys(EMOTIONS, 0),
    }  # fmt: skip
    assert state["fusion"] == {"rule": "average", "uncertain_below": 0.4, "hold_s": 0.5}
    assert state["reason"] is None


def test_a_replay_gives_the_same_bytes_each_time() -> None:
    story = [estimate(n / 10, "sad" if n % 2 else NOBODY) for n in range(20)]
    runs = [[encode(payloads.state(e)) for e in story] for payloads in (media_payloads(), media_payloads())]
    assert runs[0] == runs[1]


def test_each_state_has_the_next_number() -> None:
    payloads = media_payloads()
    assert [as_json(payloads.state(estimate(0)))["seq"] for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(("label", "reason"), [(NOBODY, None), (UNKNOWN, "privacy")])
def test_where_nothing_is_read_every_number_is_there_and_0(label: str, reason: str | None) -> None:
    state = as_json(media_payloads().state(estimate(0, label, reason=reason)))
    assert state["reason"] == reason
    assert state["probs"] == dict.fromkeys(EMOTIONS, 0)
    assert (state["confidence"], state["valence"], state["arousal"]) == (0, 0, 0)
    assert all(sum(part["probs"].values()) == 0 for part in state["modalities"].values())


def test_a_capture_is_dated_to_when_it_was_and_not_to_when_it_is_reported() -> None:
    clock = SystemClock()
    ago_ns = time.monotonic_ns() - 3_000_000_000
    assert time.time_ns() - clock.unix_ns(ago_ns) == pytest.approx(3e9, abs=5e7)
    assert clock.age_ms(ago_ns) == pytest.approx(3000, abs=50)
    assert clock.synced() in (True, False, None)


def test_recorded_media_have_no_age() -> None:
    state = as_json(media_payloads().state(estimate(5)))
    assert state["latency_ms"] == {"capture_to_publish": None}
    assert state["clock_synced"] is None


def test_times_are_utc_to_the_millisecond() -> None:
    assert rfc3339(1_795_236_102_123_999_999) == "2026-11-21T04:41:42.123Z"
    assert rfc3339(-1_000_000) == "1969-12-31T23:59:59.999Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", rfc3339(time.time_ns()))


def test_numbers_straight_from_a_model_can_be_reported() -> None:
    probs = tuple(np.float32(1 / 7) for _ in EMOTIONS)
    reading = estimate(0)
    numpy_like = type(reading)(
        reading.captured_ns, "sad", np.float32(0.3), np.float32(-0.00001), 0.0, probs, reading.modalities, "average"  # type: ignore[arg-type]
    )  # fmt: skip
    state = json.loads(encode(media_payloads().state(numpy_like)))
    assert state["probs"]["angry"] == 0.1429
    assert math.copysign(1, state["valence"]) == 1


def test_what_is_no_number_is_never_reported() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode({"confidence": math.nan})


def test_an_event_describes_its_episode() -> None:
    episodes = Episodes(id_prefix="b00t", min_s=1.0)
    events = [e for at in (0.0, 1.0) for e in episodes.step(estimate(at, "sad", 0.75))]
    payload = as_json(media_payloads().event(events[0]))
    assert payload["schema"] == "affectd.event/1"
    assert (payload["kind"], payload["id"], payload["label"]) == ("start", "b00t-1", "sad")
    assert payload["started_ts"] == "1970-01-01T00:00:00.000Z"
    assert payload["ts"] == "1970-01-01T00:00:01.000Z"
    assert payload["duration_s"] == 1.0
    assert payload["backfilled"] is False


def test_the_info_names_models_by_their_hash() -> None:
    info = as_json(
        media_payloads().info(
            version="0.1.0", models={"baseline-face": "ab" * 32}, runtime="ai_edge_litert", capabilities=["face"]
        )
    )
    assert info["models"] == [{"id": "baseline-face", "sha256": "ab" * 32}]
    assert info["state_schema"] == "affectd.state/1"
