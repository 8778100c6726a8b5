"""Small ONNX models, made by ONNX's own library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import NodeProto, SparseTensorProto, TensorProto, helper, numpy_helper

node = helper.make_node
Array = np.ndarray


def tensor(name: str, values: Array) -> TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values), name)


def weight(*shape: int, seed: int = 0, density: float = 0.5) -> Array:
    """Standard normal numbers, of which some are 0."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * (rng.random(shape) < density)).astype(np.float32)


def sparse_tensor(name: str, values: Array, *, is_linear: bool) -> SparseTensorProto:
    places = np.flatnonzero(values) if is_linear else np.argwhere(values)
    return SparseTensorProto(
        values=tensor(name, values[values != 0]), indices=tensor("", places.astype(np.int64)), dims=values.shape
    )


def save(
    path: Path,
    nodes: Sequence[NodeProto],
    tensors: Sequence[TensorProto],
    *,
    x: Sequence[int | str] = ("n", "m"),
    sparse: Sequence[SparseTensorProto] = (),
    ends: Sequence[str] = ("y",),
    **more: Any,
) -> Path:
    """Write the model of these nodes that takes x, of float32, and gives `ends`."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(x))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * len(x)) for name in ends],
        list(tensors),
        sparse_initializer=list(sparse),
    )
    versions = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, ir_version=10, opset_imports=versions)
    onnx.save_model(model, path, **more)
    return path


def save_outside(path: Path, nodes: Sequence[NodeProto], tensors: Sequence[TensorProto], **more: Any) -> Path:
    """As `save`, with every tensor in one file beside the model."""
    outside = {"save_as_external_data": True, "location": f"{path.stem}.bin", "size_threshold": 0}
    return save(path, nodes, tensors, **more, **outside)


def outputs(path: Path, x: Array) -> list[Array]:
    """What onnxruntime computes, without rewriting the graph."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    found: list[Array] = session.run(None, {session.get_inputs()[0].name: x})
    return found
