"""What a task is: examples with targets (images with labels, mostly), in three splits, of which training sees one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sparselab.core.errors import FileError
from sparselab.core.plugins import expect_instance, expect_texts
from sparselab.core.settings import check_declared, check_settings
from sparselab.training.tasks.metrics import ACCURACY, Metric

if TYPE_CHECKING:
    import torch


class Split(Protocol):
    """Images with labels, asked for by index."""

    def __len__(self) -> int:
        """How many images there are."""

    @property
    def labels(self) -> torch.Tensor:
        """The class of every image: int64, N."""

    def batch(self, indices: torch.Tensor, rng: torch.Generator | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the images, float32 n x C x H x W and normalised, and their labels, int64 n.

        With a generator the images are augmented; the answer depends on the indices and the generator's state, on nothing else.

        Args: indices: int64, n, from 0 to N - 1.
        """


def in_order(split: Split, most: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the images of a split and their labels, not augmented, from the first to the last, `most` at once."""
    import torch

    for start in range(0, len(split), most):
        yield split.batch(torch.arange(start, min(start + most, len(split))))


@dataclass(frozen=True, kw_only=True)
class Data:
    """A task that was loaded; a function of one's own may put torch Datasets where splits stand. `validation` was held out of the training images; `test` is the same for every seed.

    `classes`, `channels` and `size` (of square images) are what a network is built for; 0 where the task has none.
    `loss(outputs, targets)` is what training lowers, a number; None: cross entropy of logits n x classes. `metric` is what
    the network is judged by.
    """

    train: Split
    validation: Split
    test: Split
    classes: int = 0
    channels: int = 0
    size: int = 0
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None
    metric: Metric = ACCURACY


@dataclass(frozen=True)
class NoSettings:
    """A task that leaves nothing to choose."""


Reader = Callable[[Path | None, Any, int], Data]


@dataclass(frozen=True)
class Task:
    """A task by name: what it is, where its data come from, and how they are read.

    `size` is the side of its square images, `expects` what must lie in the folder given (empty: nothing is needed).
    """

    title: str
    source: str
    classes: int
    channels: int
    size: int
    reader: Reader
    settings: type = NoSettings
    expects: str = ""

    def load(self, root: Path | None = None, *, seed: int = 0, settings: Any = None) -> Data:
        """Return the three splits.

        Args: root: the folder of the data; digits needs none. seed: which training images are held out for validation, and
            for digits how the training scenes are composed. settings: a value of `self.settings` (default: its defaults).
        Raises: FileError that says what to put where when files are missing, and names the file that is damaged.
            SettingError when a setting is out of range.
        """
        chosen = self.settings() if settings is None else settings
        check_settings(chosen)
        if self.expects and (root is None or not root.is_dir()):
            where = "no folder was given" if root is None else f"there is no folder {root}"
            raise FileError(
                f"{self.title}: expected a folder with {self.expects}; {where}: download and unpack it first"
            )
        return self.reader(root, chosen, seed)


def check_task(name: str, task: Any) -> None:
    """Raises: SettingError unless what a plug-in brings is a task whose settings can be given as text."""
    expect_instance(task, Task)
    expect_texts(task, "title", "source")
    check_declared(task.settings)
