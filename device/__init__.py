"""affectd: emotion from face and voice, on the device.

The shared pipeline. A datum moves one way through it and is never changed in place:
``Frame | AudioBlock -> Reading -> Estimate -> message``.
"""

import os

# Before numpy is first imported: with more threads its small products are four times slower on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Before OpenCV is: what its decoders grumble about is told by our own errors.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
# Before ONNX Runtime and Ray are: each would tell its makers, and the first keeps what it could not tell in ~/.cache.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
