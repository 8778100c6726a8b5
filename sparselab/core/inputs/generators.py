"""Where random numbers come from: a generator, a seed, or nothing said."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from sparselab.core.errors import SettingError

Rng: TypeAlias = np.random.Generator | int | None
"""None is the seed 0, a whole number is a seed, and a generator is drawn from where it stands."""


def as_generator(rng: Rng = None) -> np.random.Generator:
    """Return the generator that `rng` stands for.

    Raises: SettingError for anything but None, a whole number from 0 up or a NumPy generator.
    Example: >>> as_generator().random() == as_generator(0).random() == np.random.default_rng(0).random()
             True
    """
    if isinstance(rng, np.random.Generator):
        return rng
    seed = 0 if rng is None else rng
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        got = repr(rng) if isinstance(rng, int) else type(rng).__name__
        raise SettingError(f"rng: expected none, a seed from 0 up or a numpy.random.Generator; got {got}")
    return np.random.default_rng(int(seed))
