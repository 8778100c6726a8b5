"""Layers back into files, masks applied, under the names that torch.nn.utils.prune gives them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sparselab.core.atomic_files import DAY_SECONDS, atomic_path, sweep
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.ticket import Ticket

Arrays = Mapping[str, NDArray[Any]]


class Write(Protocol):
    """Write named arrays to a path."""

    def __call__(self, arrays: Arrays, path: Path) -> None: ...


def write_ticket(
    layers: Ticket | Iterable[Layer], layouts: Mapping[str, Layout] | None, path: str | Path, format: str
) -> None:
    """Write every layer as `X_orig` and `X_mask` in PyTorch's shapes; without a weight, `X_mask` alone.

    The mask is `after` of the layout of that name, or the layer's own without one; `X_orig` is zero where it drops.
    A model to which torch.nn.utils.prune was applied takes such a file with load_state_dict(strict=False).
    `format` is one of WRITERS. The file appears whole or not at all.

    Raises: SettingError for another format, or a layout of a layer that is not there or has another shape.
    """
    if format not in WRITERS:
        raise SettingError(f"format: expected one of {', '.join(WRITERS)}; got {format!r}")
    arrays: dict[str, NDArray[Any]] = {}
    waiting = dict(layouts or {})
    for layer in layers:
        arrays |= _pair(layer, waiting.pop(layer.name, None))
    if waiting or not arrays:
        raise SettingError(f"layouts: expected those of layers in the ticket; got {', '.join(waiting) or 'no layer'}")
    sweep(Path(path).parent, older_than=DAY_SECONDS)
    with atomic_path(Path(path)) as temporary:
        WRITERS[format](arrays, temporary)


def _pair(layer: Layer, layout: Layout | None) -> Arrays:
    mask = layer.mask if layout is None else layout.after
    if mask.shape != layer.mask.shape:
        raise SettingError(f"{layer.name}: expected a layout of shape {layer.mask.shape}; got {mask.shape}")
    kept = mask.kept.reshape(layer.tensor_shape)
    if layer.weight is None:
        return {f"{layer.name}_mask": kept}
    weight = np.where(kept, layer.weight.reshape(layer.tensor_shape), layer.weight.dtype.type(0))
    return {f"{layer.name}_orig": weight, f"{layer.name}_mask": kept}


def _write_npz(arrays: Arrays, path: Path) -> None:
    # Not np.savez: it takes the names as keyword arguments, and a layer may be called "file".
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _write_safetensors(arrays: Arrays, path: Path) -> None:
    from safetensors.numpy import save

    # Not save_file: see write_own.
    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def _write_torch(arrays: Arrays, path: Path) -> None:
    import torch

    torch.save({name: torch.tensor(array) for name, array in arrays.items()}, path)


WRITERS: Mapping[str, Write] = MappingProxyType(
    {"npz": _write_npz, "safetensors": _write_safetensors, "torch": _write_torch}
)
"""Formats that are written."""
