"""Which training images are held out for validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparselab.core.errors import SettingError

if TYPE_CHECKING:
    from torch import Tensor


def held_out(count: int, validation: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return the indices of the training and of the validation images, each rising; the seed chooses.

    Raises: SettingError when nothing would be left to train on.
    """
    import torch

    if not validation < count:
        raise SettingError(f"validation: expected fewer than the {count} training images; got {validation}")
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[validation:].sort().values, order[:validation].sort().values
