"""Which Python can run affectd, said by any that cannot."""

import subprocess

import pytest
from appliance import ROOT
from faults import (
    old_python,
    python_32bit,
)

from device.interpreter import interpreter_fault

pytestmark = pytest.mark.slow


def test_a_python_that_is_too_old_is_named() -> None:
    done = subprocess.run(
        [old_python(), "-m", "device", "doctor"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 78
    assert done.stderr.count("\n") == 1
    assert "3.11 or newer is needed; use Raspberry Pi OS bookworm" in done.stderr


def test_a_32_bit_python_is_named() -> None:
    done = subprocess.run(
        [*python_32bit(), "-m", "device", "doctor"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 78
    assert "(32-bit, on " in done.stderr
    assert "write a card with the 64-bit Raspberry Pi OS" in done.stderr


@pytest.mark.parametrize(
    ("version", "bits", "said"),
    [((3, 10, 13), 64, "3.11 or newer is needed"), ((3, 11, 2), 32, "64-bit Raspberry Pi OS"), ((3, 11, 0), 64, "")],
)
def test_an_interpreter_is_judged_by_version_and_bits(version: tuple[int, ...], bits: int, said: str) -> None:
    fault = interpreter_fault(version, bits)
    assert (said in fault) if said else fault == ""
