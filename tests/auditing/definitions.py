"""Every pattern once more, as its definition says: units as index arrays, and what must be true of one. Slow, and plain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.auditing.patterns import Pattern

Unit = NDArray[np.int64]
"""Places in the tensor, flat: outputs x inputs."""


def _cut(places: NDArray[np.int64], height: int, width: int) -> Iterator[Unit]:
    """Blocks of places (outputs x inputs x positions), the last ones what remains."""
    outputs, inputs, positions = places.shape
    for row in range(0, outputs, height):
        for position in range(positions):
            for col in range(0, inputs, width):
                yield places[row : row + height, col : col + width, position]


UNITS: Mapping[str, Callable[[Any, str | None, NDArray[np.int64]], Iterator[Unit]]] = {
    "N:M": lambda p, axis, places: _cut(places, *((1, p.m) if axis == "in" else (p.m, 1))),
    "V:N:M": lambda p, axis, places: _cut(places, p.v, p.m),
    "HxW": lambda p, axis, places: _cut(places, p.h, p.w),
    "rows": lambda p, axis, places: (row.reshape(1, -1) for row in places),
    "columns": lambda p, axis, places: _cut(places, len(places), 1),
    "heads": lambda p, axis, places: _cut(places, *((len(places), p.size) if axis == "in" else (p.size, places.shape[1]))),
    "fan-in": lambda p, axis, places: (row.reshape(1, -1) for row in places),
}  # fmt: skip


def _n_m(p: Any, unit: NDArray[np.bool_], strict: bool, mean: float) -> bool:
    return unit.sum() == min(p.n, unit.size) if strict else unit.sum() <= p.n


def _v_n_m(p: Any, unit: NDArray[np.bool_], strict: bool, mean: float) -> bool:
    counts, used = unit.sum(axis=1), unit.any(axis=0).sum()
    right = counts == min(p.n, unit.shape[1]) if strict else counts <= p.n
    return bool(used <= 4 and right.all())


def _whole(p: Any, unit: NDArray[np.bool_], strict: bool, mean: float) -> bool:
    return bool(unit.all() or not unit.any())


def _fan_in(p: Any, unit: NDArray[np.bool_], strict: bool, mean: float) -> bool:
    return bool(unit.sum() == int(mean + 0.5))


RULES: Mapping[str, Callable[[Any, NDArray[np.bool_], bool, float], bool]] = {
    "N:M": _n_m, "V:N:M": _v_n_m, "HxW": _whole, "rows": _whole, "columns": _whole, "heads": _whole, "fan-in": _fan_in,
}  # fmt: skip


def broken_units(
    pattern: Pattern, axis: str | None, kept: NDArray[np.bool_], *, strict: bool, groups: int = 1
) -> tuple[int, list[tuple[int, ...]]]:
    """Return how many units a tensor (out, in, kernel ...) has, and the index of the first weight of each that breaks the pattern."""
    places = np.arange(kept.size).reshape(groups, kept.shape[0] // groups, kept.shape[1], -1)
    units = [unit for part in places for unit in UNITS[pattern.form](pattern, axis, part)]
    flat, mean = kept.reshape(-1), kept.sum() / kept.shape[0]
    broken = [unit for unit in units if not RULES[pattern.form](pattern, flat[unit], strict, mean)]
    return len(units), [tuple(map(int, np.unravel_index(int(unit.flat[0]), kept.shape))) for unit in broken]


def examples(
    form: str, rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[Pattern, str | None, NDArray[np.bool_]]:
    """Return a pattern of a form, its axis, and a mask of 0 and 1 that fulfils it exactly; rows and columns are multiples of 16."""
    from sparselab.auditing.patterns import PATTERNS

    rows, cols = shape
    kind = PATTERNS[form]

    def windows(outputs: int, inputs: int, n: int, m: int) -> NDArray[np.bool_]:
        return (np.argsort(rng.random((outputs, inputs // m, m)), axis=-1) < n).reshape(outputs, inputs)

    def blocks(h: int, w: int) -> NDArray[np.bool_]:
        picked = rng.random((rows // h, cols // w)) < 0.5
        picked.flat[0], picked.flat[-1] = True, False
        return np.kron(picked, np.ones((h, w), bool)).astype(bool)

    if form == "N:M":
        n, m, axis = [(2, 4, "in"), (1, 4, "out"), (4, 8, "out"), (1, 2, "in"), (3, 16, "in")][rng.integers(5)]
        mask = windows(rows, cols, n, m) if axis == "in" else windows(cols, rows, n, m).T
        return kind(n, m), axis, mask
    if form == "V:N:M":
        v = int(rng.choice([8, 16]))
        used = windows(rows // v, cols, 4, 8).reshape(rows // v, 1, cols // 8, 8)
        scores = np.where(
            np.broadcast_to(used, (rows // v, v, cols // 8, 8)), rng.random((rows // v, v, cols // 8, 8)), 2
        )
        return kind(v, 2, 8), "in", (np.argsort(np.argsort(scores, axis=-1), axis=-1) < 2).reshape(rows, cols)
    if form == "HxW":
        h, w = [(4, 4), (16, 16), (8, 1), (1, 4), (2, 8)][rng.integers(5)]
        return kind(h, w), None, blocks(h, w)
    if form == "heads":
        axis = str(rng.choice(["in", "out"]))
        return kind(8), axis, blocks(8, cols) if axis == "out" else blocks(rows, 8)
    if form == "fan-in":
        return kind(), "in", windows(rows, cols, 5, cols)
    return kind(), None, blocks(1, cols) if form == "rows" else blocks(rows, 1)
