"""A split that is a torch Dataset of somebody's: examples asked for one by one, put together as torch does."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from sparselab.core.errors import SettingError
from sparselab.training.tasks.base import Data, in_order

_AT_ONCE = 256
_LARGEST_SEED = 2**32


@dataclass(frozen=True, eq=False)
class DatasetSplit:
    """A map-style Dataset whose examples are pairs of an input and a target.

    What the dataset draws at random, from torch, NumPy or `random`, follows from the generator of the batch: so every batch is
    the same when a run is resumed. Without a generator it follows from the indices alone.
    """

    dataset: Any

    def __len__(self) -> int:
        return len(self.dataset)

    @cached_property
    def labels(self) -> Tensor:
        """The target of every example. `targets` of the dataset where it has them, as torchvision's have; else all are read."""
        targets = getattr(self.dataset, "targets", None)
        if targets is not None and len(targets) == len(self):
            return torch.as_tensor(targets)
        return torch.cat([labels for _, labels in in_order(self, _AT_ONCE)])

    def batch(self, indices: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return inputs and targets, stacked by torch's `default_collate`. Raises: SettingError for examples that are no pairs."""
        chosen = indices.tolist()
        seed = int(torch.randint(_LARGEST_SEED, (), generator=rng)) if rng is not None else 0
        with _drawing_from(seed):
            fetch = getattr(self.dataset, "__getitems__", None)
            examples = fetch(chosen) if fetch is not None else [self.dataset[index] for index in chosen]
        batch = default_collate(examples)
        if not (
            isinstance(batch, list | tuple) and len(batch) == 2 and all(isinstance(part, Tensor) for part in batch)
        ):
            raise SettingError(
                f"expected examples that are pairs (input, target) of tensors or numbers; got {_kind(examples)}"
            )
        inputs, targets = batch
        return inputs, targets


def data_of_datasets(datasets: Sequence[Any]) -> Data:
    """Return the task of three Datasets: for training, validation and test.

    The number of classes is that of the attribute `classes` of the first, as torchvision's have it, else one more than the
    largest target of the training examples; 0 where targets are no whole numbers. Channels and size are those of the
    first input where it is a square image C x H x H, else 0.

    Raises: SettingError unless there are three, each with a length above 0 and examples by index.
    """
    if len(datasets) != 3:
        raise SettingError(f"expected three Datasets (training, validation, test); got {len(datasets)}")
    names = ("training", "validation", "test")
    train, validation, test = (_split(dataset, name) for dataset, name in zip(datasets, names, strict=True))
    inputs, targets = train.batch(torch.zeros(1, dtype=torch.int64))
    square = inputs.ndim == 4 and inputs.shape[2] == inputs.shape[3]
    return Data(
        train=train,
        validation=validation,
        test=test,
        classes=_classes(datasets[0], train, targets),
        channels=inputs.shape[1] if square else 0,
        size=inputs.shape[2] if square else 0,
    )


def _classes(dataset: Any, train: DatasetSplit, targets: Tensor) -> int:
    named = getattr(dataset, "classes", None)
    if named is not None:
        return named if isinstance(named, int) else len(named)
    if targets.ndim != 1 or targets.is_floating_point():
        return 0
    return int(train.labels.max()) + 1


def with_splits(data: Data) -> Data:
    """Return the same task with every torch Dataset among its splits as a split."""

    def split(part: Any, name: str) -> Any:
        return part if hasattr(part, "batch") else _split(part, name)

    train, validation, test = split(data.train, "train"), split(data.validation, "validation"), split(data.test, "test")
    return replace(data, train=train, validation=validation, test=test)


def _split(dataset: Any, name: str) -> DatasetSplit:
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise SettingError(
            f"expected a Dataset with a length and examples by index for {name}; got {type(dataset).__name__}"
        )
    if not len(dataset):
        raise SettingError(f"expected examples for {name}; the Dataset is empty")
    return DatasetSplit(dataset)


@contextmanager
def _drawing_from(seed: int) -> Iterator[None]:
    """Seed the generators that datasets draw from, and put them back after."""
    numbers, plain = np.random.get_state(), random.getstate()  # noqa: NPY002 - datasets of others draw from it
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numbers)  # noqa: NPY002
            random.setstate(plain)


def _kind(examples: Sequence[Any]) -> str:
    first = examples[0]
    if isinstance(first, list | tuple):
        return f"{type(first).__name__} of " + ", ".join(type(part).__name__ for part in first)
    return type(first).__name__
