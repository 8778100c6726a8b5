"""Partition the graph of each row's most similar rows with METIS."""

from __future__ import annotations

import numpy as np

from sparselab.analysis.similarity import SimilarityRows, similarity_rows
from sparselab.core.errors import UnavailableError
from sparselab.core.mask import IntVector, Mask
from sparselab.core.strips import row_strips
from sparselab.grouping.base import Goal, Grouper, Groups, by_label
from sparselab.grouping.sizes import fit_sizes
from sparselab.runtime.progress import SILENT, Monitor

_WEIGHT_SCALE = 1000  # METIS takes whole edge weights
_SLACK_PER_MILLE = 100  # how far a part may exceed the mean when sizes are not promised


class JaccardMetis(Grouper):
    """Cut the k-nearest-neighbour graph of Jaccard similarity into parts that lose the least similarity.

    Recursive bisection, not METIS's direct k-way: on real layers at equal density it covers up to 6 % more.
    """

    title = "Jaccard graph (METIS)"
    meaning = (
        "joins each row to its most similar rows, and cuts this graph into groups so that the least similarity is cut"
    )
    source = "Karypis & Kumar, SIAM J. Sci. Comput. 20 (1998); similarity as in Structure-LTH, Sec. 3.3"
    compares_rows = True

    def _group(self, mask: Mask, goal: Goal, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        sizes = goal.sizes(mask.rows)
        if len(sizes) == 1:
            return (np.arange(mask.rows),)
        similarity = similarity_rows(mask, "jaccard", device)
        starts, neighbours, weights = neighbour_graph(similarity, goal.knn, monitor)
        monitor.progress("grouping")
        labels = _partition(starts, neighbours, weights, sizes, exact=goal.height is not None, rng=rng)
        groups = by_label(labels)
        return groups if goal.height is None else fit_sizes(groups, sizes, similarity, monitor)


def neighbour_graph(
    similarity: SimilarityRows, knn: int, monitor: Monitor = SILENT
) -> tuple[IntVector, IntVector, IntVector]:
    """Return the symmetric graph in which each row is joined to its `knn` most similar rows, as (starts, neighbours, weights).

    An edge weighs its similarity in thousandths, at least 1; rows that share nothing are not joined.
    """
    import torch

    rows = len(similarity)
    edges, weights = [], []
    for strip in row_strips(rows, rows):
        monitor.progress("similarity", strip.start, rows)
        numbers = np.arange(strip.start, strip.stop)
        without_self = np.array(similarity[strip])
        without_self[np.arange(len(numbers)), numbers] = -1.0
        alike, nearest = (found.numpy() for found in torch.topk(torch.from_numpy(without_self), min(knn, rows - 1)))
        row, place = np.nonzero(alike > 0)
        left, right, alike = numbers[row], nearest[row, place], alike[row, place]
        edges.append(np.concatenate([left * rows + right, right * rows + left]))
        weights.append(np.tile(np.maximum(1, np.rint(alike * _WEIGHT_SCALE)).astype(np.int64), 2))
    # An edge is listed from both its ends, and twice where each is among the other's nearest.
    found, first = np.unique(np.concatenate(edges), return_index=True)
    sources, neighbours = np.divmod(found, rows)
    starts = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=rows))])
    return starts, neighbours, np.concatenate(weights)[first]


def _partition(
    starts: IntVector,
    neighbours: IntVector,
    weights: IntVector,
    sizes: IntVector,
    *,
    exact: bool,
    rng: np.random.Generator,
) -> IntVector:
    try:
        import pymetis
    except ImportError:
        raise UnavailableError("jaccard-metis needs pymetis: pip install pymetis, or choose another grouper") from None

    options = pymetis.Options()
    options.seed = int(rng.integers(2**31 - 1))
    options.ncuts = 4
    if not exact:
        options.ufactor = _SLACK_PER_MILLE
    ragged = None if sizes.min() == sizes.max() else list(sizes / sizes.sum())
    graph = pymetis.CSRAdjacency(starts, neighbours)
    _, labels = pymetis.part_graph(len(sizes), graph, eweights=weights, recursive=True, tpwgts=ragged, options=options)
    return np.asarray(labels, dtype=np.int64)
