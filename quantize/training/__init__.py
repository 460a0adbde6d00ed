"""From a recipe to a trained net: batches, architectures, losses, averaging, distillation, head fits, checkpoints."""
