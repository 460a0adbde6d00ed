"""Nets shared by many threads: what waits runs together, and the queue has an end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fakes import eventually

from desktop_server.batching import BatchingNet
from desktop_server.engine import OnnxNet, models_folder
from desktop_server.errors import RequestError
from device.models.card import Card, read_card
from device.models.net import FloatArray

FOLDER = models_folder()
CARD = read_card(FOLDER / "affectd-1-face.json")


class Gate:
    """Ten times each sample, once it is opened."""

    card: Card = CARD

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.entered, self.opened = threading.Event(), threading.Event()

    def batch(self, values: FloatArray) -> tuple[FloatArray, ...]:
        self.entered.set()
        assert self.opened.wait(10)
        self.sizes.append(len(values))
        return (values.reshape(len(values), -1)[:, :7] * 10,)


def sample(value: float) -> FloatArray:
    return np.full(CARD.input.shape[1:], value, dtype=np.float32)


def test_what_waits_runs_together_and_each_gets_its_own() -> None:
    gate = Gate()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=16)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(net, sample(0))
        assert gate.entered.wait(10)
        later = [pool.submit(net, sample(number)) for number in range(1, 9)]
        eventually(lambda: net.waiting == 7)  # and one is with the net's thread
        gate.opened.set()
        assert [float(one.result(30)[0][0]) for one in (first, *later)] == [10.0 * number for number in range(9)]
    assert gate.sizes == [1, 4, 4]
    net.close()


def test_a_group_of_samples_is_never_torn_apart() -> None:
    gate = Gate()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=16)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(net.batch, sample(1)[None])
        assert gate.entered.wait(10)
        groups = [pool.submit(net.batch, np.stack([sample(2)] * 3)) for _ in range(3)]
        eventually(lambda: net.waiting == 2)
        gate.opened.set()
        assert [len(one.result(30)[0]) for one in (first, *groups)] == [1, 3, 3, 3]
    assert gate.sizes == [1, 3, 3, 3]
    net.close()


def test_more_samples_than_fit_into_a_run_are_several_runs_in_their_order() -> None:
    gate = Gate()
    gate.opened.set()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=16)
    (answers,) = net.batch(np.stack([sample(number) for number in range(10)]))
    assert answers[:, 0].tolist() == [10.0 * number for number in range(10)]
    assert gate.sizes == [4, 4, 2]
    net.close()


def test_a_run_waits_for_more_if_it_is_told_to() -> None:
    gate = Gate()
    gate.opened.set()
    net = BatchingNet(gate, size=3, wait_s=10.0, capacity=16)
    with ThreadPoolExecutor(3) as pool:
        for answer in [pool.submit(net, sample(1)) for _ in range(3)]:
            answer.result(5)
    assert gate.sizes == [3]
    net.close()


def test_over_the_bound_the_caller_is_told_to_come_back() -> None:
    gate = Gate()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=1)
    with ThreadPoolExecutor(3) as pool:
        running = pool.submit(net, sample(1))
        assert gate.entered.wait(10)
        held = pool.submit(net, sample(2))  # by the net's thread
        eventually(lambda: net.unanswered == 1 and net.waiting == 0)
        waiting = pool.submit(net, sample(3))
        eventually(lambda: net.waiting == 1)
        with pytest.raises(RequestError) as caught:
            net(sample(4))
        assert caught.value.code == "busy"
        assert caught.value.retry_after_s
        gate.opened.set()
        assert float(running.result(30)[0][0]) == 10
        assert [float(one.result(30)[0][0]) for one in (held, waiting)] == [20, 30]
    net.close()


def test_an_error_of_the_net_goes_to_who_asked_and_the_next_is_answered() -> None:
    class Broken(Gate):
        def batch(self, values: FloatArray) -> tuple[FloatArray, ...]:
            if values[0].mean() < 0:
                raise ValueError("negative")
            return super().batch(values)

    gate = Broken()
    gate.opened.set()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=4)
    with pytest.raises(ValueError, match="negative"):
        net(sample(-1))
    assert float(net(sample(1))[0][0]) == 10
    net.close()


def test_who_comes_alone_runs_the_net_itself() -> None:
    class Named(Gate):
        def batch(self, values: FloatArray) -> tuple[FloatArray, ...]:
            self.thread = threading.current_thread()
            return super().batch(values)

    gate = Named()
    gate.opened.set()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=4)
    net(sample(1))
    assert gate.thread is threading.current_thread()
    net.close()


def test_a_real_net_answers_the_same_alone_and_in_company() -> None:
    net = OnnxNet(CARD, FOLDER)
    shared = BatchingNet(net, size=8, wait_s=0.0, capacity=64)
    samples = np.random.default_rng(1).random((32, *CARD.input.shape[1:]), dtype=np.float32)
    with ThreadPoolExecutor(16) as pool:
        together = np.stack([answer[0] for answer in pool.map(shared, samples)])
    alone = np.stack([net(one)[0] for one in samples])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    shared.close()
