"""Partition the graph of each row's most similar rows with METIS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparselab.analysis.similarity import jaccard_similarity
from sparselab.core.errors import UnavailableError
from sparselab.core.mask import IntVector, Mask
from sparselab.grouping.base import Goal, Grouper, Groups, by_label
from sparselab.grouping.sizes import fit_sizes
from sparselab.runtime.progress import Monitor

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
        similarity = jaccard_similarity(mask, device=device)
        monitor.progress("grouping")
        starts, neighbours, weights = neighbour_graph(similarity, goal.knn)
        labels = _partition(starts, neighbours, weights, sizes, exact=goal.height is not None, rng=rng)
        groups = by_label(labels)
        return groups if goal.height is None else fit_sizes(groups, sizes, similarity)


def neighbour_graph(similarity: NDArray[np.float32], knn: int) -> tuple[IntVector, IntVector, IntVector]:
    """Return the symmetric graph in which each row is joined to its `knn` most similar rows, as (starts, neighbours, weights).

    An edge weighs its similarity in thousandths, at least 1; rows that share nothing are not joined.
    """
    import torch

    rows = len(similarity)
    without_self = torch.from_numpy(np.array(similarity)).fill_diagonal_(-1.0)
    nearest = torch.topk(without_self, min(knn, rows - 1), dim=1).indices.numpy()
    joined = np.zeros((rows, rows), dtype=bool)
    np.put_along_axis(joined, nearest, True, axis=1)
    joined = (joined | joined.T) & (similarity > 0)
    np.fill_diagonal(joined, False)
    sources, neighbours = np.nonzero(joined)
    starts = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=rows))])
    weights = np.maximum(1, np.rint(similarity[sources, neighbours] * _WEIGHT_SCALE)).astype(np.int64)
    return starts, neighbours, weights


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
