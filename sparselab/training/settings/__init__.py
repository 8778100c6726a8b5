"""What a run is told: settings by purpose, one value each, declared once; and the hash that names a run."""

from sparselab.training.settings.methods import (
    AFTER_TRAINING,
    AT_START,
    DYNAMIC,
    METHODS,
    MOVING_BLOCKS,
    STATIC_BLOCKS,
)
from sparselab.training.settings.train import TrainSettings, read_settings

__all__ = [
    "AFTER_TRAINING",
    "AT_START",
    "DYNAMIC",
    "METHODS",
    "MOVING_BLOCKS",
    "STATIC_BLOCKS",
    "TrainSettings",
    "read_settings",
]
