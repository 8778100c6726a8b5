"""sparselab's own file: bits and weights of whole layers, as a .safetensors file anybody can open.

<name>.mask_bits   uint8, each row of the mask packed to whole bytes, most significant bit first
<name>.weight      the weights as a matrix, type as it was (left out where there are none); <name>.rewound likewise
metadata           {"sparselab": "1", "layers": JSON list of name, shape, kernel_shape, stride, padding, conversion,
                   and, where there are any, groups and notes}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import MAX_SIZE
from sparselab.core.layer import FloatMatrix, Layer
from sparselab.core.mask import Mask
from sparselab.core.ticket import FoundLayer, Skipped, StoredLayer, Ticket
from sparselab.formats.base import Archive, ArchiveEntry, check_count
from sparselab.formats.kinds.loading import check_finite
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits

VERSION = "1"
_MARK = "sparselab"
_FIELDS = {"name", "shape", "kernel_shape", "stride", "padding", "conversion"}
_MORE_FIELDS = {"groups", "notes"}


def is_own(archive: Archive) -> bool:
    """Whether a file was written by `write_own`."""
    return _MARK in archive.metadata


def write_own(ticket: Ticket, path: Path) -> None:
    """Write every layer of a ticket: masks, weights and rewound weights, no gradients and no features."""
    from safetensors.numpy import save

    arrays, items = {}, []
    for entry in ticket.entries:
        layer = entry.load()
        arrays[f"{layer.name}.mask_bits"] = layer.mask.packed
        for part in ("weight", "rewound"):
            if (matrix := getattr(layer, part)) is not None:
                arrays[f"{layer.name}.{part}"] = np.ascontiguousarray(matrix)
        items.append(_describe(layer, entry))
    with atomic_path(path) as temporary:
        # Not save_file: it writes a file of its own, which a kill leaves behind and which only its owner may read.
        temporary.write_bytes(save(arrays, metadata={_MARK: VERSION, "layers": json.dumps(items)}))


def open_own(archive: Archive, limits: ReadLimits) -> tuple[tuple[FoundLayer, ...], tuple[Skipped, ...]]:
    """Return the layers of such a file, and the tensors that belong to none.

    Raises: FileError when the metadata is of another version or does not fit the tensors.
    """
    if archive.metadata[_MARK] != VERSION:
        raise FileError(
            f"expected a sparselab file of version {VERSION}; got {clean_name(archive.metadata[_MARK])}: "
            "read it with the sparselab that wrote it"
        )
    try:
        items = json.loads(archive.metadata.get("layers", ""))
    except (ValueError, RecursionError):
        raise FileError("expected a list of layers in the file's metadata; it is damaged") from None
    if not isinstance(items, list) or not items or not all(_is_item(item) for item in items):
        raise FileError("expected layers with name, shape and kernel in the file's metadata; it is damaged")
    check_count("layers", len(items), limits.max_layers)
    entries = {entry.name: entry for entry in archive.entries}
    found = tuple(_found(item, entries, limits) for item in items)
    if len({item.name for item in found}) != len(found):
        raise FileError("expected every layer once in the file's metadata; a name comes twice")
    return found, tuple(Skipped(clean_name(name), "belongs to no layer") for name in entries)


def _describe(layer: Layer, entry: FoundLayer) -> dict[str, Any]:
    notes = [*entry.notes, *layer.notes]
    return {
        "name": layer.name,
        "shape": list(layer.mask.shape),
        "kernel_shape": None if layer.kernel_shape is None else list(layer.kernel_shape),
        "stride": layer.stride,
        "padding": layer.padding,
        "conversion": entry.conversion,
        **({"groups": layer.groups} if layer.groups > 1 else {}),
        **({"notes": notes} if notes else {}),
    }


def _found(item: Mapping[str, Any], entries: dict[str, ArchiveEntry], limits: ReadLimits) -> FoundLayer:
    name, (rows, cols) = item["name"], item["shape"]
    kernel = None if item["kernel_shape"] is None else tuple(item["kernel_shape"])
    area = prod(kernel or ())
    groups = item.get("groups", 1)
    if rows * cols > limits.max_elements or cols % area:
        raise FileError(f"{name}: expected a matrix that its kernel divides; got {rows}x{cols}")
    if rows % groups:
        raise FileError(f"{name}: expected rows that its {groups} groups divide; got {rows}x{cols}")
    bits = _take(entries, f"{name}.mask_bits", (rows, -(-cols // 8)), "u", 1)
    weight = _take(entries, f"{name}.weight", (rows, cols), "f")
    rewound = _take(entries, f"{name}.rewound", (rows, cols), "f")
    if bits is None:
        raise FileError(f"{name}: expected {name}.mask_bits in the file; it is missing")

    def load() -> Layer:
        mask = Mask.from_packed(bits.load(), (rows, cols))
        values = None if weight is None else _load(weight, name)
        if values is not None:
            values = np.where(mask.kept, values, values.dtype.type(0))
        early = None if rewound is None else _load(rewound, name)
        return Layer(
            name,
            mask,
            weight=values,
            rewound=early,
            kernel_shape=kernel,
            stride=item["stride"],
            padding=item["padding"],
            groups=groups,
        )

    def load_stored() -> StoredLayer:
        mask = Mask.from_packed(bits.load(), (rows, cols)).kept
        return StoredLayer(mask, "bool") if weight is None else StoredLayer(weight.load(), str(weight.dtype), mask)

    tensor_shape = (rows, cols // area, *(kernel or ()))
    return FoundLayer(
        name=name,
        tensor_shape=tensor_shape,
        conversion=item["conversion"],
        load=load,
        notes=tuple(item.get("notes", ())),
        load_mask=lambda: Mask.from_packed(bits.load(), (rows, cols)),
        has_weight=weight is not None,
        groups=groups,
        load_stored=load_stored,
    )


def _take(
    entries: dict[str, ArchiveEntry], key: str, shape: tuple[int, int], kind: str, width: int = 8
) -> ArchiveEntry | None:
    entry = entries.pop(key, None)
    if entry is None:
        return None
    if entry.shape != shape or entry.dtype.kind != kind or entry.dtype.itemsize > width:
        raise FileError(f"{clean_name(key)}: expected shape {shape}; got {entry.shape} of {entry.dtype}")
    return entry


def _load(entry: ArchiveEntry, name: str) -> FloatMatrix:
    values = entry.load()
    check_finite(name, values)
    return values


def _is_item(item: Any) -> bool:
    if not isinstance(item, dict) or not _FIELDS <= item.keys() <= _FIELDS | _MORE_FIELDS:
        return False
    notes, groups = item.get("notes", []), item.get("groups", 1)
    if not isinstance(notes, list) or not all(isinstance(note, str) and note.isprintable() for note in notes):
        return False
    if len(notes) > 20 or any(len(note) > 1000 for note in notes):
        return False
    name, conversion, kernel = item["name"], item["conversion"], item["kernel_shape"]
    texts = (
        isinstance(name, str) and name == clean_name(name) and isinstance(conversion, str) and conversion.isprintable()
    )
    sizes = _are_sizes(item["shape"]) and len(item["shape"]) == 2 and (kernel is None or _are_sizes(kernel))
    steps = _are_sizes([item["stride"], groups]) and (item["padding"] == 0 or _are_sizes([item["padding"]]))
    return texts and len(conversion) <= 1000 and sizes and steps


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and 1 <= size <= MAX_SIZE for size in value)
