"""The tensors of a state dict that lies in a file; nothing in it is executed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparselab.core.errors import FileError

if TYPE_CHECKING:
    from torch import Tensor

_NESTED = ("state_dict", "model_state_dict", "model")
"""Where training scripts put the state dict in what they save, the outer name first."""


def state_dict_in(saved: Any) -> Any:
    """Return the state dict in what a training script saved; what holds none under a usual name is returned as it is."""
    for name in _NESTED:
        saved = saved[name] if isinstance(saved, dict) and isinstance(saved.get(name), dict) else saved
    return saved


def saved_tensors(path: Path, *, what: str, unwrap: Callable[[Any], Any]) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, or of what torch saved, by their names.

    what: what is expected there, in words. unwrap: finds the state dict in what torch saved.
    Raises: FileError for a file that is neither, or is not there.
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise FileError(f"expected {what} {path}; there is no such file") from None
    except Exception as error:  # torch and safetensors raise what they like for a damaged file
        raise FileError(
            f"{path.name}: expected a safetensors file or a state dict of torch; {_reason(error)}"
        ) from None
    found = unwrap(found)
    if not isinstance(found, dict):
        raise FileError(f"{path.name}: expected a state dict; got {type(found).__name__}")
    return {str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)}


def _reason(error: Exception) -> str:
    """Return why a file could not be read: the class that it pickles, where it holds one, or what the library said."""
    told = " ".join(str(error).split())
    found = re.search(r"GLOBAL ([\w.]+) was not", told)
    if found is None:
        return told[:200]
    return (
        f"it holds an object of {found[1]}, which would have to be executed: where that class is at hand, write the weights alone by "
        "torch.save(model.state_dict(), FILE)"
    )
