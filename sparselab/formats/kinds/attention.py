"""Masks of attention, known by values too: those alone are read whose name or shape makes them suspicious."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.formats.kinds.rule import KindRule, registry
from sparselab.formats.kinds.surroundings import Named, Surroundings

_ATTENTION = frozenset({"attn", "attention", "causal", "tril", "triu", "mask", "masks", "window"})
_FAR_BELOW = -50.0
"""What is added to a score so that its softmax is nothing: -100, -1e4, -inf."""


def _attention_mask(tensor: Named, file: Surroundings) -> str | None:
    shape = tensor.shape
    if (
        tensor.has_weight_name
        or tensor.entry.role == "mask"
        or len(shape) < 2
        or shape[-1] != shape[-2]
        or shape[-1] < 4
    ):
        return None
    names = [*tensor.words, *(tensor.module[-1].lower().split("_") if tensor.module else ())]
    says_so, is_single = bool(_ATTENTION & set(names)), set(shape[:-2]) <= {1}
    if not (is_single or says_so):
        return None
    values = file.look(tensor)
    if values is None:
        return "" if says_so and len(shape) > 2 else None
    allowed = _allowed(values)
    if allowed is None or bool(allowed.all()):
        return None
    if allowed.dtype == np.bool_ and values.dtype.kind == "f" and float(values.min()) <= _FAR_BELOW:
        return ""
    is_banded = bool((allowed[..., 1:, 1:] == allowed[..., :-1, :-1]).all())
    count = int(np.count_nonzero(allowed))
    is_diagonal = count == int(np.count_nonzero(np.diagonal(allowed, axis1=-2, axis2=-1)))
    return "" if count and ((is_banded and not is_diagonal) or (is_single and len(shape) > 2 and says_so)) else None


def _allowed(values: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return which positions a mask of 0 and 1, or of 0 and something far below, lets through; None for other values."""
    if values.dtype == np.bool_:
        return values
    low, high = values.min(), values.max()
    if high == 0 and low <= _FAR_BELOW:
        free: NDArray[np.bool_] = values == 0
        return free if bool(((values == low) | free).all()) else None
    if low == 0 and high == 1:
        kept: NDArray[np.bool_] = values == 1
        return kept if bool((kept | (values == 0)).all()) else None
    return None


ATTENTION_RULES = registry(
    (
        KindRule(
            name="attention-mask",
            title="Causal and window attention masks",
            outcome="left alone",
            says="an attention mask, not a mask of a weight",
            line="Square, not called a weight, of 0 and 1 along diagonals, or of 0 and -inf (-100, -1e4); an array alone in its file is read.",
            catches=_attention_mask,
        ),
    )
)
