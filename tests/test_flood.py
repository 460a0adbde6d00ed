from device.publish.flood import Flood

SECOND_NS = 1_000_000_000


def decisions(arrivals_a_second: list[int]) -> list[tuple[float, bool]]:
    """What is decided, and when, as requests arrive in each second; ten looks a second."""
    flood, arrived, told = Flood(most_a_second=50, pause_s=3.0), 0, []
    flood.restart(0, 0)
    for second, rate in enumerate(arrivals_a_second):
        for tenth in range(10):
            arrived += rate // 10
            if (listen := flood.step(arrived, round((second + tenth / 10) * SECOND_NS))) is not None:
                told.append((second + tenth / 10, listen))
    return told


def test_what_a_house_asks_is_received() -> None:
    assert decisions([10, 40, 50, 0, 40]) == []


def test_a_flood_is_not_listened_to_until_the_pause_is_over() -> None:
    assert decisions([0, 2000, 0, 0, 0, 0, 10]) == [(1.0, False), (4.0, True)]


def test_a_flood_that_goes_on_is_received_for_a_moment_each_time() -> None:
    assert decisions([2000] * 7) == [(0.0, False), (3.0, True), (3.1, False), (6.1, True), (6.2, False)]
