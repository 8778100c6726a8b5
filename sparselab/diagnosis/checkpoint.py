"""A checkpoint put into a model, so that it runs as it was saved: pruning pairs as pairs."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from torch.nn.utils import prune

from sparselab.core.errors import FileError
from sparselab.core.modules.saved import saved_tensors, state_dict_in
from sparselab.core.modules.weights import without_wrappers


def load_checkpoint(model: nn.Module, path: Path) -> tuple[str, ...]:
    """Load a state dict (safetensors, or saved by torch; nothing in it is executed) into a model; return what was assumed.

    A weight that the file holds as torch.nn.utils.prune does, NAME_orig and NAME_mask, becomes such a pair in the model.
    Raises: FileError for a file that is no state dict, or lacks a parameter of the model, or has it in another shape.
    """
    found = {
        without_wrappers(name): value
        for name, value in saved_tensors(path, what="a checkpoint", unwrap=state_dict_in).items()
    }
    notes = []
    if pairs := _as_pairs(model, found):
        notes.append(f"{path.name} holds pruning pairs of {', '.join(pairs[:3])}{' and more' * (len(pairs) > 3)}")
    own = {without_wrappers(name): (name, value) for name, value in model.state_dict().items()}
    if missing := sorted(own.keys() - found.keys()):
        raise FileError(
            f"{path.name}: expected all that the model has; {missing[0]} is not there: take a state dict of the same network"
        )
    for name, (_, value) in own.items():
        if value.shape != found[name].shape:
            raise FileError(
                f"{path.name}: expected {name} of shape {tuple(value.shape)}; got {tuple(found[name].shape)}"
            )
    if left := sorted(found.keys() - own.keys()):
        notes.append(f"not of the model: {', '.join(left[:3])}{' and more' * (len(left) > 3)}")
    model.load_state_dict({raw: found[name] for name, (raw, _) in own.items()})
    return tuple(notes)


def _as_pairs(model: nn.Module, found: dict[str, Tensor]) -> list[str]:
    """Give the model the pruning pairs that a file has and it has not; return their names."""
    made = []
    for path, module in model.named_modules():
        for name, value in list(module.named_parameters(recurse=False)):
            whole = without_wrappers(f"{path}.{name}" if path else name)
            mask = found.get(f"{whole}_mask")
            if f"{whole}_orig" in found and mask is not None and mask.shape == value.shape:
                prune.custom_from_mask(module, name, mask.to(value.device))  # type: ignore[no-untyped-call]
                made.append(whole)
    return made
