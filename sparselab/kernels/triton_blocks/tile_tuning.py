"""Choosing the quickest of several tile sizes for one product, once a machine."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sparselab.core.errors import UnavailableError
from sparselab.kernels.support.tuning_cache import keep, recall
from sparselab.kernels.triton_blocks.configs import Config

Timer = Callable[[Config], float]
"""Milliseconds of one config; infinite where the device refuses it."""

_BEST_OF_COARSE = 2
_KINDS = typing.get_type_hints(Config)


def chosen(
    key: Mapping[str, Any],
    coarse: Iterable[Config],
    fine: Callable[[Config], Iterable[Config]],
    milliseconds: Timer,
    compile_all: Callable[[Collection[Config]], None] = lambda configs: None,
) -> Config:
    """Return the config kept for `key`, or time the coarse ones, then variations of the best two, and keep the quickest.

    compile_all: is called with configs that are timed next, to compile them together.

    Raises: UnavailableError when the device refuses all.
    """
    known = recall(key, _KINDS)
    if known is not None:
        return Config(**known)
    first = list(coarse)
    compile_all(first)
    times = {config: milliseconds(config) for config in first}
    best = sorted(times, key=times.__getitem__)[:_BEST_OF_COARSE]
    others = list(dict.fromkeys(other for config in best for other in fine(config) if other not in times))
    compile_all(others)
    times |= {other: milliseconds(other) for other in others}
    found = min(times, key=times.__getitem__)
    if times[found] == float("inf"):
        raise UnavailableError(f"expected a device that runs one of {len(times)} tile sizes; it refused them all")
    keep(key, asdict(found))
    return found
