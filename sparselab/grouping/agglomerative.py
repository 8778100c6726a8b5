"""Cluster rows bottom-up by complete linkage, as DSB does."""

from __future__ import annotations

import numpy as np

from sparselab.analysis.similarity import similarity_tensor
from sparselab.core.mask import Mask
from sparselab.grouping.base import Goal, Grouper, Groups, by_label, cut
from sparselab.grouping.linkage import complete_linkage
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

    def _group(self, mask: Mask, goal: Goal, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        sizes = goal.sizes(mask.rows)
        distance = 1.0 - similarity_tensor(mask, goal.similarity, device).double()
        clusters = by_label(complete_linkage(distance, len(sizes), monitor))
        if goal.height is None:
            return clusters
        by_size = sorted(clusters, key=len, reverse=True)
        return cut(np.concatenate(by_size), sizes)
