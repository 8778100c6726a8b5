"""Make the groups of a partitioner exactly as large as a kernel needs them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparselab.analysis.similarity import SimilarityRows
from sparselab.core.mask import IntVector
from sparselab.core.strips import row_strips
from sparselab.grouping.base import Groups
from sparselab.runtime.progress import SILENT, Monitor

_SCALE = 2**12  # similarities as whole numbers, so that their sums are the same in any order


def fit_sizes(groups: Groups, sizes: IntVector, similarity: SimilarityRows, monitor: Monitor = SILENT) -> Groups:
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
        labels = _moved(labels, targets, similarity, monitor)
    # Back in the order the grouper gave: recursive bisection puts like groups side by side, which the picture shows.
    first = {label: position for position, label in enumerate(_original_order(groups, by_size))}
    order = sorted(
        np.flatnonzero(targets).tolist(), key=lambda label: (targets[label] < targets[0], first.get(label, len(first)))
    )
    return tuple(np.flatnonzero(labels == label) for label in order)


def _moved(labels: IntVector, targets: IntVector, similarity: SimilarityRows, monitor: Monitor) -> IntVector:
    """Return the labels after the cheapest moves that leave targets[g] rows in every group g.

    Only a row of a group that starts too large ever moves, so that what it has in common with the groups is all that is kept.
    """
    labels, current = labels.copy(), np.bincount(labels, minlength=len(targets))
    movable = np.flatnonzero((current > targets)[labels])
    affinity = _affinity(movable, labels, len(targets), similarity, monitor)
    to_move = int(np.maximum(current - targets, 0).sum())
    for step in range(to_move):
        monitor.progress("grouping", step, to_move)
        of = labels[movable]
        places = np.flatnonzero((current > targets)[of])
        open_groups = np.flatnonzero(current < targets)
        gain = affinity[np.ix_(places, open_groups)] - affinity[places, of[places]][:, None]
        best, slot = divmod(int(gain.argmax()), len(open_groups))
        place, new = places[best], open_groups[slot]
        row, old = movable[place], of[place]
        shared = _whole(similarity, movable[place : place + 1])[0, movable]
        affinity[:, old] -= shared
        affinity[:, new] += shared
        labels[row] = new
        current[old] -= 1
        current[new] += 1
    return labels


def _affinity(
    movable: IntVector, labels: IntVector, groups: int, similarity: SimilarityRows, monitor: Monitor
) -> IntVector:
    """Return the summed similarity of every movable row to the rows of every group."""
    affinity = np.zeros((len(movable), groups), dtype=np.int64)
    by_label = np.argsort(labels, kind="stable")
    filled, starts = np.unique(labels[by_label], return_index=True)
    for strip in row_strips(len(movable), len(labels)):
        monitor.progress("grouping", strip.start, len(movable))
        whole = _whole(similarity, movable[strip])[:, by_label]
        affinity[strip, filled] = np.add.reduceat(whole, starts, axis=1, dtype=np.int64)
    return affinity


def _whole(similarity: SimilarityRows, rows: IntVector) -> NDArray[np.int32]:
    return np.rint(similarity[rows] * _SCALE).astype(np.int32)


def _original_order(groups: Groups, by_size: list[IntVector]) -> list[int]:
    label_of = {id(group): label for label, group in enumerate(by_size)}
    return [label_of[id(group)] for group in groups]
