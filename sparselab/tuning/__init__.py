"""A pruned checkpoint of one's own: structure, some minutes of training, and what it came to beside the masked and the dense network."""

from sparselab.tuning.converted import load_converted
from sparselab.tuning.tune import tune

__all__ = ["load_converted", "tune"]
