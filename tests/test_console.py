import io
import json

from estimates import estimate

from device.publish.console import ConsoleSink, human_line
from device.publish.payload import MediaClock, Payloads
from device.readings import NOBODY, UNKNOWN


def printed(*, as_json: bool) -> list[str]:
    payloads = Payloads(node="kitchen", boot_id="b00t", model_set="baseline", clock=MediaClock())
    stream = io.StringIO()
    with ConsoleSink(stream=stream, payloads=payloads, as_json=as_json) as sink:
        sink.publish(estimate(1.2, "happy", 0.81, speech=True))
        sink.publish(estimate(2.0, NOBODY))
        sink.publish(estimate(3.0, UNKNOWN, reason="camera lost"))
    return stream.getvalue().splitlines()


def test_json_lines_are_the_states_that_the_broker_would_carry() -> None:
    states = [json.loads(line) for line in printed(as_json=True)]
    assert [(s["schema"], s["label"], s["seq"]) for s in states] == [
        ("affectd.state/1", "happy", 1),
        ("affectd.state/1", NOBODY, 2),
        ("affectd.state/1", UNKNOWN, 3),
    ]


def test_a_person_reads_who_reported_what() -> None:
    happy, nobody, unknown = printed(as_json=False)
    assert " ".join(happy.split()) == "1.20 s happy 0.81 face happy 0.81 ×0.50 speech happy 0.81 ×0.50"
    assert " ".join(nobody.split()) == "2.00 s nobody 0.00 face – speech –"
    assert " ".join(unknown.split()) == "3.00 s unknown camera lost"


def test_lines_stand_in_columns() -> None:
    assert human_line(estimate(1, "sad")).index("face") == human_line(estimate(10_000, "surprise")).index("face")
