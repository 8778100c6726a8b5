"""Whole channels: a smaller dense layer, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparselab.core.device import as_tensor
from sparselab.kernels.base import Kernel, Run, Work
from sparselab.kernels.support.input_checks import checked
from sparselab.kernels.support.output import init_output
from sparselab.kernels.support.precision import tf32_allowed
from sparselab.kernels.torch_ops.dense import dense_run

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ChannelSlice(Kernel):
    """Y[rows] = W[rows] X for the channels that are kept whole; the others are their bias, or 0.

    That the next layer need not even be given the others is for `nn.sliced` to see, which knows both.

    Source: Structure-LTH (ICML 2022), Sec. 3.2 (Refill).
    """

    title: ClassVar[str] = "Channel slice"
    source: ClassVar[str] = "torch.mm, torch.nn.functional.conv2d on fewer channels"
    preference: ClassVar[int | None] = 1  # whole channels are a smaller dense layer

    def unsupported_reason(self, work: Work) -> str:
        per_row = work.layout.after.kept.sum(axis=1)
        if np.isin(per_row, (0, work.layout.after.cols)).all():
            return ""
        return "needs channels that are kept whole or dropped whole, as Refill leaves them"

    def prepare(self, work: Work) -> Run:
        kept = np.flatnonzero(work.layout.after.kept[:, 0])
        rows, bias = as_tensor(kept, work.device), work.bias_tensor
        axis, channels = (0 if work.conv is None else 1), work.layout.after.rows
        multiply = dense_run(work, work.weight[kept], None if bias is None else bias[rows])

        def run(x: torch.Tensor) -> torch.Tensor:
            if kept.size == channels:
                return multiply(x)
            sizes = x.shape[1:] if work.conv is None else work.conv.output_size(*x.shape[2:])
            shape = (*x.shape[:axis], channels, *sizes)
            y = init_output(bias, shape, axis, x)
            return y.index_copy_(axis, rows, multiply(x)) if kept.size else y

        return checked(tf32_allowed(run, work), work)
