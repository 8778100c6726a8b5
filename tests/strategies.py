"""Masks, layers and settings for Hypothesis: the hard shapes come up often."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.core.settings import settings_of

HARD = {
    "one": np.ones((1, 1), bool),
    "none": np.zeros((1, 1), bool),
    "empty": np.zeros((40, 24), bool),
    "full": np.ones((40, 24), bool),
    "row": np.array([[True, False] * 20]),
    "column": np.array([[True], [False]] * 20),
    "same rows": np.tile(np.arange(48) % 3 == 0, (36, 1)),
}


@st.composite
def masks(draw: st.DrawFn, most: int = 48) -> Mask:
    """Empty, full, single-row and single-column masks, planted blocks, and noise of any density."""
    kind = draw(st.sampled_from([*HARD, "noise", "noise", "planted"]))
    if kind in HARD:
        return Mask(HARD[kind])
    rows, cols = draw(st.integers(1, most)), draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if kind == "noise":
        return Mask(rng.random((rows, cols)) < draw(st.sampled_from([0.02, 0.1, 0.3, 0.7])))
    patterns = rng.random((3, cols)) < 0.3
    return Mask(patterns[rng.integers(0, 3, rows)])


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """A mask alone, or with all a layer may bring: weights (some tie, some kept ones are zero), features, a kernel."""
    mask = draw(masks())
    if draw(st.booleans()):
        return Layer("layer", mask)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weight, rewound, gradient = (np.round(rng.standard_normal(mask.shape), 1).astype(np.float32) for _ in range(3))
    features = np.round(rng.random((mask.rows, 3)), 1)
    kernels = [None, *(kernel for kernel in ((2, 2), (3, 3), (2, 1)) if mask.cols % (kernel[0] * kernel[1]) == 0)]
    kernel = draw(st.sampled_from(kernels))
    return Layer("layer", mask, weight, rewound, gradient, features, kernel)


def setting_values(kind: type, **fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Values for every setting of a dataclass, read from its fields; `fixed` ones stay."""
    fields = {s.name: _values(s) for s in settings_of(kind)} | {k: st.just(v) for k, v in fixed.items()}
    return st.fixed_dictionaries(fields)


def _values(setting: Any) -> st.SearchStrategy[Any]:
    if setting.choices:
        values: st.SearchStrategy[Any] = st.sampled_from(setting.choices)
    elif setting.kind is bool:
        values = st.booleans()
    elif setting.kind is int:
        values = st.integers(int(setting.low), min(int(setting.high), 24))
    else:
        values = st.floats(setting.low, setting.high)
    return st.none() | values if setting.optional else values
