"""The task and the network that settings name: registered ones, and code of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparselab.core.errors import SettingError
from sparselab.training.models import MODELS, Model
from sparselab.training.own_code.calling import call_by_keyword
from sparselab.training.own_code.explaining import explained
from sparselab.training.own_code.loading import OwnCode, given, loaded
from sparselab.training.own_code.reference import parse_reference
from sparselab.training.setting_text import parse_values
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import TASKS, Data, Task

if TYPE_CHECKING:
    from torch import nn

_KINDS = ("task", "model")


@dataclass(frozen=True, eq=False)
class Code:
    """The code of a run that is not sparselab's: by "task" and "model", as far as they are one's own."""

    own: Mapping[str, OwnCode] = field(default_factory=dict)

    def has(self, path: str) -> bool:
        """Whether a file holds code of one's own."""
        return any(code.has(path) for code in self.own.values())

    def digests(self, settings: TrainSettings) -> dict[str, str]:
        """Return what tells this code from another: the SHA-256 of its files by path, the versions of plug-ins by name."""
        found: dict[str, str] = {}
        for code in self.own.values():
            found |= code.digests()
        for registry, name in ((TASKS, settings.task), (MODELS, settings.model)):
            if package := registry.package(name):
                found[f"{registry.group.removeprefix('sparselab.')}: {name}"] = package
        return found


NO_CODE = Code()
"""Nothing of one's own."""


@contextmanager
def code_of(settings: TrainSettings, handed: Mapping[str, Any] | None = None) -> Iterator[Code]:
    """Yield the code that settings name, for as long as it is used. What fails in it there is said in one sentence with its line.

    Args: handed: a function or class for "task" or "model", which Python code hands over instead of a reference.
    Raises: SettingError.
    """
    handed = handed or {}
    texts = {kind: getattr(settings, kind) for kind in _KINDS if kind not in handed}
    references = {kind: found for kind, text in texts.items() if (found := parse_reference(text)) is not None}
    with loaded(references) as own:
        code = Code({**own, **{kind: given(value) for kind, value in handed.items()}})
        with explained("the code of this run", code.has, always=False):
            yield code


def named_by(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of settings with references for the functions and classes among them, and these by "task" and "model"."""
    handed = {kind: settings[kind] for kind in _KINDS if kind in settings and not isinstance(settings[kind], str)}
    return {**settings, **{kind: str(given(value).reference) for kind, value in handed.items()}}, handed


def load_data(settings: TrainSettings, root: Path | None, code: Code = NO_CODE) -> Data:
    """Return the task's data.

    A function of one's own gets the keywords `root` (a folder, or None) and `seed` as far as it accepts them, and those of
    `task_settings`; it returns a `Data`, or three torch Datasets: for training, validation and test.

    Raises: SettingError, FileError.
    """
    if "task" not in code.own:
        return TASKS[settings.task].load(root, seed=settings.seed, settings=settings.task_values())
    own = code.own["task"]
    name, value = f"{own.reference.name} of {own.reference.place}", own.value
    if isinstance(value, Task):
        return value.load(root, seed=settings.seed, settings=parse_values(name, value.settings, settings.task_settings))
    with explained(name, own.has):
        found = call_by_keyword(value, name, {"root": root, "seed": settings.seed}, settings.task_settings)
        from sparselab.training.tasks.datasets import data_of_datasets, with_splits  # loads torch

        if isinstance(found, tuple | list):
            found = data_of_datasets(found)
        elif isinstance(found, Data):
            found = with_splits(found)
    if not isinstance(found, Data):
        raise SettingError(
            f"{name}: expected it to return a Data or three torch Datasets; it returned {type(found).__name__}"
        )
    return found


def build_model(settings: TrainSettings, data: Data, code: Code = NO_CODE) -> nn.Module:
    """Return the network with fresh weights from torch's global generator.

    A function or class of one's own gets the keywords `classes`, `channels`, `size` and `width` as far as it accepts them and the
    task has them (none is 0), and those of `model_settings`; it returns a torch module.

    Raises: SettingError.
    """
    from torch import nn

    if "model" not in code.own:
        return MODELS[settings.model].build(
            data.classes, data.channels, data.size, settings.width, settings.model_values()
        )
    own = code.own["model"]
    name, value = f"{own.reference.name} of {own.reference.place}", own.value
    if isinstance(value, Model):
        chosen = None if value.settings is None else parse_values(name, value.settings, settings.model_settings)
        return value.build(data.classes, data.channels, data.size, settings.width, chosen)
    if isinstance(value, nn.Module):
        raise SettingError(f"{name}: expected a function that returns a network with fresh weights; got a network")
    told = {"classes": data.classes, "channels": data.channels, "size": data.size}
    offered = {**{key: number for key, number in told.items() if number}, "width": settings.width}
    with explained(name, own.has):
        model = call_by_keyword(value, name, offered, settings.model_settings)
    if not isinstance(model, nn.Module):
        raise SettingError(f"{name}: expected it to return a torch module; it returned {type(model).__name__}")
    return model
