"""What is trained: the task, the network, and what it begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.settings import Flag, OneOf
from sparselab.training.models import MODELS
from sparselab.training.own_code.reference import REFERENCE, parse_reference
from sparselab.training.setting_text import parse_values
from sparselab.training.tasks import TASKS


@dataclass(frozen=True)
class SubjectSettings:
    """The task and the network."""

    task: Annotated[str, OneOf(TASKS.keys()), REFERENCE, Doc("data and classes to learn")] = "digits"
    task_settings: Annotated[str, Doc("settings of the task, such as train=2000,noise=0.2; empty: its defaults")] = ""
    model: Annotated[str, OneOf(MODELS.keys()), REFERENCE, Doc("the network")] = "vgg-small"
    model_settings: Annotated[str, Doc("settings of the network, such as depth=4; empty: its defaults")] = ""
    width: Annotated[float, Interval(ge=0.05, le=8.0), Doc("factor on the number of channels of every layer")] = 1.0
    from_file: Annotated[
        str,
        Flag("--from"),
        Doc("checkpoint or ticket whose weights and masks the run begins with; empty: fresh weights"),
    ] = ""
    take: Annotated[str, OneOf(("both", "weights", "masks")), Doc("what is taken of the file of --from")] = "both"

    @property
    def names_own_code(self) -> bool:
        """Whether the task or the network is code of one's own."""
        return any(parse_reference(value) is not None for value in (self.task, self.model))

    def task_values(self) -> Any:
        """Return a registered task's settings with those of `task_settings`. Raises: SettingError."""
        return parse_values(self.task, TASKS[self.task].settings, self.task_settings)

    def model_values(self) -> Any:
        """Return a registered network's settings with those of `model_settings`, None where it has none. Raises: SettingError."""
        kind = MODELS[self.model].settings
        if kind is not None:
            return parse_values(self.model, kind, self.model_settings)
        if self.model_settings:
            raise SettingError(
                f"model_settings: expected none, for {self.model} has no settings; got {self.model_settings!r}"
            )
        return None
