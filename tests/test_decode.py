import msgspec
import pytest
from estimates import estimate

from device.publish.contract import encode
from device.publish.decode import estimate_of
from device.publish.payload import MediaClock, Payloads


@pytest.mark.parametrize("label", ["happy", "nobody", "unknown"])
def test_what_is_sent_comes_back(label: str) -> None:
    sent = estimate(1.0, label, reason="privacy" if label == "unknown" else None)
    payloads = Payloads(node="n", boot_id="b", model_set="m", clock=MediaClock())
    back = estimate_of(encode(payloads.state(sent)))
    assert (back.label, back.captured_ns, back.rule) == (sent.label, sent.captured_ns, sent.rule)
    assert (back.reason, back.uncertain_below, back.hold_s) == (sent.reason, sent.uncertain_below, sent.hold_s)
    assert (back.probs is None) is (sent.probs is None)
    assert back.confidence == pytest.approx(sent.confidence, abs=1e-4)
    assert {m: s.present for m, s in back.modalities.items()} == {m: s.present for m, s in sent.modalities.items()}


def test_another_message_is_no_estimate() -> None:
    with pytest.raises(msgspec.DecodeError):
        estimate_of(b'{"state": "online"}')
