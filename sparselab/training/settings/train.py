"""Every setting of a run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.settings import check_settings, settings_of
from sparselab.training.own_code.reference import absolute, parse_reference
from sparselab.training.settings.history import digest_of, with_those_before
from sparselab.training.settings.masks import MaskSettings
from sparselab.training.settings.optimization import OptimizationSettings
from sparselab.training.settings.subject import SubjectSettings


@dataclass(frozen=True)
class TrainSettings(OptimizationSettings, MaskSettings, SubjectSettings):
    """Every choice that the outcome of a run depends on. The defaults are for `digits` with `vgg-small`.

    Source: the method papers, see docs/training.md.
    """

    seed: Annotated[int, Interval(ge=0, le=2**31 - 1), Doc("seed of every random choice")] = 0
    threads: Annotated[
        int | None,
        Interval(ge=1, le=256),
        Doc("CPU threads; none: all. The number changes the rounding of the results"),
    ] = None
    device: Annotated[str, Doc("device: auto, cpu or cuda")] = "auto"
    amp: Annotated[bool, Doc("mixed precision: bfloat16 for the operations that are faster in it on a CUDA device")] = (
        False
    )
    channels_last: Annotated[bool, Doc("channels innermost in memory: quicker convolutions on most machines")] = True

    def __post_init__(self) -> None:
        check_settings(self)
        self.rate_epochs  # noqa: B018 - raises
        if self.rewind_epoch > self.epochs and not self.starts_sparse:
            raise SettingError(f"rewind_epoch: expected at most {self.epochs:g} epochs; got {self.rewind_epoch:g}")
        if parse_reference(self.task) is None:
            self.task_values()
        if parse_reference(self.model) is None:
            self.model_values()
        self.check_levels()

    def settled(self) -> TrainSettings:
        """Return the same with the number of threads and the folders of one's own code in place: what a run writes down."""
        threads = self.threads or os.cpu_count() or 1
        file = str(Path(self.from_file).absolute()) if self.from_file else ""
        own = {"task": absolute(self.task), "model": absolute(self.model), "from_file": file}
        return dataclasses.replace(self, threads=threads, **own)  # type: ignore[arg-type]

    @property
    def digest(self) -> str:
        """The name of a run with these settings."""
        return digest_of(self)


def read_settings(values: Mapping[str, Any]) -> TrainSettings:
    """Return the settings that `dataclasses.asdict` turned into `values`, maybe before there were as many as now.

    Raises: SettingError for one unknown or out of range.
    """
    known = {setting.name for setting in settings_of(TrainSettings)}
    if strange := sorted(set(values) - known):
        raise SettingError(f"expected settings of this version of sparselab; got {strange[0]}")
    return TrainSettings(**with_those_before(values, TrainSettings))
