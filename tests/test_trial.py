"""The judge of updates, as far as it needs no booted machine; the rest is in deploy/debian/test_updates_booted.py."""

import runpy
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[1] / "deploy" / "debian" / "trial.py"


parts_fault = runpy.run_path(str(PROGRAM))["parts_fault"]
ALL = "broker online, store online, models online, camera online, microphone online"
DARK = ALL.replace("camera online", "camera dark")


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (ALL, ALL, ""),
        (ALL, DARK, ""),
        (DARK, ALL, ""),
        (
            DARK,
            ALL.replace("camera online", "camera offline"),
            "camera was dark",
        ),
        (ALL, ALL.replace("camera online", "camera degraded"), "camera was online before, and is degraded"),
        (ALL, ALL.replace("broker online", "broker offline"), "broker was online before, and is offline"),
        (ALL, ALL.replace("camera online", "camera disabled") + ", privacy on", ""),
        (ALL, "", ""),
    ],
)
def test_what_was_online_must_be_so_again_but_for_darkness(before: str, after: str, fault: str) -> None:
    found = parts_fault(before, after)
    assert found.startswith(fault)
    assert bool(found) is bool(fault)
