"""Make the groups of a partitioner exactly as large as a kernel needs them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparselab.core.mask import IntVector
from sparselab.grouping.base import Groups

_SCALE = 2**12  # similarities as whole numbers, so that their sums are the same in any order


def fit_sizes(groups: Groups, sizes: IntVector, similarity: NDArray[np.float32]) -> Groups:
    """Move as few rows as needed so that the groups have exactly `sizes`, each time the move that costs least.

    The larger groups get the larger sizes; missing groups start empty. The cost of moving row r from group a to group b is
    A[r, a] - A[r, b], with A[r, g] the summed similarity of r to the rows of g. Ties go to the lower row, then group.
    """
    rows = len(similarity)
    labels = np.zeros(rows, dtype=np.int64)
    by_size = sorted(groups, key=len, reverse=True)
    for label, group in enumerate(by_size):
        labels[group] = label
    targets = np.zeros(max(len(groups), len(sizes)), dtype=np.int64)
    targets[: len(sizes)] = np.sort(sizes)[::-1]
    current = np.bincount(labels, minlength=len(targets))
    if not np.array_equal(current, targets):
        whole = np.rint(similarity * _SCALE).astype(np.int32)
        affinity = np.stack([whole[:, labels == label].sum(axis=1) for label in range(len(targets))], axis=1)
        while (over := current > targets).any():
            movable = np.flatnonzero(over[labels])
            open_groups = np.flatnonzero(current < targets)
            gain = affinity[np.ix_(movable, open_groups)] - affinity[movable, labels[movable]][:, None]
            best, slot = divmod(int(gain.argmax()), len(open_groups))
            row, old, new = movable[best], labels[movable[best]], open_groups[slot]
            affinity[:, old] -= whole[:, row]
            affinity[:, new] += whole[:, row]
            labels[row] = new
            current[old] -= 1
            current[new] += 1
    # Back in the order the grouper gave: recursive bisection puts like groups side by side, which the picture shows.
    first = {label: position for position, label in enumerate(_original_order(groups, by_size))}
    order = sorted(
        np.flatnonzero(targets).tolist(), key=lambda label: (targets[label] < targets[0], first.get(label, len(first)))
    )
    return tuple(np.flatnonzero(labels == label) for label in order)


def _original_order(groups: Groups, by_size: list[IntVector]) -> list[int]:
    label_of = {id(group): label for label, group in enumerate(by_size)}
    return [label_of[id(group)] for group in groups]
