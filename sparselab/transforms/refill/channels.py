"""What a channel is worth as a whole, and how many channels a mask pays for."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from types import MappingProxyType

import numpy as np

from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.mask import IntVector, Mask
from sparselab.core.strips import row_strips
from sparselab.pruning.scores import CHANNEL_FEATURES, Scores

CHANNEL_SCORES: Mapping[str, str] = MappingProxyType(
    {
        "count": "number of kept weights",
        "l1": "sum of |w| over the kept weights",
        "feature-l1": "mean of |a|, a the channel's outputs on data",
        "feature-l2": "root of the mean of a squared",
        "saliency": "mean of |a * gradient of the loss by a|",
    }
)


def channel_scores(layer: Layer, score: str) -> Scores:
    """Return what every channel is worth, one number a row.

        count        number of kept weights
        l1           sum of m * |w|
        feature-l1, feature-l2, saliency   the column of that name of `layer.features` (channels x 3; see `features`)

    Raises: SettingError when the layer lacks the weights or the features.
    Source: Structure-LTH (ICML 2022), Sec. 3.2 and its comparison of scores; l1 is the best there.
    """
    if score == "count":
        counts: Scores = layer.mask.kept.sum(axis=1, dtype=np.float64)
        return counts
    if score == "l1":
        sums: Scores = np.empty(layer.mask.rows)
        for rows in row_strips(*layer.mask.shape):
            importance = layer.importance_of(rows)
            if importance is None:
                raise SettingError(f"score=l1 needs weights, and {layer.name} is a mask alone: use score=count")
            sums[rows] = importance.sum(axis=1)
        return sums
    features, shape = layer.features, (layer.mask.rows, len(CHANNEL_FEATURES))
    if features is None:
        raise SettingError(f"score={score} needs features, and {layer.name} has none: use score=l1 or count")
    if features.shape != shape:
        raise SettingError(f"{layer.name}: expected features of {shape[0]} channels x {shape[1]}; got {features.shape}")
    column = features[:, CHANNEL_FEATURES.index(score)].astype(np.float64)
    if np.isnan(column).any():
        raise SettingError(f"score={score}: {layer.name} has no such features: collect them with a loss")
    return column


def channel_needs(score: str) -> frozenset[str]:
    """Return what a layer must bring for a score, by the names of `Layer`."""
    if score in CHANNEL_FEATURES:
        return frozenset({"features"})
    return frozenset({"weight"}) if score == "l1" else frozenset()


def channels_paid_for(mask: Mask, rho: float) -> int:
    """Return k = min(out, ceil(k0 + rho * (out - k0))), k0 = kept weights / columns: full channels for the same weights,
    and a share `rho` of the channels beyond them.

    Exact: `rho` counts as the decimal fraction it is written as, so 0.1 of ten channels is one and not two.
    Differs from the paper, which prints k = ceil(s * c_out * n), a number of weights, and from the released code, which
    takes int(d * out) and one more at random; we side with the meaning of the formula.

    Example: >>> channels_paid_for(Mask(np.eye(4, dtype=bool)), rho=0.0), channels_paid_for(Mask(np.eye(4, dtype=bool)), rho=0.5)
             (1, 3)
    """
    k0 = Fraction(mask.count, mask.cols)
    return min(mask.rows, ceil(k0 + Fraction(repr(float(rho))) * (mask.rows - k0)))


def best_channels(scores: Scores, count: int) -> IntVector:
    """Return the `count` channels of largest score, ascending; among equal scores the lower index stays."""
    return np.sort(np.argsort(-scores, kind="stable")[:count]).astype(np.int64)
