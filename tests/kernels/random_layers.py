"""Random products with every trait that has broken kernels: ragged groups, rows in two or none, few positions, odd sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels.base import Conv, Work

TRAITS = ("groups", "groups", "groups", "two groups a row", "blocks of one group", "none", "one row", "whole")
KERNELS = ((1, 1), (3, 3), (3, 3), (2, 3), (5, 1), (2, 2))


def random_layout(rng: np.random.Generator, trait: str, rows: int, cols: int) -> Layout:
    """Blocks over an empty mask; rows and columns that no group takes stay empty."""
    before = Mask(np.zeros((rows, cols), bool))
    if trait == "none":
        return Layout.unchanged(before, "nothing found")
    if trait == "whole":
        return Layout.from_blocks(before, [Block(rng.permutation(rows), rng.permutation(cols))], reason="")
    taken = np.zeros((rows, cols), bool)
    blocks: list[Block] = []
    for _ in range(2 if trait == "two groups a row" else 1):
        order, start = rng.permutation(rows), 0
        while start < rows:
            group = order[start : start + int(rng.integers(1, max(2, rows)))]
            start += group.size
            free = np.flatnonzero(~taken[group].any(axis=0))
            chosen = rng.permutation(free)[: int(rng.integers(0, cols + 1))]
            if not chosen.size:
                continue
            taken[np.ix_(group, chosen)] = True
            parts = np.array_split(chosen, 2) if trait == "blocks of one group" and chosen.size > 1 else [chosen]
            blocks += [Block(group, part) for part in parts]
    return Layout.from_blocks(before, blocks, reason="no group was given a column")


def random_work(
    rng: np.random.Generator,
    dtype: str,
    device: str,
    *,
    most_rows: int = 40,
    most: int = 24,
    convolution: bool | None = None,
) -> Work:
    """A product, of any kind unless `convolution` says which; `most` bounds channels, positions and sides of an image."""
    trait = str(rng.choice(TRAITS))
    rows = 1 if trait == "one row" else int(rng.integers(1, most_rows + 1))
    drawn = rng.random() >= 0.3
    conv, shape = _random_conv(rng, most) if (drawn if convolution is None else convolution) else (None, (0, 0))
    if conv is None:
        shape = (int(rng.integers(1, 3 * most)), int(rng.choice([1, 2, 16, int(rng.integers(1, 3 * most))])))
    cols = shape[0] if conv is None else shape[1] * conv.kernel_shape[0] * conv.kernel_shape[1]
    layout = random_layout(rng, trait, rows, cols)
    weight = rng.standard_normal((rows, cols), dtype=np.float32)
    bias = rng.standard_normal(rows, dtype=np.float32) if rng.random() < 0.5 else None
    return Work(layout, weight, shape, bias, conv, dtype, device)


def aligned_works(rng: np.random.Generator, dtype: str, device: str, *, convolution: bool) -> list[Work]:
    """Products whose blocks are squares of 16 on a fixed grid, at few positions and at many."""
    found = []
    for rows, cols in ((64, 144), (48, 1008)):
        blocks = [
            Block(np.arange(top, top + 16), np.arange(left, left + 16))
            for top in range(0, rows, 16)
            for left in range(0, cols, 16)
            if rng.random() < 0.4
        ]
        layout = Layout.from_blocks(Mask(np.zeros((rows, cols), bool)), blocks, reason="")
        weight, bias = rng.standard_normal((rows, cols)), rng.standard_normal(rows)
        conv = Conv((3, 3), 1, 1) if convolution else None
        shapes: list[tuple[int, ...]] = [(cols, positions) for positions in (1, 16, 33, 300)]
        if convolution:
            shapes = [(1, cols // 9, 1, 1), (2, cols // 9, 7, 9)]
        found += [Work(layout, weight, shape, bias, conv, dtype, device) for shape in shapes]
    return found


def _random_conv(rng: np.random.Generator, most: int) -> tuple[Conv, Any]:
    kernel = KERNELS[rng.integers(len(KERNELS))]
    conv = Conv(kernel, int(rng.integers(1, 4)), int(rng.integers(0, 3)))
    side = max(3, most // 3)
    height, width = (int(rng.integers(max(1, extent - 2 * conv.padding), side + extent)) for extent in kernel)
    channels = int(rng.integers(1, max(2, most // 4)))
    return conv, (int(rng.integers(1, 4)), channels, height, width)
