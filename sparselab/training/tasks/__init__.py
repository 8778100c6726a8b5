"""What networks are trained on: one entry a task, listed here."""

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.training.tasks.base import Data, NoSettings, Split, Task
from sparselab.training.tasks.digits import DigitsSettings, read_digits

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "digits": Task(
            "Digits among distractors",
            "generated from scikit-learn's digits (UCI optical recognition of handwritten digits)",
            classes=10,
            channels=1,
            size=DigitsSettings.canvas,
            reader=read_digits,
            settings=DigitsSettings,
        ),
    }
)

__all__ = ["TASKS", "Data", "NoSettings", "Split", "Task"]
