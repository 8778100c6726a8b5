"""What the graph of an ONNX model says of its tensors: which are weights, how their axes run, and what they are scaled by.

A weight is what a Conv, ConvTranspose, Gemm, MatMul, LSTM, GRU, RNN or Attention multiplies by, whether it comes to it as it is or
through Transpose, Identity, Cast, Reshape, QuantizeLinear and DequantizeLinear.
Source: onnx.ai/onnx/operators; com.microsoft: github.com/microsoft/onnxruntime, docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sparselab.formats.base import ConvGeometry
from sparselab.formats.parsing.onnx.axes import Seen, letters, reshaped, transposed
from sparselab.formats.parsing.onnx.geometry import geometry_of
from sparselab.formats.parsing.onnx.graph import Graph, Node


class Scaling(NamedTuple):
    """Names of the tensors of value = (number - zero_point) * scale; `axis` is the one along which they differ.

    `block`: how many numbers along it share one, 0 for one each.
    """

    scale: str
    zero_point: str
    axis: int
    block: int = 0


class Operand(NamedTuple):
    """An input that is a weight: its letters by number of dimensions, and where its scale and zero point come in.

    `swap` is the attribute that transposes it. `axis`: as in Scaling, from the end.
    """

    axes: Mapping[int, str]
    swap: str = ""
    scaling: tuple[int, int] | None = None
    axis: int = 0


@dataclass(frozen=True, kw_only=True)
class WeightUse:
    """What the graph says of one weight. `rounded`: it is rounded to whole numbers before it is used. `is_factor`: it is
    multiplied by another tensor of its shape first, so that one of the two may be a mask.

    `remark` says what is not known of its geometry, `fault` why its values cannot be told.
    """

    node: Node
    axes: str = ""
    geometry: ConvGeometry | None = None
    scaling: Scaling | None = None
    rounded: bool = False
    is_factor: bool = False
    remark: str = ""
    fault: str = ""


_KERNELS = ("W", "HW", "DHW")
_CONV = {2 + len(kernel): "OI" + kernel for kernel in _KERNELS}
_TRANSPOSED_CONV = {2 + len(kernel): "IO" + kernel for kernel in _KERNELS}
_LEFT, _RIGHT = {2: "OI", 3: "EOI"}, {2: "IO", 3: "EIO"}
_RECURRENT = {1: Operand({3: "EOI"}), 2: Operand({3: "EOI"})}

OPERANDS: dict[str, dict[int, Operand]] = {
    "Conv": {1: Operand(_CONV)},
    "ConvTranspose": {1: Operand(_TRANSPOSED_CONV)},
    "Gemm": {0: Operand({2: "OI"}, "transA"), 1: Operand({2: "IO"}, "transB")},
    "MatMul": {0: Operand(_LEFT), 1: Operand(_RIGHT)},
    "LSTM": _RECURRENT,
    "GRU": _RECURRENT,
    "RNN": _RECURRENT,
    "QLinearConv": {3: Operand(_CONV, scaling=(4, 5), axis=0)},
    "QLinearMatMul": {
        0: Operand(_LEFT, scaling=(1, 2), axis=-2),
        3: Operand(_RIGHT, scaling=(4, 5), axis=-1),
    },
    "com.microsoft/Attention": {1: Operand({2: "IO"})},
    "com.microsoft/FusedConv": {1: Operand(_CONV)},
    "com.microsoft/FusedGemm": {0: Operand({2: "OI"}, "transA"), 1: Operand({2: "IO"}, "transB")},
    "com.microsoft/FusedMatMul": {0: Operand(_LEFT, "transA"), 1: Operand(_RIGHT, "transB")},
}
"""Operators, and which of their inputs may be weights."""

WITHOUT_SCALE = {
    "ConvInteger": 1,
    "MatMulInteger": 1,
    "com.microsoft/DynamicQuantizeMatMul": 1,
    "com.microsoft/MatMulIntegerToFloat": 1,
    "com.microsoft/MatMulNBits": 1,
    "com.microsoft/QAttention": 1,
    "com.microsoft/QGemm": 3,
}
"""Operators whose weight is of whole numbers that are scaled elsewhere or packed, and which of their inputs it is."""

THROUGH = ("Transpose", "Identity", "Cast", "Reshape", "QuantizeLinear", "DequantizeLinear", "Mul")
OPERATORS = frozenset({*OPERANDS, *WITHOUT_SCALE, *THROUGH})
"""The nodes that a graph is read for."""

_MAX_STEPS = 16


def weights_of(graph: Graph) -> dict[str, WeightUse]:
    """Return what each tensor that is a weight is used as; the first use counts, and what others say otherwise is left open."""
    makers = {name: node for node in graph.nodes if node.op in THROUGH for name in node.outputs}
    found: dict[str, WeightUse] = {}
    for node in graph.nodes:
        for place, operand in OPERANDS.get(node.op, {}).items():
            for path in _paths(graph, makers, node.inputs[place]) if place < len(node.inputs) else ():
                if (use := _use(graph, node, path, operand)) is not None:
                    found[path.name] = _joined(found[path.name], use) if path.name in found else use
        place = WITHOUT_SCALE.get(node.op, len(node.inputs))
        if place < len(node.inputs) and graph.tensor(node.inputs[place]):
            reason = (
                f"whole numbers of {node.op}, whose scale lies elsewhere: export the model as QDQ (DequantizeLinear)"
            )
            found.setdefault(node.inputs[place], WeightUse(node=node, fault=reason))
    return found


def scaling_names(graph: Graph) -> set[str]:
    """Return the names of the scales and zero points of quantised tensors."""
    names: set[str] = set()
    for node in graph.nodes:
        if node.op in ("QuantizeLinear", "DequantizeLinear"):
            names.update(node.inputs[1:3])
        for operand in OPERANDS.get(node.op, {}).values():
            names.update(node.inputs[i] for i in operand.scaling or () if i < len(node.inputs))
    return names - {""}


class _Path(NamedTuple):
    """The way from a tensor of the file to an input, the node nearest to the input first."""

    name: str
    steps: tuple[Node, ...]
    is_factor: bool = False


def _paths(graph: Graph, makers: Mapping[str, Node], name: str) -> list[_Path]:
    """Follow an input back to a tensor, or to the two of one product; nothing where it is computed."""
    found, waiting = [], [_Path(name, ())]
    while waiting:
        path = waiting.pop()
        if graph.tensor(path.name) is not None:
            found.append(path)
            continue
        maker = makers.get(path.name)
        if maker is None or not maker.inputs or len(path.steps) == _MAX_STEPS or (maker.op == "Mul" and path.is_factor):
            return []
        factors = maker.inputs if maker.op == "Mul" else maker.inputs[:1]
        is_factor = path.is_factor or maker.op == "Mul"
        waiting += [_Path(each, (*path.steps, maker), is_factor) for each in reversed(factors)]
    return found if len({_shape_of(graph, path.name) for path in found}) == 1 else []


def _shape_of(graph: Graph, name: str) -> tuple[int, ...]:
    tensor = graph.tensor(name)
    return () if tensor is None else tensor.shape


def _use(graph: Graph, node: Node, path: _Path, operand: Operand) -> WeightUse | None:
    """Return what a node says of the tensor at the end of a path, None when no weight can be made of it."""
    tensor = graph.tensor(path.name)
    assert tensor is not None
    scaling = rounded = None
    seen: Seen | None = Seen.of(tensor.shape)
    for place, step in enumerate(reversed(path.steps)):
        if step.op == "Transpose":
            seen = transposed(seen, step.numbers("perm"))
        elif step.op == "Reshape":
            seen = reshaped(seen, _shape(graph, step), allow_zero=step.number("allowzero", 0) == 1)
        elif step.op == "QuantizeLinear":
            rounded = step
        elif step.op == "DequantizeLinear" and rounded is None:
            if place:
                return WeightUse(node=node, fault="quantised, and turned before it is scaled: its scale fits no axis")
            scaling = _scaling(step.inputs, (1, 2), step.number("axis", 1), step.number("block_size", 0))
        if seen is None:
            return None
    if operand.scaling is not None and scaling is None:
        scaling = _scaling(node.inputs, operand.scaling, operand.axis, 0)
    assert seen is not None
    axes = _axes(node, seen, operand)
    if axes is None:
        return None
    if node.op == "ConvTranspose" and (groups := node.number("group", 1)) > 1:
        return WeightUse(
            node=node, fault=f"a transposed convolution of {groups} groups: its rows are not those of one matrix"
        )
    geometry, remark = geometry_of(node, seen.shape[0])
    return WeightUse(
        node=node,
        axes=axes,
        geometry=geometry,
        scaling=scaling,
        rounded=rounded is not None,
        is_factor=path.is_factor,
        remark=remark,
    )


def _axes(node: Node, seen: Seen, operand: Operand) -> str | None:
    roles = operand.axes.get(len(seen.shape))
    if roles is None:
        return None
    if operand.swap and node.number(operand.swap, 0):
        roles = roles[:-2] + roles[-1] + roles[-2]
    return letters(seen, roles)


def _scaling(inputs: tuple[str, ...], places: tuple[int, int], axis: int, block: int) -> Scaling:
    scale, zero_point = (inputs[i] if i < len(inputs) else "" for i in places)
    return Scaling(scale, zero_point, axis, block)


def _shape(graph: Graph, node: Node) -> tuple[int, ...] | None:
    return graph.shape(node.inputs[1]) if len(node.inputs) > 1 else node.numbers("shape")


def _joined(one: WeightUse, other: WeightUse) -> WeightUse:
    if one.fault or (one.axes, one.geometry, one.scaling) == (other.axes, other.geometry, other.scaling):
        return one
    same = one.axes == other.axes
    return WeightUse(
        node=one.node,
        axes=one.axes if same else "",
        geometry=one.geometry if one.geometry == other.geometry else None,
        scaling=one.scaling,
        rounded=one.rounded,
        remark="used by two nodes in different ways: what they differ in is left open",
        fault="" if one.scaling == other.scaling else "quantised with two scales",
    )
