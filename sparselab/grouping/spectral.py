"""Co-cluster rows and columns by the singular vectors of the mask."""

from __future__ import annotations

import warnings

import numpy as np

from sparselab.analysis.similarity import similarity_rows
from sparselab.core.mask import Mask
from sparselab.grouping.base import Goal, Grouper, Groups, by_label
from sparselab.grouping.sizes import fit_sizes
from sparselab.runtime.progress import Monitor


class Spectral(Grouper):
    """Dhillon's spectral co-clustering of the bipartite graph of rows and columns."""

    title = "Spectral co-clustering"
    meaning = "groups rows and columns together, by singular vectors of the mask"
    source = "Dhillon, KDD 2001, by scikit-learn's SpectralCoclustering"

    def bytes_needed(self, rows: int, cols: int, kept: int) -> int:
        return 5 * 8 * rows * cols + super().bytes_needed(rows, cols, kept)  # scaled copies of the mask as float64

    def _group(self, mask: Mask, goal: Goal, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        from sklearn.cluster import SpectralCoclustering
        from sklearn.exceptions import ConvergenceWarning

        sizes = goal.sizes(mask.rows)
        labels = np.zeros(mask.rows, dtype=np.int64)
        # Empty rows and columns have no place in the normalised matrix; empty rows go to the first group.
        rows = np.flatnonzero(mask.kept.any(axis=1))
        cols = np.flatnonzero(mask.kept.any(axis=0))
        parts = min(len(sizes), rows.size, cols.size)
        if parts > 1:
            monitor.progress("grouping")
            model = SpectralCoclustering(parts, random_state=int(rng.integers(2**31 - 1)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than groups is no fault
                model.fit(mask.kept[np.ix_(rows, cols)].astype(np.float64))
            labels[rows] = model.row_labels_
        groups = by_label(labels)
        return (
            groups
            if goal.height is None
            else fit_sizes(groups, sizes, similarity_rows(mask, "jaccard", device), monitor)
        )
