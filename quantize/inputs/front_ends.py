"""Front ends: from a corpus's signal to a model's input, as the appliance makes it, and as training varies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.arrays import FloatArray
from device.features import face, logmel, mfcc, prosody, relative_voice
from device.features.frames import speech_frames
from device.features.hum import without_hum
from device.features.mel import WINDOW_SAMPLES, LogEnergies, log_energies
from device.features.voice_activity import speech_segments
from quantize.augment import faces, voices
from quantize.datasets import Samples
from quantize.inputs.faces import face_in
from quantize.inputs.streams import inputs_in_turn, last_input


@dataclass(frozen=True, slots=True)
class CorpusFrontEnd:
    """One version of features, as cards name it.

    ``preprocess`` takes a corpus's signal to what the appliance hands on to its features, or ``None`` where it would
    say nothing; it is done once a signal. ``served`` makes the model's input of that, ``varied`` does so for training.
    Where an input depends on what its speaker said before, ``in_turn`` makes those of all samples, and ``served`` that
    of a stream's first words.
    """

    features: str
    preprocess: Callable[[Any], Any | None]
    served: Callable[[Any], FloatArray]
    varied: Callable[[Any, np.random.Generator], FloatArray]
    in_turn: Callable[[Samples], FloatArray] | None = None

    def inputs(self, samples: Samples) -> FloatArray:
        """The model's inputs of preprocessed samples, (samples, …); speakers are told by ``groups``."""
        if self.in_turn is not None and len(samples):
            return self.in_turn(samples)
        return np.stack([self.served(signal) for signal in samples.signals])


def longest_segment(clip: NDArray[np.int16]) -> NDArray[np.int16] | None:
    """The longest voiced segment that the appliance's own gate finds in a clip, ``None`` if it finds none.

    Without offset and hum, as the appliance hears it.
    """
    clip = without_hum(clip)
    segments = [clip[s.first_sample : s.end_sample] for s in speech_segments(clip)]
    return max(segments, key=len, default=None)


def served_speech(segment: NDArray[np.int16]) -> FloatArray:
    """What the last reading of a voiced segment is made from: its last 3 s, float32 (128, 40, 1)."""
    return mfcc.model_input(log_energies(segment[-WINDOW_SAMPLES:]))[..., np.newaxis]


def varied_speech(segment: NDArray[np.int16], rng: np.random.Generator) -> FloatArray:
    """``served_speech`` of a piece of the segment, with other loudness and noise, and parts of it masked."""
    piece = voices.with_noise(voices.cut_somewhere(segment, rng), rng)
    return voices.masked(served_speech(piece), rng)


def served_prosodic(segment: NDArray[np.int16]) -> FloatArray:
    """The same of log energies in mel bands and of prosody, float32 (129, 40, 1)."""
    return prosody.model_input(speech_frames(segment[-WINDOW_SAMPLES:]))[..., np.newaxis]


def varied_log_mel(segment: NDArray[np.int16], rng: np.random.Generator) -> FloatArray:
    """``served_prosodic`` of a piece of the segment in another tempo, voice and microphone, without its prosody."""
    return masked_log_mel(voices.varied_energies(log_energies(segment), rng), rng)


def masked_log_mel(energies: LogEnergies, rng: np.random.Generator) -> FloatArray:
    """A model's input of at most 128 frames of energies, parts of it masked, and of an average prosody."""
    masked = voices.masked(logmel.model_input(energies), rng, frames=10, coefficients=4)
    return np.vstack([masked, np.zeros_like(masked[:1])])[..., np.newaxis]


def served_face(image: NDArray[np.uint8]) -> FloatArray:
    """A 48×48 grey face as float32 (48, 48, 1) in 0…1."""
    return image.astype(np.float32)[..., np.newaxis] / np.float32(255)


def varied_face(image: NDArray[np.uint8], rng: np.random.Generator) -> FloatArray:
    """``served_face`` of the picture mirrored and moved."""
    return served_face(faces.flipped_and_cropped(image, rng))


FACE = CorpusFrontEnd(features=face.FEATURE_VERSION, preprocess=face_in, served=served_face, varied=varied_face)
SPEECH = CorpusFrontEnd(
    features=mfcc.FEATURE_VERSION, preprocess=longest_segment, served=served_speech, varied=varied_speech
)
PROSODIC_SPEECH = CorpusFrontEnd(
    features=prosody.FEATURE_VERSION, preprocess=longest_segment, served=served_prosodic, varied=varied_log_mel
)
RELATIVE_SPEECH = CorpusFrontEnd(
    features=relative_voice.FEATURE_VERSION,
    preprocess=longest_segment,
    served=lambda segment: last_input(segment, relative_voice.RelativeVoice())[..., np.newaxis],
    varied=varied_log_mel,
    in_turn=lambda samples: inputs_in_turn(samples.signals, samples.names, samples.groups),
)
FRONT_ENDS = {front_end.features: front_end for front_end in (FACE, SPEECH, PROSODIC_SPEECH, RELATIVE_SPEECH)}
