"""The broker of the demonstration and the benchmark."""

from __future__ import annotations

import pytest
from sockets import sends_at_once

from device.bench.end_to_end import subscriber
from device.bench.local_broker import local_broker

pytestmark = pytest.mark.slow


def test_no_small_message_waits_for_the_acknowledgement_of_the_last() -> None:
    with local_broker() as broker, subscriber(broker):
        assert sends_at_once(broker.port) == [True]
