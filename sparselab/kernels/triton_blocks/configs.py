"""Which tiles the Triton kernel may use: what is timed for a shape, and what the interpreter gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_SHARED_BYTES = (
    232_448  # the most any device of today gives a program (H100); those with less refuse, and are passed over
)
_FEW_POSITIONS = 64


@dataclass(frozen=True)
class Config:
    """One way to run the product: the tile a program owns, how wide and deep it works, and how X is arranged."""

    block_m: int
    block_n: int
    block_k: int
    warps: int = 4
    stages: int = 4
    arrangement: str = "padded"

    def __str__(self) -> str:
        tile = f"{self.block_m}x{self.block_n}x{self.block_k}"
        return f"tile {tile}, {self.warps} warps, {self.stages} stages, {self.arrangement}"


INTERPRETED = Config(block_m=16, block_n=16, block_k=16)
"""Small, since the interpreter's time goes with the number of tiles, and small layers should need several."""


def untuned(height: int, cols: int, dtype: str) -> Config:
    """Return the tile that no trial has chosen: for panels of `height` rows and `cols` columns at most, and many positions.

    What trials on an H200 chose for groups of 32 to 128 rows lies near it.
    """
    exact = dtype == "float32"
    two_bytes = dtype in ("float16", "bfloat16")
    block_m = _within(_power_of_two_up(height), 16, 64 if exact else 128)
    block_k = _within(_power_of_two_up(cols), 16, 64 if two_bytes else 32)
    return Config(block_m, 128 if two_bytes else 64, block_k, warps=4, stages=4)


def coarse(
    heights: NDArray[np.int64], positions: int, most_cols: int, dtype: str, arrangements: Sequence[str]
) -> list[Config]:
    """Return tiles of different shape to be timed first, for panels of these heights, with middling warps and stages."""
    exact = dtype == "float32"  # no tensor cores: registers are the limit
    usual = _power_of_two_up(float(np.median(heights)) if heights.size else 1.0)
    tallest = _power_of_two_up(float(heights.max()) if heights.size else 1.0)
    short = (16,) if positions <= _FEW_POSITIONS else ()  # many programs, since a weight is read once anyhow
    block_ms = sorted({_within(m, 16, 64 if exact else 128) for m in (*short, usual // 2, usual, tallest)})
    block_ns = sorted(
        {min(n, _within(_power_of_two_up(positions), 16, n)) for n in ((64, 128) if exact else (64, 128, 256))}
    )
    block_ks = sorted({min(k, _within(_power_of_two_up(most_cols), 16, k)) for k in _block_ks(dtype)})
    found = [
        Config(m, n, k, warps=_usual_warps(m * n), arrangement=arrangement)
        for arrangement in arrangements
        for m in block_ms
        for n in block_ns
        for k in block_ks
    ]
    return [config for config in found if fits(config, dtype)]


def fine(config: Config, dtype: str) -> list[Config]:
    """Return the same tile with other warps and stages, to be timed for the best of the coarse ones."""
    others = [replace(config, warps=w, stages=s) for w in (2, 4, 8) for s in (3, 4, 5)]
    return [other for other in others if other != config and fits(other, dtype)]


def fits(config: Config, dtype: str) -> bool:
    """Whether the tiles of all stages but the one that fetches addresses fit into shared memory, and warps have work."""
    width = 2 if dtype in ("float16", "bfloat16") else 4
    tiles = (config.block_m + config.block_n) * config.block_k * width
    return (config.stages - 1) * tiles <= _SHARED_BYTES and config.block_m * config.block_n >= 128 * config.warps


def _usual_warps(area: int) -> int:
    return 8 if area > 64 * 128 else 4 if area >= 512 else 2


def _block_ks(dtype: str) -> tuple[int, ...]:
    return {"float32": (16, 32), "tf32": (16, 32)}.get(dtype, (32, 64))


def _power_of_two_up(number: float) -> int:
    return 1 << max(0, int(np.ceil(np.log2(max(number, 1.0)))))


def _within(number: int, low: int, high: int) -> int:
    return min(max(number, low), high)
