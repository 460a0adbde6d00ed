from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.threads.handover import DropOldest


@given(st.lists(st.integers(), max_size=50), st.integers(1, 8))
@pytest.mark.slow
def test_the_newest_items_survive_and_every_loss_is_counted(items: list[int], capacity: int) -> None:
    handover: DropOldest[int] = DropOldest(capacity)
    for item in items:
        handover.put(item)
    handover.close()
    taken = []
    while not handover.finished:
        taken.append(handover.take())
    assert taken == items[-capacity:]
    assert handover.dropped == max(0, len(items) - capacity)


def test_whoever_waits_is_woken_by_an_item_and_by_the_close() -> None:
    handover: DropOldest[str] = DropOldest(1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(handover.take)
        handover.put("picture")
        assert waiting.result(5) == "picture"
        waiting = pool.submit(handover.take)
        handover.close()
        assert waiting.result(5) is None


def test_a_wait_has_its_end() -> None:
    assert DropOldest[int](1).take(timeout_s=0.01) is None
