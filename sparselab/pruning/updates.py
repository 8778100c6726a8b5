"""Dynamic sparse training: one update of a layer's mask, as many weights after as before.

All on torch tensors of one layer, of any shape, on the tensors' own device: `kept` bool, the others floating.
"""

from __future__ import annotations

from math import cos, pi
from typing import TYPE_CHECKING

from sparselab.core.errors import SparselabError

if TYPE_CHECKING:
    import torch


def drop_fraction(step: int, end: int, alpha: float) -> float:
    """Return f(t) = alpha / 2 * (1 + cos(pi * t / end)), the share of kept weights to exchange at step t; 0 after `end`.

    Source: Evci et al., ICML 2020 (RigL), Sec. 3 (alpha 0.3).
    Example: >>> drop_fraction(0, 100, 0.3), round(drop_fraction(50, 100, 0.3), 3), drop_fraction(101, 100, 0.3)
             (0.3, 0.15, 0.0)
    """
    return alpha / 2 * (1 + cos(pi * step / end)) if step <= end else 0.0


def rigl_step(weight: torch.Tensor, gradient: torch.Tensor, kept: torch.Tensor, fraction: float) -> torch.Tensor:
    """Return the mask after dropping round(fraction * kept) weights of smallest |w| and growing as many of largest |gradient|.

    `gradient` is dense. Grown are any not kept, among them those just dropped. The caller sets weights to 0 where
    `after & ~kept` only: one that is dropped and grown again goes on as it was. It also clears their momentum, and takes no
    optimizer step this time.

    Source: Evci et al., ICML 2020, Alg. 1.
    """
    left = drop_smallest(weight, kept, round(fraction * int(kept.sum())))
    return grow_largest(gradient.abs(), left, int(kept.sum()) - int(left.sum()))


def set_step(weight: torch.Tensor, kept: torch.Tensor, fraction: float, generator: torch.Generator) -> torch.Tensor:
    """Return the mask after dropping as `rigl_step` does and growing as many anywhere at random.

    `generator` is the CPU's, so that one seed grows the same weights on every device.

    Source: Mocanu et al., Nature Communications 2018 (SET); drops by |w| of either sign, as in RigL's comparison.
    """
    import torch

    left = drop_smallest(weight, kept, round(fraction * int(kept.sum())))
    noise = torch.rand(kept.shape, generator=generator, dtype=torch.float64).to(kept.device)
    return grow_largest(noise, left, int(kept.sum()) - int(left.sum()))


def drop_smallest(weight: torch.Tensor, kept: torch.Tensor, count: int) -> torch.Tensor:
    """Return `kept` without the `count` kept weights of smallest |w|; among equal ones the lower index goes.

    Example: >>> import torch
             >>> drop_smallest(torch.tensor([3.0, -1.0, 2.0]), torch.ones(3, dtype=torch.bool), 1).tolist()
             [True, False, True]
    """
    import torch

    magnitude = weight.abs().masked_fill(~kept, torch.inf).reshape(-1)
    smallest = torch.sort(magnitude, stable=True).indices[: min(count, int(kept.sum()))]
    return kept.reshape(-1).index_fill(0, smallest, False).reshape(kept.shape)


def grow_largest(worth: torch.Tensor, kept: torch.Tensor, count: int) -> torch.Tensor:
    """Return `kept` with the `count` weights of largest `worth` among all not kept; among equal ones the lower index comes.

    Raises: SparselabError when fewer than `count` weights are not kept.
    Example: >>> import torch
             >>> grow_largest(torch.tensor([1.0, 5.0, 2.0]), torch.tensor([True, False, False]), 1).tolist()
             [True, True, False]
    """
    import torch

    check_room(kept, count)
    free = worth.masked_fill(kept, -torch.inf).reshape(-1)
    largest = torch.sort(free, descending=True, stable=True).indices[:count]
    return kept.reshape(-1).index_fill(0, largest, True).reshape(kept.shape)


def check_room(kept: torch.Tensor, count: int) -> None:
    """Raises: SparselabError when fewer than `count` weights are not kept."""
    room = kept.numel() - int(kept.sum())
    if count > room:
        raise SparselabError(f"expected at most {room} weights to grow, all that are not kept; got {count}")
