"""The dense product by ONNX Runtime, which is not among what sparselab installs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from sparselab.benchmarking.opponents.base import DenseOpponent, Product
from sparselab.core.errors import UnavailableError
from sparselab.kernels.base import TOLERANCES, Work

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_OPSET, _IR = 17, 8
_LARGEST = 2**31 - 2**20
"""Bytes of weights that fit into one protobuf beside the rest."""


@dataclass(frozen=True)
class DenseOnnxRuntime(DenseOpponent):
    """One MatMul, either way round, or one Conv, in float32 on as many threads as torch has, which sleep between runs."""

    title: ClassVar[str] = "Dense, ONNX Runtime"
    in_words: ClassVar[str] = "ONNX Runtime's dense product"
    source: ClassVar[str] = (
        "onnxruntime, CPUExecutionProvider, input and output bound; threads do not spin between runs"
    )
    arithmetic: ClassVar[str] = "float32"
    tolerance: ClassVar[float] = TOLERANCES["float32"]

    def missing(self) -> str | None:
        lacking = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
        return f"needs packages that are not installed: pip install {' '.join(lacking)}" if lacking else None

    def ways(self, work: Work, x: torch.Tensor) -> Mapping[str, Product]:
        weight = work.tensor(work.masked_weight).numpy()
        if weight.nbytes > _LARGEST:
            raise UnavailableError(f"its weights fill {weight.nbytes} bytes, and a model of one file holds {_LARGEST}")
        bias = None if work.bias_tensor is None else work.bias_tensor.numpy()
        if work.conv is not None:
            return {"Conv": _bound(_conv(work, weight.reshape(work.tensor_shape), bias), x.numpy())}
        column = None if bias is None else bias[:, None]
        turned = _bound(_matmul(weight.T, bias, x.T.shape, first=False), x.T.contiguous().numpy())
        return {
            "features x positions": _bound(_matmul(weight, column, x.shape, first=True), x.numpy()),
            "positions x features": lambda: turned().T,
        }


def _matmul(weight: NDArray[np.float32], bias: NDArray[np.float32] | None, shape: Any, *, first: bool) -> bytes:
    """Return the model Y = W X (+ b), with the weight as the first factor or as the second."""
    from onnx import helper

    nodes = [helper.make_node("MatMul", ["w", "x"] if first else ["x", "w"], ["y" if bias is None else "product"])]
    if bias is not None:
        nodes.append(helper.make_node("Add", ["product", "b"], ["y"]))
    size = (weight.shape[0], shape[1]) if first else (shape[0], weight.shape[1])
    return _model(nodes, {"w": weight, "b": bias}, shape, size)


def _conv(work: Work, kernel: NDArray[np.float32], bias: NDArray[np.float32] | None) -> bytes:
    from onnx import helper

    assert work.conv is not None
    stride, padding = work.conv.stride, work.conv.padding
    inputs = ["x", "w"] if bias is None else ["x", "w", "b"]
    node = helper.make_node("Conv", inputs, ["y"], strides=[stride] * 2, pads=[padding] * 4)
    return _model([node], {"w": kernel, "b": bias}, work.input_shape, work.output_shape)


def _model(nodes: list[Any], arrays: Mapping[str, NDArray[np.float32] | None], taken: Any, given: Any) -> bytes:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    weights = [
        numpy_helper.from_array(np.ascontiguousarray(each), name) for name, each in arrays.items() if each is not None
    ]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(map(int, shape)))
        for name, shape in (("x", taken), ("y", given))
    )
    graph = helper.make_graph(nodes, "dense", [x], [y], initializer=weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    data: bytes = model.SerializeToString()
    return data


def _bound(model: bytes, x: NDArray[np.float32]) -> Product:
    """Return the run of a model on one input, into one output: neither is copied."""
    import numpy as np
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    # Threads that spin after a run would take the processor from whatever has its turn next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    y = np.empty(session.get_outputs()[0].shape, np.float32)
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", onnxruntime.OrtValue.ortvalue_from_numpy(y))
    found = torch.from_numpy(y)

    def product() -> torch.Tensor:
        session.run_with_iobinding(binding)
        return found

    return product
