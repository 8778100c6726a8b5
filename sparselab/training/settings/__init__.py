"""What a run is told: settings by purpose, one value each, declared once; and the hash that names a run."""

from sparselab.training.settings.train import TrainSettings, read_settings

__all__ = ["TrainSettings", "read_settings"]
