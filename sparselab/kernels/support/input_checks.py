"""What a prepared run is given: refused here, in one sentence, unless it is an X for these weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparselab.core.errors import SettingError
from sparselab.kernels.base import Conv, Run, Work

if TYPE_CHECKING:
    import torch


def checked(run: Run, work: Work) -> Run:
    """Return `run` behind a look at its input; Y is no part of a graph of gradients, even where X is.

    Code that gathers or reads at addresses would take the wrong rows, or what lies beyond them, and say nothing.
    Raises: SettingError, by the run, for an X of another type, device, number of features or of dimensions, or one smaller
    than the kernel.
    """
    import torch

    device = torch.device(work.device).type
    features = work.input_shape[0 if work.conv is None else 1]

    def looked_at(x: torch.Tensor) -> torch.Tensor:
        check_input(x, features, work.conv, dtype=work.torch_dtype, device=device)
        return run(x.detach())

    return looked_at


def check_input(x: torch.Tensor, features: int, conv: Conv | None, *, dtype: torch.dtype, device: str) -> None:
    """Raises: SettingError unless x is an input of so many features, or channels, which a kernel may read at its address."""
    import torch

    shape = (features, "positions") if conv is None else ("N", features, "H", "W")
    if (
        x.dtype != dtype
        or x.device.type != device
        or x.layout != torch.strided
        or x.ndim != len(shape)
        or x.shape[0 if conv is None else 1] != features
    ):
        raise SettingError(
            f"expected an input {' x '.join(map(str, shape))} of {dtype} on {device}, as the run was prepared for; "
            f"got {tuple(x.shape)} of {x.dtype} on {x.device}, {x.layout}"
        )
    if conv is not None:
        conv.output_size(*x.shape[2:])
