"""Cluster rows bottom-up by complete linkage, as DSB does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparselab.analysis.similarity import SimilarityRows, similarity_rows, similarity_tensor
from sparselab.core.device import resolve_device
from sparselab.core.mask import Mask
from sparselab.core.strips import row_strips
from sparselab.grouping.base import Goal, Grouper, Groups, by_label, cut
from sparselab.grouping.linkage import chain_merges, cut_tree, scipy_merges
from sparselab.runtime.progress import Monitor


class Agglomerative(Grouper):
    """Complete linkage over 1 - similarity.

    With a promised height: as many clusters as groups, clusters laid side by side by falling size and cut every `height`
    rows (DSB's blocking). Without: the clusters as they are.
    """

    title = "Agglomerative (complete linkage)"
    meaning = "merges the two most similar groups, step by step; the similarity of two groups is that of their least similar rows"
    source = "DSB, released code (blocking); there with cosine similarity"
    compares_rows = True

    def bytes_needed(self, rows: int, cols: int, kept: int) -> int:
        return 2 * 8 * (rows * (rows - 1) // 2) + super().bytes_needed(rows, cols, kept)  # SciPy works on a copy

    def _group(self, mask: Mask, goal: Goal, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        sizes = goal.sizes(mask.rows)
        if resolve_device(device).type == "cpu":
            distances = _condensed_distances(similarity_rows(mask, goal.similarity, device), monitor)
            labels = cut_tree(scipy_merges(distances, mask.rows), len(sizes))
        else:
            distance = 1.0 - similarity_tensor(mask, goal.similarity, device).double()
            labels = cut_tree(chain_merges(distance, monitor), len(sizes))
        clusters = by_label(labels)
        if goal.height is None:
            return clusters
        by_size = sorted(clusters, key=len, reverse=True)
        return cut(np.concatenate(by_size), sizes)


def _condensed_distances(similarity: SimilarityRows, monitor: Monitor) -> NDArray[np.float64]:
    """Return 1 - similarity of every row to the rows after it, one row after the other, as SciPy takes them."""
    rows = len(similarity)
    distances = np.empty(rows * (rows - 1) // 2)
    done = 0
    for strip in row_strips(rows, rows):
        monitor.progress("similarity", strip.start, rows)
        for row, alike in enumerate(similarity[strip], strip.start):
            after = alike[row + 1 :]
            np.subtract(1.0, after, out=distances[done : done + after.size], dtype=np.float64)
            done += after.size
    monitor.progress("grouping")
    return distances
