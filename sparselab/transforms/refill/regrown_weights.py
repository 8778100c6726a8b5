"""Which values the weights take that a layout brings back."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from types import MappingProxyType

import numpy as np

from sparselab.core.errors import SettingError
from sparselab.core.layer import FloatMatrix, Layer
from sparselab.core.layout import Layout

REGROW: Mapping[str, str] = MappingProxyType(
    {"rewound": "their values at the rewind step", "random": "fresh random ones, of variance 2 / columns"}
)


def regrown_weights(layout: Layout, layer: Layer, how: str, rng: np.random.Generator) -> FloatMatrix:
    """Return the values of `layer` under `layout`: covered weights as they are, grown ones by `how`, zero elsewhere.

    "rewound": those of the rewind step; "random": normal of variance 2 / columns (He et al., ICCV 2015: fan-in, for ReLU).

    Returns: rows x cols of the weight's type; the layer is left as it was.
    Raises: SettingError when the layer has no weights, or no rewound ones though they are asked for.
    Source: Structure-LTH (ICML 2022), Alg. 2 (rewound; random as its control).
    """
    if layer.weight is None:
        raise SettingError(f"{layer.name}: expected weights; got a mask alone")
    if how not in REGROW:
        raise SettingError(f"regrow: expected one of {', '.join(REGROW)}; got {how!r}")
    fresh = layer.rewound
    if how == "random":
        fresh = rng.standard_normal(layer.mask.shape) * sqrt(2 / layer.mask.cols)
    if fresh is None:
        raise SettingError(f"regrow=rewound needs rewound weights, and {layer.name} has none: use regrow=random")
    values = np.where(layout.covered.kept, layer.weight, 0)
    return np.where(layout.grown.kept, fresh, values).astype(layer.weight.dtype)
