"""The benchmark measures what it says it does."""

from __future__ import annotations

import pytest
from server_process import jpeg

from desktop_server.bench.client import request
from desktop_server.bench.measure import measure_alone, memory, overload
from desktop_server.bench.server import local_server
from device.errors import AffectdError

pytestmark = pytest.mark.slow

FACE = request("/v1/face", jpeg(), "image/jpeg")
BROKEN = request("/v1/face", b"no picture", "image/jpeg")


def test_one_request_at_a_time_is_timed_by_stages_and_processor() -> None:
    with local_server() as server:
        figures = measure_alone(server, FACE, 20)
        assert figures.requests >= 20
        assert 0 < figures.stages_ms["find_faces"] < figures.server_ms[0] <= figures.server_ms[2]
        assert figures.cpu_ms > 0.5
        kept = memory(server, [FACE], 200)
        assert len(kept.resident_mib) == 3
        assert kept.peak_mib >= max(kept.resident_mib)
        with pytest.raises(AffectdError, match="unsupported-media"):
            measure_alone(server, BROKEN, 1)


def test_twice_the_capacity_is_partly_refused_and_the_rest_is_answered_in_time() -> None:
    with local_server("[batching]\nqueue = 4\n") as server:
        figures = overload(server, FACE, 4.0, clients=4)
    assert set(figures.statuses) == {"200", "503"}
    assert 0.1 < figures.share_refused < 0.95
    assert figures.latency_ms[1] < 5000
    assert figures.answered_per_s > 0
