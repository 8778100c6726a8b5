"""A task judged on fewer of its examples, where judging on all would take too long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sparselab.training.tasks.base import Data, Split

if TYPE_CHECKING:
    import torch

_SEED = 2017  # the same examples for every network that is judged


@dataclass(frozen=True, eq=False)
class FewerExamples:
    """Some examples of a split, int64 `chosen`, in the order of the split."""

    split: Split
    chosen: torch.Tensor

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def labels(self) -> torch.Tensor:
        return self.split.labels[self.chosen]

    def batch(self, indices: torch.Tensor, rng: torch.Generator | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the images of the chosen ones, as the split gives them."""
        return self.split.batch(self.chosen[indices], rng)


def fewer(split: Split, most: int) -> Split:
    """Return `most` examples of a split, drawn once for everybody; the split itself where it has no more."""
    import torch

    if len(split) <= most:
        return split
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(_SEED))
    return FewerExamples(split, order[:most].sort().values)


def judged_on(data: Data, *, validation: int, test: int) -> Data:
    """Return a task with so many validation and test examples at most."""
    return replace(data, validation=fewer(data.validation, validation), test=fewer(data.test, test))


def judged_examples(data: Data) -> dict[str, Any]:
    """Return what a result says of being judged on fewer examples: {"examples": {"test": 100}}; {} where all were looked at."""
    splits = {"validation": data.validation, "test": data.test}
    found = {name: len(split) for name, split in splits.items() if isinstance(split, FewerExamples)}
    return {"examples": found} if found else {}
