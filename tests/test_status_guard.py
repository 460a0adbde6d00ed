import json
import logging

import pytest

from device.publish.message import Message
from device.publish.status_guard import StatusGuard

SECOND_NS = 1_000_000_000


def status(state: str, boot_id: str = "b00t", *, retain: bool = False) -> Message:
    return Message("affectd/kitchen/status", json.dumps({"state": state, "boot_id": boot_id}).encode(), 1, retain)


def test_its_own_online_needs_no_answer() -> None:
    guard = StatusGuard("kitchen", "b00t")
    guard.see(status("online"))
    assert not guard.due(0, link_has_problem=False)


@pytest.mark.parametrize(
    "message", [status("offline", "other"), status("online", "other"), Message("a", b"[]", 1, False)]
)
def test_what_somebody_else_states_is_corrected_once(message: Message, caplog: pytest.LogCaptureFixture) -> None:
    guard = StatusGuard("kitchen", "b00t")
    guard.see(message)
    assert [guard.due(0, link_has_problem=False), guard.due(0, link_has_problem=False)] == [True, False]
    assert "somebody said that kitchen is not online" in caplog.text


def test_two_nodes_of_one_name_correct_each_other_once_a_second() -> None:
    guard = StatusGuard("kitchen", "b00t")
    corrected = 0
    for tenth in range(31):
        guard.see(status("online", "the twin"))
        corrected += guard.due(tenth * SECOND_NS // 10, link_has_problem=True)
    assert corrected == 4


def test_its_own_last_will_is_corrected_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    guard = StatusGuard("kitchen", "b00t")
    guard.see(status("offline"))
    assert guard.due(0, link_has_problem=False)
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_what_was_retained_before_it_came_is_older_than_its_online() -> None:
    guard = StatusGuard("kitchen", "b00t")
    guard.see(status("offline", retain=True))
    assert not guard.due(0, link_has_problem=False)
