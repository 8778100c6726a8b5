"""Windows of four along either axis of a weight."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from sparselab.diagnosis.evidence import Windows

_WINDOW, _KEPT = 4, 2


def windows_of(kept: NDArray[np.bool_], axis: int) -> Windows:
    """Count the windows of four neighbours along an axis of a weight (out, in, kernel...), and those that keep more than two.

    axis: 0 for out, 1 for in. A last window that is not full counts too.

    Example: >>> windows_of(np.array([[1, 1, 0, 0, 1, 1, 1, 0]], bool), axis=1).first
             (0, 4)
    """
    moved = np.moveaxis(kept, axis, -1)
    size = moved.shape[-1]
    padded = np.pad(moved, [(0, 0)] * (moved.ndim - 1) + [(0, -size % _WINDOW)])
    full = padded.reshape(*moved.shape[:-1], -1, _WINDOW).sum(axis=-1, dtype=np.int8) > _KEPT
    broken = int(full.sum())
    return Windows(
        count=full.size,
        broken=broken,
        first=_first(full, kept.shape, axis) if broken else None,
        chance=_chance(kept.mean() if kept.size else 0.0),
    )


def _first(full: NDArray[np.bool_], shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """Return the first broken window's row and column in the weight as a matrix out x n."""
    place = list(np.unravel_index(int(np.argmax(full)), full.shape))
    index = [int(value) for value in place[:-1]]
    index.insert(axis, int(place[-1]) * _WINDOW)
    return index[0], int(np.ravel_multi_index(index[1:], shape[1:]))


def _chance(density: float) -> float:
    terms = range(_KEPT + 1, _WINDOW + 1)
    return float(sum(comb(_WINDOW, k) * density**k * (1 - density) ** (_WINDOW - k) for k in terms))
