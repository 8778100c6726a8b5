"""The lines of Python that load what was written into a model of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_STATES: Mapping[str, str] = MappingProxyType(
    {
        "torch": 'state = torch.load({path!r}, map_location="cpu", weights_only=True)',
        "safetensors": "state = safetensors.torch.load_file({path!r})",
        "npz": "state = {{name: torch.tensor(array) for name, array in numpy.load({path!r}).items()}}",
        "model-folder": (
            "state = {{}}\n"
            'for shard in sorted(pathlib.Path({path!r}).glob("*.safetensors")):\n'
            "    state |= safetensors.torch.load_file(shard)"
        ),
    }
)
"""By format, the line that makes a state_dict of a file; what is not here holds no state_dict."""

_IMPORTS = {
    "safetensors": "import safetensors.torch",
    "npz": "import numpy\nimport torch",
    "model-folder": "import pathlib\n\nimport safetensors.torch",
}
_PAIRS = """\
for name in [name for name in state if name.endswith("_mask")]:  # gives a layer its weight_orig and weight_mask
    path, _, parameter = name.removesuffix("_mask").rpartition(".")
    if parameter in dict(model.get_submodule(path).named_parameters(recurse=False)):
        prune.identity(model.get_submodule(path), parameter)
"""


def recipe_for(format: str, path: str, *, masks: bool) -> str:
    """Return the lines that load a file into `model`, which is built, and wrapped, as the one that was saved.

    Args: masks: whether the file has a container of masks, which no module takes.
    """
    if format not in _STATES:
        return f"import sparselab\n\nticket = sparselab.open({path!r})\n"
    text = _IMPORTS.get(format, "import torch") + "\n"
    text += "from torch.nn.utils import prune\n"
    text += "\n" + _STATES[format].format(path=path) + "\n"
    text += (
        "masks = {name: state.pop(name) for name in list(state) if not torch.is_tensor(state[name])}\n" if masks else ""
    )
    return (
        text
        + _PAIRS
        + (
            "result = model.load_state_dict(state, strict=False)  # model: built and wrapped as the one that was saved\n"
            "assert not result.unexpected_keys, result.unexpected_keys\n"
        )
    )
