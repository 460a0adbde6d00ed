"""Circumplex coordinates: where an emotion lies on the valence–arousal plane."""

from __future__ import annotations

from device.readings import EMOTIONS, Emotion, Probabilities

# (valence, arousal) in -1…1: the mean ratings of the terms angry, disgusted, fearful, happy, sad and surprised in
# Russell & Mehrabian, Evidence for a three-factor theory of emotions, J. Research in Personality 11 (1977), 273-294.
# Neutral is the origin.
COORDINATES: dict[Emotion, tuple[float, float]] = {
    Emotion.ANGRY: (-0.51, 0.59),
    Emotion.DISGUST: (-0.60, 0.35),
    Emotion.FEAR: (-0.64, 0.60),
    Emotion.HAPPY: (0.81, 0.51),
    Emotion.NEUTRAL: (0.0, 0.0),
    Emotion.SAD: (-0.63, -0.27),
    Emotion.SURPRISE: (0.40, 0.67),
}


def valence_arousal(probs: Probabilities) -> tuple[float, float]:
    """The expected valence and arousal, each in -1…1."""
    valence = sum(p * COORDINATES[emotion][0] for p, emotion in zip(probs, EMOTIONS, strict=True))
    arousal = sum(p * COORDINATES[emotion][1] for p, emotion in zip(probs, EMOTIONS, strict=True))
    return valence, arousal
