"""How many weights each layer keeps when a network starts sparse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import floor, prod
from types import MappingProxyType

from sparselab.core.errors import SettingError

Densities = Callable[[Sequence[Sequence[int]], float], tuple[float, ...]]
"""From the layers' shapes and the density of all weights together to the density of every layer."""


def erk(shapes: Sequence[Sequence[int]], density: float) -> tuple[float, ...]:
    """Return densities proportional to sum(shape) / prod(shape), scaled to hold the budget.

    Layers that would exceed 1 become dense, and the scale is solved again without them.
    Source: Evci et al., ICML 2020, Sec. 3 and App. (ERK); Mocanu et al., 2018 (ER).
    """
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


def uniform(shapes: Sequence[Sequence[int]], density: float) -> tuple[float, ...]:
    """Return the same density everywhere."""
    return (density,) * len(shapes)


DISTRIBUTIONS: Mapping[str, Densities] = MappingProxyType({"erk": erk, "uniform": uniform})


def layer_densities(shapes: Sequence[Sequence[int]], density: float, how: str) -> tuple[float, ...]:
    """Return the density of every layer, so that all together hold density * all weights.

    Args: shapes: out x in, or out x in x kh x kw. density: in [0, 1]. how: one of `DISTRIBUTIONS`.
    """
    if how not in DISTRIBUTIONS:
        raise SettingError(f"distribution: expected one of {', '.join(DISTRIBUTIONS)}; got {how!r}")
    return DISTRIBUTIONS[how](shapes, density)


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
