"""What the numbers of a mask and of a weight leave open: values that are not 0 and 1, and weights that are only nearly 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.inputs.layers import nonzero
from sparselab.formats.kinds.rule import KindRule, registry

_NEAR = 1e-3
_LEAST_SHARE = 0.005
_LEAST_GAP = 7
"""An empty stretch of so many powers of two (two decades) between two clusters, the lower with so many of the values."""

SLAB = 2**18
"""Numbers looked at in one go: what is made beside them stays small."""

_STEP = 31
"""Of large parts every so manieth number is looked at first; a prime, so that no pattern of rows or channels hides."""


@dataclass(frozen=True)
class Reading:
    """Which weights are kept, and what had to be assumed to say so."""

    kept: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def read_mask(values: NDArray[Any], threshold: float | None) -> Reading:
    """Return what a mask keeps: what is above the threshold; without one what is not 0, or above 0.5 where all is nearly 0 or 1."""
    if values.dtype == np.bool_:
        # A stranger's booleans may be any byte: 2 would count as kept here and vanish in packed bits there.
        return Reading(np.not_equal(np.ascontiguousarray(values).view(np.uint8), 0))
    if threshold is not None:
        return Reading(np.greater(values, threshold))
    kept = np.not_equal(values, 0)
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if bool((values[kept] == high).all()):
        return Reading(kept)  # 0 and one other number
    if bool((np.abs(values) == 1).all()):
        return Reading(kept, (VALUE_NOTES["signs"].text(),))
    if (
        values.dtype.kind == "f"
        and low >= -_NEAR
        and bool(((np.abs(values) < _NEAR) | (np.abs(values - 1) < _NEAR)).all())
    ):
        least = float(np.abs(values[kept]).min())
        return Reading(np.greater(values, 0.5), (VALUE_NOTES["nearly-binary"].text(f"{least:.1e} and {high:g}"),))
    share = np.count_nonzero(kept) / max(values.size, 1)
    return Reading(
        kept, (VALUE_NOTES["not-binary"].text(f"{low:.3g} to {high:.3g}, {100 * share:.1f} % of them not 0"),)
    )


def read_weight(values: NDArray[Any], threshold: float | None) -> Reading:
    """Return what a weight without a mask keeps: what is larger than the threshold; without one what is not 0."""
    if threshold is not None:
        return Reading(np.greater(np.abs(values), threshold))
    if values.dtype == np.bool_:
        return read_mask(values, None)
    kept = nonzero(values)
    is_float = values.dtype.kind == "f"
    return Reading(kept, weight_notes((lambda: _slabs(values)) if is_float else None, values, kept))


def weight_notes(
    parts: Callable[[], Iterable[NDArray[Any]]] | None, matrix: NDArray[Any], kept: NDArray[np.bool_]
) -> tuple[str, ...]:
    """Return what is said of the numbers of a weight without a mask.

    Args:
        parts: gives the floats, a part at a time, each time it is called; None for whole numbers.
        matrix: the numbers, or the words that stand for them.
    """
    gap = None if parts is None else _gap(parts)
    notes = () if gap is None else (VALUE_NOTES["nearly-zero"].text(gap),)
    return notes + _shape_notes(matrix, kept)


def _slabs(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    flat = values.reshape(-1)
    return (flat[start : start + SLAB] for start in range(0, flat.size, SLAB))


def _shape_notes(values: NDArray[Any], kept: NDArray[np.bool_]) -> tuple[str, ...]:
    count = int(np.count_nonzero(kept))
    if not count:
        return (VALUE_NOTES["all-zero"].text(),)
    rows, cols = values.shape
    is_diagonal = rows == cols == count > 1 and bool(kept.diagonal().all())
    return (VALUE_NOTES["identity"].text(),) if is_diagonal and np.ptp(values.diagonal()) == 0 else ()


def _gap(parts: Callable[[], Iterable[NDArray[Any]]]) -> str | None:
    """Return the widest empty stretch between two clusters of log10 |w|, in words, or None without one."""
    # A stretch that is empty in all values is empty in some of them: where those show none, the others need no look.
    if not _has_empty_stretch(_exponents(part[::_STEP] if part.size == SLAB else part for part in parts())):
        return None
    counts = _exponents(parts())
    used = np.flatnonzero(counts)
    if used.size < 2:
        return None
    widths = np.diff(used)
    below = np.cumsum(counts)[used[:-1]]
    widths[below < max(_LEAST_SHARE * counts.sum(), 2)] = 0
    at = int(widths.argmax())
    if widths[at] <= _LEAST_GAP:
        return None
    edge = float(np.ldexp(1.0, int(used[at]) - (counts.size // 2 - 2) + int(widths[at]) // 2))
    lower, upper = 0.0, np.inf
    for part in parts():
        sizes = np.abs(part)
        lower = max(lower, float(sizes[sizes <= edge].max(initial=0)))
        upper = min(upper, float(sizes[sizes > edge].min(initial=np.inf)))
    middle = 10.0 ** round((np.log10(lower) + np.log10(upper)) / 2)
    share = 100 * below[at] / counts.sum()
    return (
        f"log10 |w| of {share:.1f} % is at most {np.log10(lower):.1f}, of the others at least {np.log10(upper):.1f}, "
        f"nothing between; --threshold {middle:.0e}"
    )


def _has_empty_stretch(counts: NDArray[np.int64]) -> bool:
    return bool((np.diff(np.flatnonzero(counts)) > _LEAST_GAP).any())


def _exponents(parts: Iterable[NDArray[Any]]) -> NDArray[np.int64]:
    """Return how many numbers have each exponent, as it stands in their bits; zeros are not counted.

    Several times as fast as frexp. Numbers too small for an exponent of their own (the subnormal ones) stand at 0.
    """
    counts = np.zeros(0, np.int64)
    for part in parts:
        exponent, mantissa = _float_bits(part.dtype)
        words = np.ascontiguousarray(part).view(f"u{part.dtype.itemsize}")
        raw = (words >> words.dtype.type(mantissa)) & words.dtype.type(2**exponent - 1)
        found = np.bincount(raw.astype(np.int64), minlength=2**exponent)
        found[0] -= part.size - np.count_nonzero(part)
        found[-1] = 0  # infinite, or no number
        counts = found if not counts.size else counts + found
    return counts


@lru_cache
def _float_bits(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return how many bits of a float are its exponent, and its mantissa."""
    info = np.finfo(dtype)
    return info.nexp, info.nmant


