"""Inference with the float nets: ONNX Runtime and its provider, batching, Open Inference Protocol, Triton's layout."""
