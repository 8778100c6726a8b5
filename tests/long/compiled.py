"""Check the dense product through torch.compile, which takes half a minute to make: it is right, and says how long it took.

python tests/long/compiled.py
"""

from __future__ import annotations

import numpy as np

from sparselab.benchmarking.measurement import measure
from sparselab.benchmarking.opponents import OPPONENTS
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.kernels.base import Conv, Work, max_error, random_input

NAME = "dense-compiled"


def main() -> None:
    """Raises: AssertionError where an output is wrong, or nothing is said of compiling."""
    rng = np.random.default_rng(0)
    mask, opponent = Mask(rng.random((32, 72)) < 0.3), OPPONENTS[NAME]
    weight, bias = (rng.standard_normal(shape, dtype=np.float32) for shape in ((32, 72), 32))
    matrix = Work(Layout.masked(mask, mask, reason="as it is"), weight, (72, 20))
    images = Work(matrix.layout, weight, (2, 8, 6, 5), bias=bias, conv=Conv((3, 3), 2, 1))
    if (why := opponent.unavailable(matrix)) is not None:
        print(f"not available here: {why}")
        return
    for work in (matrix, images):
        x = random_input(work)
        assert max_error(work, x, opponent.prepare(work, x)(x)) <= opponent.tolerance
    row = measure(matrix, ["dense"], opponents=[NAME], rounds=8, seconds=0.2).rows[-1]
    assert row.median_ms is not None
    assert row.prepare_ms is not None
    print(f"right; compiled in {row.prepare_ms / 1e3:.1f} s")


if __name__ == "__main__":
    main()
