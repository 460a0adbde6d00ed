"""What was tried for goals that are hard to reach; the report says it of those that are not reached."""

_FACES = """
What is served is chosen for two kinds of labels that contradict each other in a third of the pictures: on either kind
alone one of the two answers does better, and on the other kind worse ('Which answer is served'). Tried: more epochs,
more blocks, gates, aiming at the votes of FER+, the net as its own teacher, means of weights (the learning curves show
each stage), int8 ranges without the farthest values.
"""
_UNKNOWN_VOICES = """
Tried: statistics of prosody beside the spectra, and 80 ways to count them ('What prosody counts'); spectra
alone give less. The corpus is Polish; the nets that are scored on it have heard English alone.
"""
_FEW_CLIPS = """
The worst is the voice's, on the few clips of one fold, where even a net that is right exactly as often as it says has
an error by chance that is larger than the goal: its drawing under 'Does a net know how sure it may be?' says how large.
Tried: a temperature from the other four folds, which is what ships; all folds together have a line of their own.
"""


def tried(goal: str) -> str:
    """For the goal of this line; empty where nothing is told."""
    return " ".join(_TRIED.get(goal, "").split())


_TRIED = {
    "FER2013 PrivateTest, all: accuracy": _FACES,
    "nEMO, the same, prosody chosen without it: UAR": _UNKNOWN_VOICES,
    "calibration error, the worst of both files' tests": _FEW_CLIPS,
}
