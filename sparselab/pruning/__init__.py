"""Which weights a mask keeps: scores, per-layer distributions, updates of masks during training."""
