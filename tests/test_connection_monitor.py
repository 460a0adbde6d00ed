import logging

import pytest

from device.publish.connection_monitor import ConnectionMonitor

SECOND_NS = 1_000_000_000


@pytest.fixture(autouse=True)
def everything_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def lives(log: ConnectionMonitor, *lengths_s: float, start_s: float = 0, taken_over: bool = False) -> float:
    """Connections one after the other, a second apart; when the last one ended."""
    for length_s in lengths_s:
        log.accepted(round(start_s * SECOND_NS))
        log.lost("no reason", round((start_s + length_s) * SECOND_NS), taken_over=taken_over)
        start_s += length_s + 1
    return start_s


def said(log: pytest.LogCaptureFixture) -> list[str]:
    known = {"connected": "connected", "trying again": "lost", "another client": "quarrel", "refuses": "refused"}
    return [name for record in log.records for words, name in known.items() if words in record.message]


def test_each_loss_of_a_connection_that_held_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    lives(ConnectionMonitor("pi:1883"), 60, 60, 60, 60)
    assert said(caplog) == ["connected", "lost"] * 4


def test_two_young_losses_are_an_accident_and_the_third_is_a_conflict(caplog: pytest.LogCaptureFixture) -> None:
    lives(ConnectionMonitor("pi:1883"), 1, 1, 60, 1, 1, 1, 1, 1, 1)
    assert said(caplog) == [*["connected", "lost"] * 5, "connected", "quarrel"]


def test_a_broker_that_names_the_conflict_is_believed_at_once(caplog: pytest.LogCaptureFixture) -> None:
    lives(ConnectionMonitor("pi:1883"), 60, 1, 1, taken_over=True)
    assert said(caplog) == ["connected", "quarrel"]


def test_a_conflict_is_over_when_a_connection_has_grown_old(caplog: pytest.LogCaptureFixture) -> None:
    log = ConnectionMonitor("pi:1883")
    end_s = lives(log, 1, 1, 1)
    log.accepted(round(end_s * SECOND_NS))
    log.held(round((end_s + 4) * SECOND_NS))
    assert "another client" in (log.problem or "")
    log.held(round((end_s + 6) * SECOND_NS))
    log.held(round((end_s + 9) * SECOND_NS))
    assert said(caplog)[-2:] == ["quarrel", "connected"]
    assert log.problem is None


def test_nobody_at_an_address_is_reported_in_words_without_the_systems_number() -> None:
    log = ConnectionMonitor("pi:1883")
    log.unreachable(ConnectionRefusedError(111, "Connection refused"))
    assert (
        log.problem
        == "the broker pi:1883 cannot be reached (Connection refused); everything else runs on, trying again"
    )


def test_a_broker_that_keeps_falling_over_is_no_conflict(caplog: pytest.LogCaptureFixture) -> None:
    log = ConnectionMonitor("pi:1883")
    for start_s in range(0, 50, 10):
        lives(log, 1, start_s=start_s)
        log.unreachable("Connection refused")
    assert "quarrel" not in said(caplog)


def test_a_refusal_is_reported_until_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    log = ConnectionMonitor("pi:1883")
    for reason in ("Not authorized", "Not authorized", "Banned", "Not authorized"):
        log.refused(reason)
        log.lost("Protocol error", 0, taken_over=False)
    assert said(caplog) == ["refused"] * 3


def test_a_connection_that_ends_before_it_was_accepted_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    log = ConnectionMonitor("pi:1883")
    for second in range(4):  # a plain client at a TLS port
        log.lost("Unspecified error", second * SECOND_NS, taken_over=False)
    assert said(caplog) == ["lost"]
