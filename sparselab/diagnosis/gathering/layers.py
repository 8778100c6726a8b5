"""What was multiplied in the passes, layer by layer: shapes, densities, positions, patterns, and the product to time alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
import torch
from torch import nn

from sparselab.core.errors import SparselabError
from sparselab.core.modules.values import in_blocks, is_semi_structured
from sparselab.core.modules.weights import weights_of, without_wrappers
from sparselab.diagnosis.evidence import DENSE_RUN, KINDS_LEFT_DENSE, LayerEvidence
from sparselab.diagnosis.gathering.calling import Call
from sparselab.diagnosis.gathering.passes import Passes
from sparselab.diagnosis.gathering.products import Multiplied, obstacles
from sparselab.diagnosis.gathering.watching import FUSED, SeenWeight, plain_name
from sparselab.diagnosis.gathering.windows import windows_of
from sparselab.kernels import DENSE
from sparselab.kernels.base import Conv
from sparselab.nn.support.layer_kernels import layer_work

Found = tuple[LayerEvidence, Multiplied | None]
"""A layer, and its product where a kernel here may run it."""


def layers_of(model: nn.Module, passes: Passes) -> list[Found]:
    """Return every weight that was multiplied, in the model's order, and every block layer, called or not."""
    told = {weight.name: weight.how for weight in weights_of(model)[0]}
    owners = _owners(model)
    found = [_watched(seen, told, owners.get(seen.name, "")) for seen in passes.watch.seen.values() if seen.op]
    return [*found, *_blocks(model, passes.calls.by_path)]


def _owners(model: nn.Module) -> dict[str, str]:
    """Return the kind of the module that computes with a weight itself, by the weight's name."""
    found: dict[str, str] = {}
    for path, module in model.named_modules():
        kind = next((kind for classes, kind in _COMPUTING if isinstance(module, classes)), "")
        names = [name for name, _ in module.named_parameters()] if kind else []
        found |= {plain_name(without_wrappers(f"{path}.{name}" if path else name)): kind for name in names}
    return found


_COMPUTING: tuple[tuple[tuple[type[nn.Module], ...], str], ...] = (
    ((nn.MultiheadAttention,), "attention"),
    ((nn.RNNBase, nn.RNNCellBase), "recurrent"),
)


def _kind(seen: SeenWeight, owner: str) -> str:
    if owner or seen.op != "convolution":
        return owner
    if _is_transposed(seen):
        return "transposed"
    rows, groups = seen.stored.shape[0], seen.arguments[8]
    return "depthwise" if groups == rows > 1 else "volume" if seen.stored.dim() == 5 else ""


def _is_transposed(seen: SeenWeight) -> bool:
    return seen.op == "convolution" and bool(seen.arguments[6])


def _watched(seen: SeenWeight, told: Mapping[str, str], owner: str) -> Found:
    tensor = seen.operand if seen.operand is not None else seen.stored
    runs = DENSE_RUN
    if tensor.layout != torch.strided or is_semi_structured(tensor):
        runs = str(tensor.layout).removeprefix("torch.") if tensor.layout != torch.strided else "semi_structured"
        tensor = tensor.to_dense()
    weight = tensor.detach().float().cpu().numpy()
    if seen.is_in_first or _is_transposed(seen):
        weight = np.swapaxes(weight, 0, 1)
    matrix = np.ascontiguousarray(weight.reshape(weight.shape[0], -1))
    kept = weight != 0
    rows, cols = matrix.shape
    positions = prod(seen.output) // rows if seen.op not in FUSED and rows else _positions(seen)
    kind = _kind(seen, owner)
    product = _product(seen, matrix, positions) if runs == DENSE_RUN and not kind else None
    why = KINDS_LEFT_DENSE.get(kind, "no kernel here runs it")
    whys = obstacles(product) if product is not None else (why, why)
    layer = LayerEvidence(
        name=seen.name,
        shape=(rows, cols),
        density=float(kept.mean()) if kept.size else 0.0,
        positions=positions,
        op=seen.op,
        ms=seen.ms,
        dtype=seen.dtype,
        stored=str(seen.stored.dtype).removeprefix("torch."),
        how=told.get(seen.name, ""),
        remade=tuple(seen.remade) if seen.masked else (),
        remade_ms=seen.remade_ms if seen.masked else 0.0,
        runs=runs,
        kind=kind,
        is_convolution=seen.op == "convolution",
        zero_rows=int((~kept.reshape(rows, -1).any(axis=1)).sum()),
        zero_cols=int((~kept.any(axis=tuple(axis for axis in range(kept.ndim) if axis != 1))).sum()),
        obstacle=whys[0],
        float32_obstacle=whys[1],
        along_in=windows_of(kept, 1),
        along_out=windows_of(kept, 0),
    )
    return layer, product


