"""DecoderPool: what is read in a process of its own is what is read here, and no file keeps one or brings one down."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from fakes import eventually
from hostile import picture_of_many_scans
from perception import astronaut, spoken
from server_process import HAPPY_CLIP, encoded, jpeg, wav

from desktop_server.analysis.cancellation import Cancellation
from desktop_server.analysis.decoding.media import MediaLimits, decode_picture
from desktop_server.analysis.decoding.pool import DecoderPool
from desktop_server.analysis.decoding.recording import open_recording
from desktop_server.analysis.decoding.worker import ResourceLimits
from desktop_server.schema.problems import RequestError
from device.signals import AudioBlock, Frame
from device.stages import Source

pytestmark = pytest.mark.slow

LIMITS = MediaLimits(pixels=25_000_000, seconds=60.0)
RATE_HZ = 10.0
HEAVY = picture_of_many_scans(80, 4900)
"""A second of the processor, in 98 kB."""


def wanted() -> None:
    """The work is."""


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderPool]:
    pool = DecoderPool(LIMITS, ResourceLimits(112 * 2**20, 1.0), warm=1, wait_s=60.0, rate_hz=RATE_HZ)
    pool.start_warm()
    yield pool
    pool.close()


def processes() -> set[int]:
    return {process.pid or 0 for process in multiprocessing.active_children() if process.name == "decoder"}


def told(source: Source[Frame] | Source[AudioBlock] | None) -> list[tuple[int, bytes]]:
    assert source is not None
    with source as signals:
        return [(s.captured_ns, (s.grey if isinstance(s, Frame) else s.samples).tobytes()) for s in signals]


def refusal(decoders: DecoderPool, data: bytes) -> str:
    with pytest.raises(RequestError) as caught:
        decoders.picture(data, wanted)
    return caught.value.code


@pytest.mark.slow
def test_a_picture_decodes_as_in_this_process(decoders: DecoderPool) -> None:
    for data in (jpeg(), encoded(".png", astronaut()[:200])):
        assert np.array_equal(decoders.picture(data, wanted), decode_picture(data, LIMITS))


@pytest.mark.slow
def test_films_and_sounds_decode_as_in_this_process_each_time(decoders: DecoderPool) -> None:
    for data in (HAPPY_CLIP.read_bytes(), wav(spoken(5.0)), wav(spoken(12.0)), wav(spoken(5.0), kind="FLAC")):
        with open_recording(data, LIMITS, rate_hz=RATE_HZ) as here, decoders.recording(data, wanted) as there:
            assert (here.video is None) == (there.video is None)
            for _ in range(2):
                assert told(there.audio) == told(here.audio)
                if here.video is not None:
                    assert told(there.video) == told(here.video)


def test_refusals_cross_the_process_and_the_decoder_goes_on(decoders: DecoderPool) -> None:
    decoders.picture(jpeg(), wanted)
    before = processes()
    assert refusal(decoders, b"no picture") == "unsupported-media"
    assert refusal(decoders, b"") == "empty-media"
    with pytest.raises(RequestError, match="this is no WAV"), decoders.recording(b"no sound", wanted):
        pass
    decoders.picture(jpeg(), wanted)
    assert processes() == before


@pytest.mark.slow
def test_the_processor_limit_ends_a_job_and_the_next_is_read() -> None:
    others = processes()
    pool = DecoderPool(
        MediaLimits(pixels=100_000_000, seconds=60.0), ResourceLimits(2**30, 0.1), warm=1, wait_s=60.0, rate_hz=RATE_HZ
    )
    pool.start_warm()
    before = processes() - others
    assert before
    assert refusal(pool, picture_of_many_scans(80, 8900)) == "too-much-work"
    assert pool.picture(jpeg(), wanted).shape == astronaut().shape
    assert not processes() & before
    pool.close()


def test_the_memory_limit_refuses_a_job_and_the_next_is_read() -> None:
    pool = DecoderPool(LIMITS, ResourceLimits(40 * 2**20, 60.0), warm=1, wait_s=60.0, rate_hz=RATE_HZ)
    assert refusal(pool, HEAVY) in ("too-much-work", "unreadable-picture")
    assert pool.picture(jpeg(), wanted).shape == astronaut().shape
    pool.close()


def test_cancellation_ends_the_decoding(decoders: DecoderPool) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    before = processes()
    with pytest.raises(RequestError) as caught:
        decoders.picture(HEAVY, cancellation.check)
    assert caught.value.code == "client-gone"
    assert not processes() & before


def end_on_the_way(decoders: DecoderPool, ending: signal.Signals) -> None:
    with decoders.recording(HAPPY_CLIP.read_bytes(), wanted) as tracks:
        assert tracks.video is not None
        for number, _ in enumerate(tracks.video):
            if number == 2:
                for process in processes():
                    os.kill(process, ending)


def test_a_killed_decoder_is_a_refusal_and_is_replaced(decoders: DecoderPool) -> None:
    for ending, code in ((signal.SIGSEGV, "unreadable-recording"), (signal.SIGKILL, "too-much-work")):
        with pytest.raises(RequestError) as caught:
            end_on_the_way(decoders, ending)
        assert caught.value.code == code
        assert decoders.picture(jpeg(), wanted).shape == astronaut().shape


def test_an_abandoned_film_leaves_the_decoder_usable(decoders: DecoderPool) -> None:
    with decoders.recording(HAPPY_CLIP.read_bytes(), wanted) as tracks:
        assert tracks.video is not None
        next(iter(tracks.video))
    assert decoders.picture(jpeg(), wanted).shape == astronaut().shape


def test_closing_the_pool_ends_its_processes() -> None:
    pool = DecoderPool(LIMITS, ResourceLimits(112 * 2**20, 1.0), warm=2, wait_s=60.0, rate_hz=RATE_HZ)
    before = processes()
    pool.start_warm()
    mine = processes() - before
    assert len(mine) == 2
    pool.close()
    eventually(lambda: not processes() & mine)
