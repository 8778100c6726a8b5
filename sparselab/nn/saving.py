"""Layouts in a file, alone or with the state of a converted model, read again without running anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as file_of
from torch import Tensor, nn

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError, SettingError, SparselabError
from sparselab.core.layout import Layout
from sparselab.nn.block_module import BlockModule
from sparselab.nn.support.layout_tensors import layout_tensors, layouts_in

_KEY, _STATE = "sparselab", "state."


class SavedLayouts(dict[str, Layout]):
    """Layouts out of a file, by name: `convert` takes them for weights of the masks that they were made of alone.

    `dict(layouts)` is what takes them for any weight of their shapes.
    """


def save_layouts(layouts: Mapping[str, Layout], path: str | Path) -> None:
    """Write layouts, by the names of their layers, to a file that `load_layouts` reads: safetensors, as `Converted.save` writes it.

    Raises: SettingError for what is no layout; FileError where the file cannot be written.
    """
    for name, layout in layouts.items():
        if not isinstance(layout, Layout):
            raise SettingError(f"{name}: expected a layout; got a {type(layout).__name__}")
    _write(Path(path), {name: (layout, "auto") for name, layout in layouts.items()}, {})


def load_layouts(path: str | Path) -> SavedLayouts:
    """Return the layouts of a file that `save_layouts`, `sparselab transform --layouts` or `Converted.save` wrote, by name.

    `convert(model, load_layouts(path))` gives, of a model with the same masks, the converted model that the layouts gave where
    they were made. It refuses a weight whose zeros lie elsewhere than in the layout's mask before, after, or both.

    Raises: FileError for another file, or a damaged one.
    Example: >>> import tempfile
             >>> from sparselab.nn import convert
             >>> from sparselab.transforms import Regroup
             >>> from torch.nn.utils import prune
             >>> model = nn.Sequential(prune.l1_unstructured(nn.Linear(64, 32), "weight", amount=0.8))
             >>> layouts = {"0": Regroup(rows_per_group=8)(model[0].weight, device="cpu")}
             >>> with tempfile.TemporaryDirectory() as folder:
             ...     save_layouts(layouts, f"{folder}/layouts.safetensors")
             ...     convert(model, load_layouts(f"{folder}/layouts.safetensors")).swapped
             ('0',)
    """
    layers, _ = read(Path(path))
    return SavedLayouts({name: layout for name, (layout, _) in layers.items()})


def save(model: nn.Module, path: Path) -> None:
    """Write a converted model; see `Converted.save`."""
    state: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        if not isinstance(value, Tensor):
            raise SettingError(f"{name}: expected a state of tensors alone; got a {type(value).__name__}")
        state[_STATE + name] = value.detach().cpu().contiguous().clone()  # two names of one tensor are two here
    layers = {name: part for name, part in model.named_modules() if isinstance(part, BlockModule)}
    _write(path, {name: (layer.layout, layer.kernel) for name, layer in layers.items()}, state)


def _write(path: Path, layouts: Mapping[str, tuple[Layout, str]], state: Mapping[str, Tensor]) -> None:
    tensors, layers = layout_tensors(layouts)
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(file_of({**state, **tensors}, {_KEY: json.dumps({"layers": layers})}))
    except OSError as error:
        raise FileError(f"expected a file that can be written; {path}: {error.strerror}") from None


def read(path: Path) -> tuple[dict[str, tuple[Layout, str]], dict[str, Tensor]]:
    """Return the layouts and kernels of a file by the names of layers, and the state, empty where the file holds layouts alone.

    Raises: FileError for a file that neither `save` nor `save_layouts` wrote, or that is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            document: Any = json.loads((file.metadata() or {})[_KEY])
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        layers = layouts_in(found, document["layers"])
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
        raise FileError(
            f"expected a file that Converted.save or save_layouts wrote; {path}: {type(error).__name__}: {error}"
        ) from None
    return layers, {name.removeprefix(_STATE): value for name, value in found.items() if name.startswith(_STATE)}