def _positions(seen: SeenWeight) -> int:
    """Return the positions of a fused operation: of outputs of (..., features)."""
    return prod(seen.output[:-1]) if seen.output else 0


def _product(seen: SeenWeight, matrix: Any, positions: int) -> Multiplied | None:
    """Return the product of a weight that torch multiplied densely; a convolution that kernels do not know, as a matrix product."""
    if positions < 1 or not matrix.size:
        return None
    plain = Multiplied(matrix, (matrix.shape[1], positions), dtype=seen.dtype)
    if seen.op != "convolution":
        return plain
    _, _, _, stride, padding, dilation, _, _, groups = seen.arguments[:9]
    shape = seen.x_shape
    if groups > 1 and (len(shape) != 4 or set(dilation) != {1} or len(set(stride)) > 1 or len(set(padding)) > 1):
        return None
    if len(shape) != 4 or set(dilation) != {1} or len(set(stride)) > 1 or len(set(padding)) > 1:
        return plain
    kernel = seen.stored.shape[2:]
    return Multiplied(matrix, shape, Conv((kernel[0], kernel[1]), stride[0], padding[0]), seen.dtype, groups=groups)


def _blocks(model: nn.Module, calls: Mapping[str, Call]) -> Iterator[Found]:
    for path, module in model.named_modules():
        if not in_blocks(module):
            continue
        layout = module.layout
        rows, cols = layout.after.shape
        call = calls.get(path)
        product, kernel = (None, "") if call is None else _of_blocks(module, call)
        kept = layout.after.kept.reshape(module.dense_shape)
        whys = obstacles(product) if product is not None else ("", "")
        layer = LayerEvidence(
            name=without_wrappers(f"{path}.weight" if path else "weight"),
            shape=(rows, cols),
            density=layout.after.density,
            positions=_block_positions(product, rows),
            op=kernel,
            ms=0.0 if call is None else call.ms,
            dtype="float32" if call is None else call.dtype,
            stored=_stored(module),
            how="in blocks",
            runs=DENSE_RUN if kernel in DENSE else kernel or "blocks",
            is_called=call is not None,
            is_convolution=module.dense_shape[2:] != (),
            obstacle=whys[0],
            float32_obstacle=whys[1],
            along_in=windows_of(kept, 1),
            along_out=windows_of(kept, 0),
        )
        yield layer, product


def _of_blocks(module: Any, call: Call) -> tuple[Multiplied | None, str]:
    """Return the product of a block layer as it was called, and the kernel that runs it then."""
    shape = call.x_shape
    if module.conv is None:
        shape = (module.layout.after.cols, prod(shape[:-1]))
    elif len(module.dense_shape) == 3:  # over sequences: images one pixel high
        shape = (1, *shape) if len(shape) == 2 else shape
        shape = (*shape[:2], 1, shape[2] + 2 * module.padding)
    else:
        shape = (1, *shape) if len(shape) == 3 else shape
    dtype: torch.dtype = getattr(torch, call.dtype or "float32")
    try:
        x = torch.zeros(shape, dtype=dtype, device=module.values.device)
        work, kernel = layer_work(module, shape, x), module.kernel_of(x)
    except (SparselabError, KeyError):
        return None, ""
    weight = work.weight if module.groups == 1 else module.matrix().detach().float().cpu().numpy()
    made = Multiplied(weight, work.input_shape, work.conv, work.dtype, module.layout, kernel, module.groups)
    return made, kernel


def _block_positions(product: Multiplied | None, rows: int) -> int:
    return product.work("float32").positions if product is not None and rows else 0


def _stored(module: Any) -> str:
    return str(module.values.dtype).removeprefix("torch.")
