"""What a node may have, for the tests of what it announces."""

from device.modalities import MODALITIES
from device.publish.homeassistant import Equipment

FACE_SENSE, SPEECH_SENSE, *_ = (row.sense for row in MODALITIES)
EVERYTHING = Equipment(tuple(row.sense for row in MODALITIES))
