"""Toys and what may have been done to them, for Hypothesis."""

from __future__ import annotations

from typing import get_args

import numpy as np
from hypothesis import strategies as st

from sparselab.analysis.toy import LARGEST_NUMBER, MOST_COLS, MOST_ROWS, Mode, Toy, ToyState
from sparselab.core.mask import Mask


@st.composite
def toys(draw: st.DrawFn) -> Toy:
    """Any size, density, numbers, groups (or none), orders and pair."""
    rows, cols = draw(st.integers(1, MOST_ROWS)), draw(st.integers(1, MOST_COLS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = rng.integers(1, LARGEST_NUMBER + 1, (rows, cols)) * rng.choice([-1, 1], (rows, cols))
    mixed = rng.permutation(rows).tolist()
    cuts = sorted(draw(st.sets(st.integers(1, rows - 1), max_size=4))) if rows > 1 else []
    groups = tuple(tuple(mixed[start:stop]) for start, stop in zip([0, *cuts], [*cuts, rows], strict=True))
    return Toy(
        mask=Mask(rng.random((rows, cols)) < draw(st.sampled_from([0.0, 0.1, 0.4, 0.8, 1.0]))),
        mode=draw(st.sampled_from(get_args(Mode))),
        weights=tuple(tuple(line) for line in weights.tolist()),
        inputs=tuple(rng.integers(0, LARGEST_NUMBER + 1, cols).tolist()),
        groups=draw(st.sampled_from([(), groups])),
        row_order=tuple(rng.permutation(rows).tolist()),
        column_order=tuple(rng.permutation(cols).tolist()),
        pair=draw(st.none() | st.tuples(st.integers(0, rows - 1), st.integers(0, rows - 1))),
    )


@st.composite
def states(draw: st.DrawFn, toy: Toy) -> ToyState:
    """Cells toggled, rows and columns moved, a pair chosen, some steps done."""
    rows, cols = toy.mask.shape
    cells = draw(st.sets(st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1)), max_size=6))
    return ToyState(
        toggled=tuple(sorted(cells)),
        row_order=tuple(draw(st.permutations(range(rows)))),
        column_order=tuple(draw(st.permutations(range(cols)))),
        pair=draw(st.none() | st.tuples(st.integers(0, rows - 1), st.integers(0, rows - 1))),
        step=draw(st.integers(0, 500)),
    )
