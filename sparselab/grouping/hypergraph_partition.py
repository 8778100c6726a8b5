"""Partition the hypergraph of the mask itself with Mt-KaHyPar."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import numpy as np

from sparselab.analysis.similarity import similarity_rows
from sparselab.core.errors import UnavailableError
from sparselab.core.mask import Mask
from sparselab.grouping.base import Goal, Grouper, Groups, by_label
from sparselab.grouping.sizes import fit_sizes
from sparselab.runtime.progress import Monitor


class HypergraphPartition(Grouper):
    """Minimise km1, the number of groups each column is split over beyond the first, deterministically.

    Stands in for hMETIS, which the paper calls and which is a closed binary.
    """

    title = "Hypergraph (Mt-KaHyPar)"
    meaning = "splits as few columns as possible over several groups; slower"
    source = "Structure-LTH, Alg. 3; Gottesbüren et al., ACM TALG 2024 (Mt-KaHyPar)"

    def bytes_needed(self, rows: int, cols: int, kept: int) -> int:
        return 96 * kept + super().bytes_needed(rows, cols, kept)  # Mt-KaHyPar's levels of coarser hypergraphs

    def _group(self, mask: Mask, goal: Goal, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        sizes = goal.sizes(mask.rows)
        nets = _nets(mask)
        if len(sizes) == 1 or not nets:
            return fit_sizes((np.arange(mask.rows),), sizes, similarity_rows(mask, "jaccard", device), monitor)
        monitor.progress("grouping")
        module, initializer = _library()
        module.set_seed(int(rng.integers(2**31 - 1)))
        context = initializer.context_from_preset(module.PresetType.DETERMINISTIC_QUALITY)
        context.logging = False
        slack = 0.03 if goal.height is not None else 0.10
        context.set_partitioning_parameters(len(sizes), slack, module.Objective.KM1)
        hypergraph = initializer.create_hypergraph(context, mask.rows, len(nets), nets)
        labels = np.asarray(hypergraph.partition(context).get_partition(), dtype=np.int64)
        groups = by_label(labels)
        return (
            groups
            if goal.height is None
            else fit_sizes(groups, sizes, similarity_rows(mask, "jaccard", device), monitor)
        )


def _nets(mask: Mask) -> list[list[int]]:
    """Return the rows that keep each column, ascending; a net of one row is left out, because it is never cut."""
    numbers = np.arange(mask.rows).astype(object)  # one object a row, and not one a kept weight: a fifth of the memory
    nets = (numbers[column].tolist() for column in mask.kept.T)
    return [net for net in nets if len(net) > 1]


@lru_cache(maxsize=1)
def _library() -> tuple[Any, Any]:
    try:
        import mtkahypar
    except ImportError:
        raise UnavailableError("hypergraph needs mtkahypar: pip install mtkahypar, or choose another grouper") from None
    return mtkahypar, mtkahypar.initialize(min(os.cpu_count() or 1, 8))
