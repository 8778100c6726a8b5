"""A mask as a hypergraph, and KaHyPar's measures of a partition of its rows.

Rows are vertices, columns are nets, kept weights are pins: a net joins the rows that keep its column.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sparselab.core.errors import SparselabError
from sparselab.core.mask import IntVector, Mask


@dataclass(frozen=True)
class PartitionMetrics:
    """What a partition costs. lambda(e) is the number of parts that the net e touches.

    cut   nets with lambda > 1
    km1   sum over nets of lambda - 1 (connectivity minus one)
    soed  sum of lambda over the nets with lambda > 1 (sum of external degrees); soed = km1 + cut
    imbalance  largest part / ceil(vertices / parts) - 1
    """

    cut: int
    km1: int
    soed: int
    imbalance: float


@dataclass(frozen=True, eq=False)
class Hypergraph:
    """The hypergraph of a mask: one vertex a row, one net a column that some row keeps."""

    mask: Mask

    @cached_property
    def nets(self) -> tuple[IntVector, ...]:
        """For every column that is kept anywhere, the rows that keep it, ascending."""
        cols, rows = np.nonzero(self.mask.kept.T)
        _, starts = np.unique(cols, return_index=True)
        return tuple(np.split(rows, starts[1:])) if rows.size else ()

    @property
    def pins(self) -> int:
        """Number of (vertex, net) pairs: the kept weights."""
        return self.mask.count

    def metrics(self, labels: IntVector, parts: int) -> PartitionMetrics:
        """Measure the partition that puts row i into part labels[i] of 0 .. parts-1.

        Raises: SparselabError when there is not one label a row, or a label is out of range.
        Source: Schlag et al., "High-Quality Hypergraph Partitioning" (2021), Sec. 2.
        Example: >>> graph = Hypergraph(Mask(np.array([[1, 1], [1, 0], [0, 1]], dtype=bool)))
                 >>> graph.metrics(np.array([0, 0, 1]), parts=2).km1
                 1
        """
        labels = np.asarray(labels)
        if labels.shape != (self.mask.rows,) or labels.min() < 0 or labels.max() >= parts:
            raise SparselabError(f"expected {self.mask.rows} labels in 0 .. {parts - 1}; got {labels.shape} labels")
        touched = np.zeros((parts, self.mask.cols), dtype=bool)
        for part in range(parts):
            touched[part] = self.mask.kept[labels == part].any(axis=0)
        spread = touched.sum(axis=0)
        cut = int((spread > 1).sum())
        soed = int(spread[spread > 1].sum())
        largest = int(np.bincount(labels, minlength=parts).max())
        return PartitionMetrics(cut, soed - cut, soed, largest / -(-self.mask.rows // parts) - 1.0)
