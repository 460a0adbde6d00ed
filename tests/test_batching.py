"""Nets shared by many threads: what waits runs together, and the queue has an end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fakes import eventually

from desktop_server.inference.batching import BatchingNet
from desktop_server.inference.onnx import OnnxNet, float_models_folder
from desktop_server.schema.problems import RequestError
from device.arrays import FloatArray
from device.models.card import Card, read_card

pytestmark = pytest.mark.slow

FOLDER = float_models_folder()
CARD = read_card(FOLDER / "affectd-1-face.json")


class Gate:
    """Ten times each sample, once it is opened."""

    card: Card = CARD

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.entered, self.opened = threading.Event(), threading.Event()

    def batch(self, *inputs: FloatArray) -> tuple[FloatArray, ...]:
        (values,) = inputs
        self.entered.set()
        assert self.opened.wait(10)
        self.sizes.append(len(values))
        return (values.reshape(len(values), -1)[:, :7] * 10,)


def sample(value: float) -> FloatArray:
    return np.full(CARD.input.shape[1:], value, dtype=np.float32)


def test_waiting_requests_share_a_run_and_get_their_own_results() -> None:
    gate = Gate()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=16)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(net, sample(0))
        assert gate.entered.wait(10)
        later = [pool.submit(net, sample(number)) for number in range(1, 9)]
        eventually(lambda: net.queued == 7)  # and one is with the net's thread
        gate.opened.set()
        assert [float(one.result(30)[0][0]) for one in (first, *later)] == [10.0 * number for number in range(9)]
    assert gate.sizes == [1, 4, 4]
    net.close()


def test_a_requests_samples_stay_in_one_run() -> None:
    gate = Gate()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=16)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(net.batch, sample(1)[None])
        assert gate.entered.wait(10)
        groups = [pool.submit(net.batch, np.stack([sample(2)] * 3)) for _ in range(3)]
        eventually(lambda: net.queued == 2)
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


def test_wait_ms_delays_a_run_for_more_samples() -> None:
    gate = Gate()
    gate.opened.set()
    net = BatchingNet(gate, size=3, wait_s=10.0, capacity=16)
    with ThreadPoolExecutor(3) as pool:
        for answer in [pool.submit(net, sample(1)) for _ in range(3)]:
            answer.result(5)
    assert gate.sizes == [3]
    net.close()


def test_beyond_the_queue_a_request_is_busy() -> None:
    gate = Gate()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=1)
    with ThreadPoolExecutor(3) as pool:
        running = pool.submit(net, sample(1))
        assert gate.entered.wait(10)
        held = pool.submit(net, sample(2))  # by the net's thread
        eventually(lambda: net.pending == 1 and net.queued == 0)
        waiting = pool.submit(net, sample(3))
        eventually(lambda: net.queued == 1)
        with pytest.raises(RequestError) as caught:
            net(sample(4))
        assert caught.value.code == "busy"
        assert caught.value.retry_after_s
        gate.opened.set()
        assert float(running.result(30)[0][0]) == 10
        assert [float(one.result(30)[0][0]) for one in (held, waiting)] == [20, 30]
    net.close()


def test_an_error_of_the_net_reaches_its_caller_only() -> None:
    class Broken(Gate):
        def batch(self, *inputs: FloatArray) -> tuple[FloatArray, ...]:
            if inputs[0].mean() < 0:
                raise ValueError("negative")
            return super().batch(*inputs)

    gate = Broken()
    gate.opened.set()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=4)
    with pytest.raises(ValueError, match="negative"):
        net(sample(-1))
    assert float(net(sample(1))[0][0]) == 10
    net.close()


def test_a_single_request_runs_in_its_own_thread() -> None:
    class Named(Gate):
        def batch(self, *inputs: FloatArray) -> tuple[FloatArray, ...]:
            self.thread = threading.current_thread()
            return super().batch(*inputs)

    gate = Named()
    gate.opened.set()
    net = BatchingNet(gate, size=4, wait_s=0.0, capacity=4)
    net(sample(1))
    assert gate.thread is threading.current_thread()
    net.close()


def test_a_real_net_gives_the_same_alone_and_batched() -> None:
    net = OnnxNet(CARD, FOLDER)
    shared = BatchingNet(net, size=8, wait_s=0.0, capacity=64)
    samples = np.random.default_rng(1).random((32, *CARD.input.shape[1:]), dtype=np.float32)
    with ThreadPoolExecutor(16) as pool:
        together = np.stack([answer[0] for answer in pool.map(shared, samples)])
    alone = np.stack([net(one)[0] for one in samples])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    shared.close()
