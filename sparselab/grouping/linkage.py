"""Complete-linkage agglomerative clustering: SciPy's on the CPU, nearest-neighbour chains in vector steps on a GPU.

The distance of two clusters is that of their farthest members. Both ways follow chains of nearest neighbours and break ties
alike, so the clusters are those of scikit-learn's AgglomerativeClustering.

Source: Murtagh, "Multidimensional Clustering Algorithms" (1985); Müllner, arXiv 1109.2378, Sec. 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sparselab.core.mask import IntVector
from sparselab.runtime.progress import SILENT, Monitor

if TYPE_CHECKING:
    import torch

Merges = tuple[IntVector, NDArray[np.float64]]
"""n - 1 merges: pairs of rows that stand for their clusters, and the height of each."""


def cut_tree(merges: Merges, clusters: int) -> IntVector:
    """Return the cluster of every row after the lowest merges, as many as leave `clusters` clusters; ties in their order.

    Labels are numbered by each cluster's first row.


    Example: >>> cut_tree((np.array([[0, 2], [1, 2]]), np.array([0.1, 0.9])), 2).tolist()
             [0, 1, 0]
    """
    pairs, heights = merges
    rows = len(pairs) + 1
    order = np.argsort(heights, kind="stable")[: rows - min(clusters, rows)]
    parent = np.arange(rows)
    for a, b in pairs[order]:
        parent[_root(parent, int(a))] = _root(parent, int(b))
    roots = np.array([_root(parent, row) for row in range(rows)])
    _, first, labels = np.unique(roots, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[labels]


def scipy_merges(distances: NDArray[np.float64], rows: int) -> Merges:
    """Return the merges that SciPy finds, by rising height; `distances` are those above the diagonal, row by row."""
    from scipy.cluster.hierarchy import linkage

    if rows < 2:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0)
    tree = linkage(distances, "complete")
    row_of = np.arange(2 * rows - 1)  # a row of each cluster; SciPy numbers the clusters it makes from n on
    pairs = tree[:, :2].astype(np.int64)
    for step, pair in enumerate(pairs):
        row_of[rows + step] = row_of[pair[1]]
    return row_of[pairs], tree[:, 2]


def chain_merges(distance: torch.Tensor, monitor: Monitor = SILENT) -> Merges:
    """Return the merges in the order in which chains of nearest neighbours find them: O(n^2) work in n vector steps.

    `distance` is square, symmetric, and is left as it was. A chain goes on until two are mutual, which are merged. Ties fall as in SciPy: the previous link of the chain first, then
    the lowest index.
    """
    import torch

    rows = distance.shape[0]
    work = distance.to(torch.float64, copy=True)
    work.fill_diagonal_(torch.inf)
    alive = np.ones(rows, dtype=bool)
    merges = np.zeros((max(rows - 1, 0), 2), dtype=np.int64)
    heights = np.zeros(max(rows - 1, 0))
    chain: list[int] = []
    for step in range(rows - 1):
        if step % 64 == 0:
            monitor.progress("grouping", step, rows - 1)
        if not chain:
            chain.append(int(alive.argmax()))
        while True:
            here = work[chain[-1]]
            nearest = int(here.argmin())
            if len(chain) > 1 and here[chain[-2]] <= here[nearest]:
                break
            chain.append(nearest)
        low, high = sorted((chain.pop(), chain.pop()))
        merges[step], heights[step] = (low, high), float(work[low, high])
        # The union lives on under the higher index; the lower one is gone: nothing is near it any more.
        farthest = torch.maximum(work[low], work[high])
        work[high], work[:, high] = farthest, farthest
        work[low], work[:, low] = torch.inf, torch.inf
        work[high, high] = torch.inf
        alive[low] = False
    return merges, heights


def _root(parent: IntVector, row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = int(parent[row])
    return row
