"""Layouts as tensors and plain words, as the files of converted models hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparselab.core.errors import FileError
from sparselab.core.layout import Layout
from sparselab.kernels import KERNELS

_LAYOUT = "layout."
_ARRAYS = ("before", "after", "block_rows", "block_cols", "block_shapes", "row_order", "col_order")
_TEXTS = ("status", "reason", "notes")


def layout_tensors(layouts: Mapping[str, tuple[Layout, str]]) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """Return the arrays of layouts by the names they have in a file, and what else the file says of each layer.

    layouts: of each layer by name, with the kernel that runs it. digests: of the masks before and after, by `Mask.digest`.
    """
    tensors: dict[str, Tensor] = {}
    told: list[dict[str, Any]] = []
    for number, (name, (layout, kernel)) in enumerate(layouts.items()):
        packed = layout.pack()
        for part in _ARRAYS:
            if packed[part] is not None:
                tensors[f"{_LAYOUT}{number}.{part}"] = torch.from_numpy(np.array(packed[part]))
        texts = {text: packed[text] for text in _TEXTS}
        told.append({"name": name, "kernel": kernel, "shape": packed["shape"], "digests": _digests(layout)} | texts)
    return tensors, told


def layouts_in(found: Mapping[str, Tensor], told: Any) -> dict[str, tuple[Layout, str]]:
    """Return what `layout_tensors` was given, checked: sizes before anything is made of them, digests where the file has them.

    Raises: FileError and whatever else parts that do not fit together raise.
    """
    layouts = {str(of["name"]): (_layout(found, number, of), _kernel(of)) for number, of in enumerate(told)}
    if len(layouts) != len(told):
        raise FileError(f"expected layers of different names; got {len(told)} layers of {len(layouts)} names")
    return layouts


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
    area = sum(height * width for height, width in shapes.tolist())
    if area > rows * cols:  # before they are painted, which takes as long as their areas are large
        raise FileError(f"{told['name']}: expected blocks that share no weight; got {area} weights in {rows} x {cols}")
    texts = {text: told[text] for text in _TEXTS}
    layout = Layout.unpack({**arrays, **texts, "shape": (rows, cols), "seconds": {}, "figures": {}})
    if told.get("digests", _digests(layout)) != _digests(layout):
        raise FileError(f"{told['name']}: expected a layout of the digests that the file says; got another one")
    return layout


def _digests(layout: Layout) -> dict[str, str]:
    return {"before": layout.before.digest, "after": layout.after.digest}


def _kernel(told: Mapping[str, Any]) -> str:
    """Return the kernel that the layer was to run by; "auto" where this installation has none of that name."""
    kernel = str(told["kernel"])
    return kernel if kernel in KERNELS else "auto"
