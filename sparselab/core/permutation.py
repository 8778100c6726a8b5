"""A reordering of rows or columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from sparselab.core.errors import SparselabError
from sparselab.core.mask import IntVector


@dataclass(frozen=True, eq=False)
class Permutation:
    """A reordering: what stands at place i afterwards stood at `order[i]` before.

    Raises: SparselabError unless `order` holds each of 0 .. n-1 exactly once.
    Example: >>> Permutation([2, 0, 1]).inverse.order.tolist()
             [1, 2, 0]
    """

    order: IntVector

    def __post_init__(self) -> None:
        order = frozen_indices(self.order)
        if order.ndim != 1:
            raise SparselabError(f"expected a list of indices; got {order.ndim} dimensions")
        seen = np.zeros(order.size, dtype=bool)
        inside = order[(order >= 0) & (order < order.size)]
        seen[inside] = True
        if not seen.all():
            raise SparselabError(
                f"expected each of 0 .. {order.size - 1} once; got another list of {order.size} numbers"
            )
        object.__setattr__(self, "order", order)

    @classmethod
    def identity(cls, size: int) -> Permutation:
        return cls(np.arange(size))

    def __len__(self) -> int:
        return self.order.size

    @cached_property
    def inverse(self) -> Permutation:
        """The permutation that undoes this one: `inverse.order[order[i]] == i`."""
        inverse = np.empty_like(self.order)
        inverse[self.order] = np.arange(self.order.size)
        return Permutation(inverse)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Permutation) and np.array_equal(self.order, other.order)

    def __hash__(self) -> int:
        return hash(self.order.tobytes())


def frozen_indices(values: ArrayLike) -> IntVector:
    """Return a read-only private copy of a list of indices."""
    indices = np.array(values, dtype=np.int64)
    indices.flags.writeable = False
    return indices
