"""What a tuning is told, and the two runs that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sparselab.core.errors import FileError, SettingError
from sparselab.core.settings import settings_of
from sparselab.training.own_code.reference import absolute
from sparselab.training.settings import TrainSettings

_OWN = ("method", "levels", "sparsity", "then", "reinitialise", "rewind", "rewind_epoch", "take", "from_file", "model")
_UNUSED = ("epochs", "l1", "score_images", "distribution", "exchange", "candidates", "update_every", "update_until")
_FIRST_RATE = 0.01
"""A tenth of the rate of a training from fresh weights: what was learned is to stay."""

AUTO = "auto"
"""The transform that stands for the candidates of which the best one, measured here, is taken."""

OFFERED = tuple(
    setting
    for setting in settings_of(TrainSettings)
    if setting.name not in (*_OWN, *_UNUSED, "block_size", "grow", "backward_extra", "keep_masks")
    and not setting.name.startswith("admm")
)
"""The settings of a training that a tuning takes; the others follow from what it is."""


@dataclass(frozen=True, kw_only=True)
class TuneRequest:
    """A network (`FILE.py:NAME` or a registered one), its pruned checkpoint, one transform as `--then` of `train` writes it, and
    the minutes of training. `values`: settings of `OFFERED`. The transform `AUTO` is one of the candidates, chosen by time.

    Raises: SettingError for minutes that are none, and for anything but one transform.
    """

    model: str
    checkpoint: str
    transform: str
    minutes: float
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType({"lr": _FIRST_RATE, **self.values}))
        object.__setattr__(self, "model", absolute(self.model))
        object.__setattr__(self, "checkpoint", str(Path(self.checkpoint).absolute()))
        if not 0 < self.minutes <= 10_000:
            raise SettingError(f"minutes: expected a number above 0, up to 10000; got {self.minutes:g}")
        if self.transform != AUTO and (len(self.masked(1.0).follow_ups) != 1 or "@" in self.transform):
            raise SettingError(f"transform: expected one, such as regroup:rows_per_group=32; got {self.transform!r}")
        if not Path(self.checkpoint).is_file():
            raise FileError(f"checkpoint: expected a file; there is none at {self.checkpoint}")

    def masked(self, epochs: float, transform: str = "") -> TrainSettings:
        """Return the run that trains the checkpoint under its masks, and then under what the transform made of them.

        transform: the one that was chosen, where the request leaves that open.
        """
        return self._settings(epochs, take="both", then=transform or self.transform)

    def dense(self, epochs: float) -> TrainSettings:
        """Return the run that trains all weights from the checkpoint's, dropped ones from 0."""
        return self._settings(epochs, take="weights", then="")

    def _settings(self, epochs: float, *, take: str, then: str) -> TrainSettings:
        given = {"model": self.model, "from_file": self.checkpoint, "take": take, "then": then, "epochs": epochs}
        return TrainSettings(**{**self.values, **given, "method": "dense", "rewind_epoch": 0.0})

    def as_json(self) -> dict[str, Any]:
        """Return the request as plain values."""
        return {
            "model": self.model,
            "checkpoint": self.checkpoint,
            "transform": self.transform,
            "minutes": self.minutes,
            "values": dict(self.values),
        }
