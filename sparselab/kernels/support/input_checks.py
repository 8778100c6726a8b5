"""What a prepared run is given: refused here, in one sentence, unless it is an X for these weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparselab.core.errors import SettingError
from sparselab.kernels.base import Run, Work

if TYPE_CHECKING:
    import torch


def checked(run: Run, work: Work) -> Run:
    """Return `run` behind a look at its input; Y is no part of a graph of gradients, even where X is.

    Code that gathers or reads at addresses would take the wrong rows, or what lies beyond them, and say nothing.
    Raises: SettingError, by the run, for an X of another type, device, number of features or of dimensions, or one smaller
    than the kernel.
    """
    import torch

    dtype, device, conv = work.torch_dtype, torch.device(work.device).type, work.conv
    axis, features = (0, work.input_shape[0]) if conv is None else (1, work.input_shape[1])
    dimensions = len(work.input_shape)
    names = f"{features} x positions" if conv is None else f"N x {features} x H x W"

    def looked_at(x: torch.Tensor) -> torch.Tensor:
        if (
            x.dtype != dtype
            or x.device.type != device
            or x.layout != torch.strided
            or x.ndim != dimensions
            or x.shape[axis] != features
        ):
            raise SettingError(
                f"expected an input {names} of {dtype} on {device}, as the run was prepared for; "
                f"got {tuple(x.shape)} of {x.dtype} on {x.device}, {x.layout}"
            )
        if conv is not None:
            conv.output_size(*x.shape[2:])
        return run(x.detach())

    return looked_at
