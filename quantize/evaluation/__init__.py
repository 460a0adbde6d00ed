"""Evaluation: metrics, significance, agreement, reliability, temperature scaling. Without TensorFlow."""
