import subprocess
import sys

import numpy as np
import pytest
import scipy.fft
from numpy.typing import NDArray
from python_speech_features import mfcc as reference_mfcc

from device.features import mfcc, psf
from device.features.frames import FrameStream, speech_frames
from device.features.mel import STEP_SAMPLES, WINDOW_SAMPLES, log_energies


def noise(samples: int, seed: int = 7) -> NDArray[np.int16]:
    return (np.random.default_rng(seed).normal(size=samples) * 3000).astype(np.int16)


def test_equals_the_library_that_it_is_built_from() -> None:
    sound = noise(48_000)
    reference = reference_mfcc(
        sound, 16_000, winlen=0.032, winstep=375 / 16_000, numcep=40, nfilt=40, nfft=512, preemph=0.97, ceplifter=22,
        appendEnergy=False,
    )  # fmt: skip
    assert reference.shape == (128, 40)
    np.testing.assert_allclose(mfcc.coefficients(sound), reference, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("hop", [12_000, 4_800, 7_777])
def test_a_stream_gives_the_same_frames_as_its_last_three_seconds(hop: int) -> None:
    sound, stream = noise(130_000), FrameStream()
    for end in range(hop, len(sound), hop):
        stream.push(sound[end - hop : end])
        first = max(0, end - WINDOW_SAMPLES)
        first = -(-first // STEP_SAMPLES) * STEP_SAMPLES
        streamed, whole = stream.window(), speech_frames(sound[first:end])
        np.testing.assert_allclose(streamed.energies, whole.energies, atol=1e-10)
        np.testing.assert_array_equal(streamed.pitches, whole.pitches)


def test_neither_loudness_nor_length_changes_the_shape_or_scale_of_the_input() -> None:
    loud = noise(30_000)
    quiet = loud // 4
    a, b = (mfcc.model_input(log_energies(s)) for s in (quiet, loud))
    np.testing.assert_allclose(a, b, atol=0.02)
    assert a.shape == (128, 40)
    assert a.dtype == np.float32


def test_the_cosine_transform_is_scipys() -> None:
    rows = np.random.default_rng(1).normal(size=(5, 40))
    np.testing.assert_allclose(psf.dct(rows), scipy.fft.dct(rows, type=2, axis=1, norm="ortho"), atol=1e-12)


def test_the_appliance_does_without_scipy() -> None:
    code = "import sys, device.features.mfcc; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_digital_silence_is_not_a_number_trap() -> None:
    assert np.isfinite(mfcc.model_input(log_energies(np.zeros(48_000, dtype=np.int16)))).all()
