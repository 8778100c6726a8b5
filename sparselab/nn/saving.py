"""A converted model in a file: the layouts of its block layers and its state, read again without running anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as file_of
from torch import Tensor, nn

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError, SettingError, SparselabError
from sparselab.core.layout import Layout
from sparselab.kernels import KERNELS
from sparselab.nn.block_module import BlockModule

_KEY, _STATE, _LAYOUT = "sparselab", "state.", "layout."
_ARRAYS = ("before", "after", "block_rows", "block_cols", "block_shapes", "row_order", "col_order")
_TEXTS = ("status", "reason", "notes")


def save(model: nn.Module, path: Path) -> None:
    """Write a converted model; see `Converted.save`."""
    tensors: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        if not isinstance(value, Tensor):
            raise SettingError(f"{name}: expected a state of tensors alone; got a {type(value).__name__}")
        tensors[_STATE + name] = value.detach().cpu().contiguous().clone()  # two names of one tensor are two here
    layers = []
    for number, (name, layer) in enumerate(_block_layers(model).items()):
        packed = layer.layout.pack()
        for part in _ARRAYS:
            if packed[part] is not None:
                tensors[f"{_LAYOUT}{number}.{part}"] = torch.from_numpy(np.array(packed[part]))
        told = {"name": name, "kernel": layer.kernel, "shape": packed["shape"]}
        layers.append(told | {text: packed[text] for text in _TEXTS})
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(file_of(tensors, {_KEY: json.dumps({"layers": layers})}))
    except OSError as error:
        raise FileError(f"expected a file that can be written; {path}: {error.strerror}") from None


def read(path: Path) -> tuple[dict[str, tuple[Layout, str]], dict[str, Tensor]]:
    """Return the layouts and kernels of a file by the names of layers, and the state.

    Raises: FileError for a file that `save` did not write, or that is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            document = json.loads((file.metadata() or {})[_KEY])
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        layers = {
            told["name"]: (_layout(found, number, told), _kernel(told))
            for number, told in enumerate(document["layers"])
        }
    except OSError as error:
        raise FileError(f"expected a file that can be read; {path}: {error.strerror or error}") from None
    except (
        SafetensorError,
        SparselabError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
    ) as error:
        raise FileError(f"expected a file that Converted.save wrote; {path}: {type(error).__name__}: {error}") from None
    return layers, {name.removeprefix(_STATE): value for name, value in found.items() if name.startswith(_STATE)}


def _layout(found: Mapping[str, Tensor], number: int, told: Mapping[str, Any]) -> Layout:
    parts = {part: found.get(f"{_LAYOUT}{number}.{part}") for part in _ARRAYS}
    arrays = {part: None if value is None else value.numpy() for part, value in parts.items()}
    rows, cols = (int(side) for side in told["shape"])
    before = arrays["before"]
    if before is None or before.shape != (rows, -(-cols // 8)):  # so that the file holds what the shape promises
        raise FileError(f"{told['name']}: expected a mask of {rows} x {cols}")
    shapes = found[f"{_LAYOUT}{number}.block_shapes"]
    for axis, part in enumerate(("block_rows", "block_cols")):
        if sum(shapes[:, axis].tolist()) != found[f"{_LAYOUT}{number}.{part}"].numel():
            raise FileError(f"{told['name']}: expected as many {part} as the shapes of the blocks say")
    texts = {text: told[text] for text in _TEXTS}
    return Layout.unpack({**arrays, **texts, "shape": (rows, cols), "seconds": {}, "figures": {}})


def _kernel(told: Mapping[str, Any]) -> str:
    """Return the kernel that the layer was to run by; "auto" where this installation has none of that name."""
    kernel = str(told["kernel"])
    return kernel if kernel in KERNELS else "auto"


def _block_layers(model: nn.Module) -> dict[str, BlockModule]:
    return {name: part for name, part in model.named_modules() if isinstance(part, BlockModule)}
