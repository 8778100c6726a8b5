"""Which device does the arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SettingError, UnavailableError

if TYPE_CHECKING:
    import torch


def resolve_device(name: str) -> torch.device:
    """Return the torch device called `name`; "auto" is CUDA where there is one, else the CPU.

    Raises: SettingError for a name torch does not know, UnavailableError for a device this machine lacks.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SettingError(f"expected a device such as auto, cpu or cuda; got {name!r}") from None
    if device.type not in ("cpu", "cuda"):
        raise SettingError(f"expected a device such as auto, cpu or cuda; got {name!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UnavailableError("expected a CUDA device; torch sees none here: choose cpu or auto")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UnavailableError(f"expected a CUDA device below cuda:{torch.cuda.device_count()}; got {name}")
    return device


def as_tensor(array: NDArray[Any], device: str | torch.device) -> torch.Tensor:
    """Return a copy of `array` on `device`: masks are read-only, and torch has no read-only tensors to share them with."""
    import torch

    return torch.from_numpy(np.array(array)).to(device)
