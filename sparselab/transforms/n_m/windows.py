"""N:M patterns: at most n kept in every window of m neighbouring input channels."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from sparselab.core.layer import Layer
from sparselab.core.mask import IntVector
from sparselab.core.strips import row_strips

if TYPE_CHECKING:
    import torch


def by_channel(scores: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Return scores (rows x cols) as (rows * kernel area) x input channels: each kernel position of each row by itself.

    Columns run (cin, kh, kw), as PyTorch has them; hardware reads windows along cin at a fixed (kh, kw).
    """
    area = prod(layer.kernel_shape or ())
    rows, cols = scores.shape
    return scores.reshape(rows, cols // area, area).transpose(1, 2).reshape(rows * area, cols // area)


def column_order(order: IntVector, layer: Layer) -> IntVector:
    """Return the layer's columns in (kh, kw, cin) order, the channels as in `order`: every window is a run of columns."""
    area = prod(layer.kernel_shape or ())
    return (order * area + np.arange(area)[:, None]).reshape(-1)


def settle(order: IntVector, m: int) -> IntVector:
    """Return `order` with the channels of every window ascending: the windows stay the same, and ties go by index."""
    return np.concatenate([np.sort(order[start : start + m]) for start in range(0, order.size, m)])


def keep_in_windows(values: torch.Tensor, order: IntVector, n: int, m: int) -> torch.Tensor:
    """Return where `values` (rows x channels) is kept, as bool of the same shape and order.

    Channels are lined up as in `order` and cut into windows of m, the last one what remains; of each row the n largest values of
    a window are kept, ties to the first in it. What is worth nothing is never kept.

    Example: >>> import torch
             >>> keep_in_windows(torch.tensor([[1.0, 4.0, 3.0, 2.0]]), np.arange(4), n=2, m=4).tolist()
             [[False, True, True, False]]
    """
    import torch

    result = torch.empty(values.shape, dtype=torch.bool, device=values.device)
    for strip in row_strips(*values.shape):
        result[strip] = _kept_of(values[strip], torch.as_tensor(order, device=values.device), n, m)
    return result


def _kept_of(values: torch.Tensor, lined_up: torch.Tensor, n: int, m: int) -> torch.Tensor:
    import torch

    rows, channels = values.shape
    padding = -channels % m
    windows = torch.nn.functional.pad(values[:, lined_up], (0, padding)).reshape(rows, -1, m)
    best = torch.sort(windows, dim=2, descending=True, stable=True).indices[:, :, :n]
    kept = torch.zeros_like(windows, dtype=torch.bool).scatter_(2, best, True).reshape(rows, -1)[:, :channels]
    result = torch.zeros_like(kept)
    result[:, lined_up] = kept
    return result & (values > 0)


def worth_of(values: torch.Tensor, kept: torch.Tensor) -> float:
    """Return the sum of the values that are kept."""
    return sum(float(values[strip][kept[strip]].sum()) for strip in row_strips(*values.shape))


def unstructured_bound(values: torch.Tensor, rows: int, n: int, m: int) -> float:
    """Return the most that `rows` rows can keep of `values` without a pattern, at the density of n:m in every row.

    `values` is (rows * kernel area) x channels, as `by_channel` makes it. Source: Pool & Yu, NeurIPS 2021, Sec. 3 (efficacy).
    """
    channels = values.shape[1]
    whole, rest = divmod(channels, m)
    capacity = (whole * min(n, m) + min(n, rest)) * (values.shape[0] // rows)
    whole_rows = values.reshape(rows, -1)
    strips = row_strips(*whole_rows.shape)
    return sum(float(whole_rows[strip].topk(capacity, dim=1, sorted=False).values.sum()) for strip in strips)


def efficacy(kept: float, natural: float, unstructured: float) -> float | None:
    """Return 100 * (kept - natural) / (unstructured - natural), or None where no order can gain anything.

    Source: Pool & Yu, NeurIPS 2021, Sec. 3.
    """
    return 100 * (kept - natural) / (unstructured - natural) if unstructured > natural else None
