"""Choosing the quickest of several tile sizes for one product, once a machine."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sparselab.core.errors import UnavailableError
from sparselab.kernels.support.tuning_cache import keep, recall
from sparselab.kernels.triton_blocks.configs import Config

Timer = Callable[[Config], float]
"""Milliseconds of one config; infinite where the device refuses it."""

_BEST_OF_COARSE = 3
_KINDS = typing.get_type_hints(Config)


def chosen(
    key: Mapping[str, Any],
    coarse: Iterable[Config],
    fine: Callable[[Config], Iterable[Config]],
    milliseconds: Timer,
) -> Config:
    """Return the config kept for `key`, or time the coarse ones, then variations of the three best, and keep the quickest.

    Raises: UnavailableError when the device refuses all.
    """
    known = recall(key, _KINDS)
    if known is not None:
        return Config(**known)
    times = {config: milliseconds(config) for config in coarse}
    best = sorted(times, key=times.__getitem__)[:_BEST_OF_COARSE]
    for config in best:
        times |= {other: milliseconds(other) for other in fine(config) if other not in times}
    found = min(times, key=times.__getitem__)
    if times[found] == float("inf"):
        raise UnavailableError(f"expected a device that runs one of {len(times)} tile sizes; it refused them all")
    keep(key, asdict(found))
    return found