VALUE_NOTES = registry(
    (
        KindRule(
            name="signs",
            title="Masks of -1 and +1",
            outcome="read",
            says="the mask holds -1 and +1 and no 0, so that all is kept; --threshold 0 keeps +1 alone",
            line="Nothing says which of the two is kept.",
        ),
        KindRule(
            name="nearly-binary",
            title="Masks of nearly 0 and 1",
            outcome="read",
            says="the mask is 0 and 1 but for rounding (from {}): above 0.5 is kept; --threshold 0 keeps all above 0",
            line="Every value within 0.001 of 0 or 1.",
        ),
        KindRule(
            name="not-binary",
            title="Masks of other values",
            outcome="read",
            says="the mask holds numbers from {}: all that is not 0 is kept; --threshold 0.5, say, keeps what is above",
            line="Sigmoids and scores in place of a mask: no threshold is chosen for you.",
        ),
        KindRule(
            name="nearly-zero",
            title="Weights that are nearly 0",
            outcome="read",
            says="two clusters of weights: {} counts the small ones as pruned",
            line="Pruned weights that drifted, such as to 1e-12: an empty stretch of two decades between two clusters of log10 |w|.",
        ),
        KindRule(
            name="all-zero",
            title="Weights that are all 0",
            outcome="read",
            says="all its weights are 0",
            line="Such as LoRA's B before training.",
        ),
        KindRule(
            name="identity",
            title="Identities",
            outcome="read",
            says="a multiple of the identity, as layers are begun",
            line="Nothing off the diagonal.",
        ),
    )
)
"""What is said of a layer once its numbers are read."""
