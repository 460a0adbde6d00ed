"""From a corpus's signal to what a model takes: as the appliance serves it, and as training varies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.features import face, logmel, mfcc, prosody
from device.features.frames import speech_frames
from device.features.hum import without_hum
from device.features.mel import WINDOW_SAMPLES, LogEnergies, log_energies
from device.features.voice import voiced_stretches
from quantize import augment
from quantize.faces import face_in
from quantize.voice_variation import varied_energies

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """One version of features, as cards name it.

    ``heard`` takes a corpus's signal to what the appliance hands on to its features, or ``None`` where it would say
    nothing; it is done once a signal. ``served`` makes the model's input of that, ``varied`` does so for training.
    """

    features: str
    heard: Callable[[Any], Any | None]
    served: Callable[[Any], FloatArray]
    varied: Callable[[Any, np.random.Generator], FloatArray]


def longest_stretch(clip: NDArray[np.int16]) -> NDArray[np.int16] | None:
    """The longest voiced stretch that the appliance's own gate finds in a clip, ``None`` if it finds none.

    Without offset and hum, as the appliance hears it.
    """
    clip = without_hum(clip)
    stretches = [clip[s.first_sample : s.end_sample] for s in voiced_stretches(clip)]
    return max(stretches, key=len, default=None)


def served_speech(stretch: NDArray[np.int16]) -> FloatArray:
    """What the last reading of a voiced stretch is made from: its last 3 s, float32 (128, 40, 1)."""
    return mfcc.model_input(log_energies(stretch[-WINDOW_SAMPLES:]))[..., np.newaxis]


def varied_speech(stretch: NDArray[np.int16], rng: np.random.Generator) -> FloatArray:
    """``served_speech`` of a piece of the stretch, with other loudness and noise, and parts of it masked."""
    piece = augment.with_noise(augment.cut_somewhere(stretch, rng), rng)
    return augment.masked(served_speech(piece), rng)


def served_prosodic(stretch: NDArray[np.int16]) -> FloatArray:
    """The same of log energies in mel bands and of prosody, float32 (129, 40, 1)."""
    return prosody.model_input(speech_frames(stretch[-WINDOW_SAMPLES:]))[..., np.newaxis]


def varied_log_mel(stretch: NDArray[np.int16], rng: np.random.Generator) -> FloatArray:
    """``served_prosodic`` of a piece of the stretch in another tempo, voice and microphone, without its prosody."""
    return masked_log_mel(varied_energies(log_energies(stretch), rng), rng)


def masked_log_mel(energies: LogEnergies, rng: np.random.Generator) -> FloatArray:
    """A model's input of at most 128 frames of energies, parts of it masked, and of an average prosody."""
    masked = augment.masked(logmel.model_input(energies), rng, frames=10, coefficients=4)
    return np.vstack([masked, np.zeros_like(masked[:1])])[..., np.newaxis]


def served_face(image: NDArray[np.uint8]) -> FloatArray:
    """A 48×48 grey face as float32 (48, 48, 1) in 0…1."""
    return image.astype(np.float32)[..., np.newaxis] / np.float32(255)


def varied_face(image: NDArray[np.uint8], rng: np.random.Generator) -> FloatArray:
    """``served_face`` of the picture mirrored and moved."""
    return served_face(augment.flipped_and_cropped(image, rng))


FACE = FrontEnd(features=face.FEATURE_VERSION, heard=face_in, served=served_face, varied=varied_face)
SPEECH = FrontEnd(features=mfcc.FEATURE_VERSION, heard=longest_stretch, served=served_speech, varied=varied_speech)
PROSODIC_SPEECH = FrontEnd(
    features=prosody.FEATURE_VERSION, heard=longest_stretch, served=served_prosodic, varied=varied_log_mel
)
FRONT_ENDS = {front_end.features: front_end for front_end in (FACE, SPEECH, PROSODIC_SPEECH)}
