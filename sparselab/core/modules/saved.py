"""The tensors of a state dict that lies in a file; nothing in it is executed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sparselab.core.errors import FileError
from sparselab.core.modules.weights import without_wrappers

if TYPE_CHECKING:
    from torch import Tensor


_NESTED = ("state_dict", "model_state_dict", "model")
"""Under which keys checkpoints hold their state dict, from the outside in."""


def saved_tensors(path: Path, *, what: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, or of the state dict in what torch saved, by their names without wrappers.

    what: what is expected there, in words.
    Raises: FileError for a file that is neither, or is not there.
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return _unwrapped(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise FileError(f"expected {what} {path}; there is no such file") from None
    except Exception as error:  # torch and safetensors raise what they like for a damaged file
        raise FileError(
            f"{path.name}: expected a safetensors file or a state dict of torch; {_reason(error)}"
        ) from None
    for name in _NESTED:
        found = found[name] if isinstance(found, dict) and isinstance(found.get(name), dict) else found
    if not isinstance(found, dict):
        raise FileError(f"{path.name}: expected a state dict; got {type(found).__name__}")
    return _unwrapped({str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)})


def without_pairs(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors with every NAME_orig and NAME_mask, as torch.nn.utils.prune keeps them, as one NAME: their product.

    Example: >>> import torch
             >>> without_pairs({"w_orig": torch.tensor([2.0, 3.0]), "w_mask": torch.tensor([1.0, 0.0])})
             {'w': tensor([2., 0.])}
    """
    found = dict(tensors)
    for name in [name.removesuffix("_orig") for name in tensors if name.endswith("_orig")]:
        whole, mask = tensors[f"{name}_orig"], tensors.get(f"{name}_mask")
        if name not in tensors and mask is not None and mask.shape == whole.shape:
            found[name] = whole * mask.to(whole.dtype)
            del found[f"{name}_orig"], found[f"{name}_mask"]
    return found


def _unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {without_wrappers(name): value for name, value in tensors.items()}


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
