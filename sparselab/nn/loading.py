"""A converted model out of a file, into a model of the same architecture."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from sparselab.core.errors import FileError
from sparselab.nn.converting import Converted, with_module
from sparselab.nn.fast_paths import run_layers_of_encoders
from sparselab.nn.located import located
from sparselab.nn.permanent import copied, make_permanent
from sparselab.nn.saving import read
from sparselab.nn.swaps import block_layer


def load(path: str | Path, model: nn.Module) -> Converted:
    """Return a copy of `model` with the block layers and the state of a file that `Converted.save` wrote; `swapped` names modules.

    model: of the architecture that was converted, with weights of any values; what returns is in its mode: `model.eval()` before
    it computes anything.
    Raises: FileError for a file that is none, or is of another architecture; SettingError for a layer the model lacks.
    Example: >>> import tempfile
             >>> from sparselab.nn import convert
             >>> from torch.nn.utils import prune
             >>> done = convert(nn.Sequential(prune.l1_unstructured(nn.Linear(64, 32), "weight", amount=0.9)))
             >>> with tempfile.TemporaryDirectory() as folder:
             ...     done.save(f"{folder}/fast.safetensors")
             ...     load(f"{folder}/fast.safetensors", nn.Sequential(nn.Linear(64, 32))).swapped
             ('0',)
    """
    layers, state = read(Path(path))
    if layers and not state:
        raise FileError(
            f"expected the state of a converted model; {path} holds layouts alone: convert(model, load_layouts(path))"
        )
    new, swapped = copied(model), []
    for name, (layout, kernel) in layers.items():
        weight_name = f"{name}.weight" if name else "weight"
        found = located(new, [weight_name])[weight_name]
        if isinstance(found, str) or found.matrix_shape != layout.after.shape:
            why = found if isinstance(found, str) else f"one of {found.matrix_shape}"
            raise FileError(f"{path}: {weight_name}: expected a weight of {layout.after.shape}; the model has {why}")
        why = make_permanent(found)
        made = why or block_layer(new, found, layout, kernel)
        if isinstance(made, str):
            raise FileError(f"{path}: {weight_name}: expected a layer that runs its layout; {made}")
        new = with_module(new, found.path, made)
        swapped.append(name)
    if pairs := [name for name in state.keys() - new.state_dict().keys() if name.endswith("_mask")]:
        base = min(pairs).removesuffix("_mask")
        raise FileError(
            f"{path}: expected the state of this model; the file holds a pruning pair of {base}, as the model has to: "
            "torch.nn.utils.prune.identity, or prune.remove before convert"
        )
    try:
        new.load_state_dict(state)
    except RuntimeError as error:
        raise FileError(f"{path}: expected the state of this model; {' '.join(str(error).split())[:500]}") from None
    return Converted(new, tuple(swapped), {}, run_layers_of_encoders(new))
