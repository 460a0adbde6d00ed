"""affectd: emotion from face and voice, on the device.

The shared pipeline. A datum moves one way through it and is never changed in place:
``Frame | AudioBlock -> Reading -> Estimate -> message``.
"""
