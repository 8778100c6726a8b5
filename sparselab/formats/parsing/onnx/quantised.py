"""Quantised weights of an ONNX graph: value = (number - zero_point) * scale, and back.

Scale and zero point are one for the tensor, one for each place along an axis, or one for each block of places along it.
Source: onnx.ai/onnx/operators/onnx__DequantizeLinear.html.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.formats.parsing.onnx.graph import AnyTensor, Graph
from sparselab.formats.parsing.onnx.weights import Scaling


def why_not_scaled(graph: Graph, tensor: AnyTensor, scaling: Scaling) -> str:
    """Return why the values of a quantised tensor cannot be told, "" if they can."""
    scale, zero_point = graph.tensor(scaling.scale), graph.tensor(scaling.zero_point)
    if scale is None or (scaling.zero_point and zero_point is None):
        return "quantised, and its scale or zero point is computed"
    if tensor.dtype.kind not in "iu" or scale.dtype.kind != "f":
        return "expected whole numbers with a scale that is none; got others"
    for part in (scale, zero_point):
        if part is not None and not _fits(tensor.shape, part.shape, scaling):
            return f"expected a scale for all, each place or each block along axis {scaling.axis}; got {part.shape}"
    return ""


def dequantised(graph: Graph, tensor: AnyTensor, scaling: Scaling) -> NDArray[np.float32]:
    """Return (number - zero_point) * scale. Zeros are exactly where the number is the zero point, if no scale is 0."""
    scale, zero_point = _parts(graph, tensor, scaling)
    return ((tensor.load(graph.path).astype(np.int64) - zero_point) * scale).astype(np.float32)


def quantised(graph: Graph, tensor: AnyTensor, scaling: Scaling, values: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers of new values: round(value / scale) + zero_point, within their type; 0 is the zero point.

    Where a scale is 0 the numbers stay. Values that `dequantised` gave become the numbers they came from.
    """
    scale, zero_point = _parts(graph, tensor, scaling)
    there = tensor.load(graph.path)
    steps = np.rint(np.divide(values, scale, out=np.zeros(tensor.shape), where=scale != 0)) + zero_point
    bounds = np.iinfo(there.dtype)
    numbers = np.clip(steps, bounds.min, bounds.max).astype(there.dtype)
    return np.where(np.broadcast_to(scale, tensor.shape) != 0, numbers, there)


def _fits(shape: tuple[int, ...], part: tuple[int, ...], scaling: Scaling) -> bool:
    if part in ((), (1,)):
        return True
    if not -len(shape) <= scaling.axis < len(shape):
        return False
    axis = scaling.axis % len(shape)
    if scaling.block < 1:
        return part == shape[axis : axis + 1]
    return part == (*shape[:axis], -(-shape[axis] // scaling.block), *shape[axis + 1 :])


def _parts(graph: Graph, tensor: AnyTensor, scaling: Scaling) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    found = []
    for name in (scaling.scale, scaling.zero_point):
        part = graph.tensor(name)
        values = np.zeros(()) if part is None else part.load(graph.path)
        found.append(_spread(values, tensor.shape, scaling))
    return found[0].astype(np.float64), found[1].astype(np.int64)


def _spread(values: NDArray[Any], shape: tuple[int, ...], scaling: Scaling) -> NDArray[Any]:
    if values.size == 1:
        return values.reshape(())
    axis = scaling.axis % len(shape)
    if scaling.block > 0:
        return np.repeat(values, scaling.block, axis=axis)[(slice(None),) * axis + (slice(shape[axis]),)]
    return values.reshape([-1 if i == axis else 1 for i in range(len(shape))])
