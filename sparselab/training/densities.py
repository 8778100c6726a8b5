"""How many weights each layer keeps when a network starts sparse."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, prod

from sparselab.errors import SettingError


def layer_densities(shapes: Sequence[Sequence[int]], density: float, how: str) -> tuple[float, ...]:
    """Return the density of every layer, so that all together hold density * all weights.

    uniform  the same everywhere
    erk      proportional to sum(shape) / prod(shape), scaled to hold the budget; layers that would exceed 1 become dense, and
             the scale is solved again without them

    Args: shapes: out x in, or out x in x kh x kw. density: in [0, 1].
    Source: Evci et al., ICML 2020, Sec. 3 and App. (ERK); Mocanu et al., 2018 (ER).
    """
    if how == "uniform":
        return (density,) * len(shapes)
    if how != "erk":
        raise SettingError(f"distribution: expected uniform or erk; got {how!r}")
    sizes = [prod(shape) for shape in shapes]
    raw = [sum(shape) / size for shape, size in zip(shapes, sizes, strict=True)]
    budget = density * sum(sizes)
    dense: set[int] = set()
    while len(dense) < len(sizes):
        sparse = [place for place in range(len(sizes)) if place not in dense]
        left = budget - sum(sizes[place] for place in dense)
        scale = left / sum(raw[place] * sizes[place] for place in sparse)
        over = {place for place in sparse if scale * raw[place] > 1}
        if not over:
            return tuple(1.0 if place in dense else scale * raw[place] for place in range(len(sizes)))
        dense |= over
    return (1.0,) * len(sizes)


def layer_counts(shapes: Sequence[Sequence[int]], density: float, how: str) -> tuple[int, ...]:
    """Return the weights each layer keeps: `layer_densities` times its size, rounded so that the sum is round(density * all).

    The layers with the largest remainders are rounded up, ties by index.
    """
    sizes = [prod(shape) for shape in shapes]
    exact = [share * size for share, size in zip(layer_densities(shapes, density, how), sizes, strict=True)]
    counts = [min(size, floor(value + 1e-9)) for value, size in zip(exact, sizes, strict=True)]
    missing = round(density * sum(sizes)) - sum(counts)
    open_ones = [place for place in range(len(sizes)) if counts[place] < sizes[place]]
    for place in sorted(open_ones, key=lambda place: (counts[place] - exact[place], place))[:missing]:
        counts[place] += 1
    return tuple(counts)
