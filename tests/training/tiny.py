"""A run that takes seconds: few small images, a narrow network."""

from __future__ import annotations

from typing import Any

from sparselab.training.settings import TrainSettings

TASK = "train=96,validation=32,test=32,canvas=12"


def tiny(**changes: Any) -> TrainSettings:
    """Return settings of a tiny run: IMP to level 1 with Refill, unless told otherwise."""
    values: dict[str, Any] = {"task_settings": TASK, "width": 0.5, "levels": 1, "epochs": 2, "batch": 32, "threads": 1}
    return TrainSettings(**values | {"then": "refill"} | changes)
