"""The graph of an ONNX model: its tensors, and of its nodes those that say what a tensor is for.

Only the main graph is looked at. Subgraphs of If, Loop and Scan and the model's own functions are counted, not read.
Source: github.com/onnx/onnx, onnx/onnx.proto.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import MAX_RANK
from sparselab.formats.base import check_count
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.onnx.sparse import SparseTensor, parse_sparse
from sparselab.formats.parsing.onnx.tensors import OnnxTensor, parse_tensor
from sparselab.formats.parsing.onnx.wire import LENGTH, VARINT, Field, Wire, signed

MODEL_FIELDS = {
    1: VARINT, 2: LENGTH, 3: LENGTH, 4: LENGTH, 5: VARINT, 6: LENGTH, 7: LENGTH, 8: LENGTH, 14: LENGTH, 20: LENGTH,
    25: LENGTH, 26: LENGTH,
}  # fmt: skip
"""Numbers of ModelProto's fields and their kinds: ir_version, producer_name, ... graph (7), opset_import (8), ..."""

MAX_NODES = 200_000
"""Several times the nodes of the largest exported models; each costs some ten microseconds."""

_GRAPH, _FUNCTIONS = 7, 25
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15
_BRANCHING = {"If", "Loop", "Scan"}
_SCOPES = "pkg.torch.onnx.name_scopes"

AnyTensor: TypeAlias = OnnxTensor | SparseTensor
Attribute: TypeAlias = int | tuple[int, ...] | str


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node: its operator, with its domain in front if that is not ONNX's own, and its integers and texts by their names.

    `scopes` are the modules around it, where PyTorch's exporter wrote them.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    scopes: str = ""

    def number(self, name: str, default: int) -> int:
        value = self.attributes.get(name)
        return value if isinstance(value, int) else default

    def numbers(self, name: str) -> tuple[int, ...] | None:
        value = self.attributes.get(name)
        return value if isinstance(value, tuple) else None


@dataclass(frozen=True)
class Graph:
    """Tensors by name, in the file's order, and those that Constant nodes make; the nodes of chosen operators.

    `doubled` are names of more than one tensor, whose meaning nobody can tell; `uses` says which operators take a tensor,
    with " of constants" behind where nothing that is computed goes in beside it.
    """

    path: Path
    tensors: dict[str, AnyTensor] = field(default_factory=dict)
    constants: dict[str, AnyTensor] = field(default_factory=dict)
    integers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    doubled: set[str] = field(default_factory=set)
    nodes: list[Node] = field(default_factory=list)
    uses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    branches: list[str] = field(default_factory=list)
    functions: int = 0

    def tensor(self, name: str) -> AnyTensor | None:
        """Return the tensor of a name if there is one and it can be read."""
        found = self.tensors.get(name) or self.constants.get(name)
        return None if found is None or found.fault or name in self.doubled else found

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return the few integers of a constant that is a shape, None for what is none."""
        tensor = self.tensor(name)
        if not isinstance(tensor, OnnxTensor):
            return self.integers.get(name)
        if len(tensor.shape) != 1 or tensor.shape[0] > 2 * MAX_RANK or tensor.dtype.kind != "i":
            return None
        return tuple(map(int, tensor.load(self.path)))


def parse_graph(path: Path, limits: ReadLimits, operators: frozenset[str]) -> Graph:
    """Return the graph of a model with the nodes of `operators`; headers are read, weights are not.

    Raises: FileError for a file that is damaged, holds no graph or two, or is larger than its limits.
    """
    label, size = clean_name(path.name), path.stat().st_size
    with path.open("rb") as file:
        wire = Wire(file, size, label, limits.max_header_bytes)
        top, functions = None, 0
        for part in wire.fields(0, size):
            functions += part.number == _FUNCTIONS
            if part.number == _GRAPH:
                if top is not None:
                    raise FileError(f"{label}: expected an ONNX model with one graph; got several")
                top = part
        if top is None:
            raise FileError(f"{label}: expected an ONNX model with a graph; got one without")
        graph = Graph(path, functions=functions)
        _read_tensors(graph, wire, top, path, limits)
        _read_nodes(graph, wire, top, path, limits, operators)
    return graph


def is_model(path: Path, size: int) -> bool:
    """Whether the fields of a file, from its first byte to its last, are those of an ONNX model with a graph."""
    try:
        with path.open("rb") as file:
            numbers = set()
            for part in Wire(file, size, "", 4096).fields(0, size):
                if MODEL_FIELDS.get(part.number) != part.kind:
                    return False
                numbers.add(part.number)
    except (FileError, OSError):
        return False
    return _GRAPH in numbers and len(numbers) > 1


def _read_tensors(graph: Graph, wire: Wire, top: Field, path: Path, limits: ReadLimits) -> None:
    for part in wire.inside(top):
        if part.number == _INITIALIZER:
            _add(graph, graph.tensors, parse_tensor(wire, part, (top,), path, limits))
        elif part.number == _SPARSE:
            _add(graph, graph.tensors, parse_sparse(wire, part, (top,), path, limits))
        check_count("tensors", len(graph.tensors), limits.max_tensors)


def _add(graph: Graph, there: dict[str, AnyTensor], tensor: AnyTensor | None) -> None:
    if tensor is not None:
        if tensor.name in there:
            graph.doubled.add(tensor.name)
        there[tensor.name] = tensor


def _read_nodes(
    graph: Graph, wire: Wire, top: Field, path: Path, limits: ReadLimits, operators: frozenset[str]
) -> None:
    count = 0
    fixed = {"", *graph.tensors}
    for part in wire.inside(top):
        if part.number != _NODE:
            continue
        count += 1
        check_count("nodes", count, MAX_NODES)
        parts = wire.parts(part)
        op = _operator(wire, parts)
        inputs = tuple(map(wire.text, parts[1]))
        is_fixed = fixed.issuperset(inputs) and op not in _BRANCHING
        if is_fixed:
            fixed.update(map(wire.text, parts[2]))
        for name in inputs:
            if name in graph.tensors:
                graph.uses[name].add(f"{op} of constants" if is_fixed else op)
        if op == "Constant" and len(parts[2]) == 1:
            _read_constant(graph, wire, wire.text(parts[2][0]), parts[5], (top, part), path, limits)
        elif op in _BRANCHING:
            graph.branches.append(op)
        elif op in operators:
            graph.nodes.append(_node(wire, op, inputs, parts))


def _operator(wire: Wire, parts: Mapping[int, list[Field]]) -> str:
    op, domain = (wire.text(parts[number][-1]) if parts[number] else "" for number in (4, 7))
    return op if domain in ("", "ai.onnx") else f"{domain}/{op}"


def _node(wire: Wire, op: str, inputs: tuple[str, ...], parts: Mapping[int, list[Field]]) -> Node:
    attributes = {}
    for part in parts[5]:
        name, value = _attribute(wire, part)
        if value is not None:
            attributes[name] = value
    return Node(
        op=op,
        name=wire.text(parts[3][-1]) if parts[3] else "",
        inputs=inputs,
        outputs=tuple(map(wire.text, parts[2])),
        attributes=attributes,
        scopes=_scopes(wire, parts[9]),
    )


def _attribute(wire: Wire, attribute: Field) -> tuple[str, Attribute | None]:
    """Return an attribute's name and its value if that is a number, numbers or a text."""
    name, numbers = "", []
    value: Attribute | None = None
    for part in wire.inside(attribute):
        if part.number == 1:
            name = wire.text(part)
        elif part.number == 3 and part.kind == VARINT:
            value = signed(part.value)
        elif part.number == 4:
            value = wire.text(part)
        elif part.number == 8:
            numbers += wire.integers(part)
    return name, tuple(numbers) if numbers else value


def _read_constant(
    graph: Graph,
    wire: Wire,
    name: str,
    attributes: list[Field],
    parents: tuple[Field, ...],
    path: Path,
    limits: ReadLimits,
) -> None:
    for attribute in attributes:
        around = (*parents, attribute)
        for part in wire.inside(attribute):
            if part.number == 5:
                tensor: AnyTensor | None = parse_tensor(wire, part, around, path, limits, name)
            elif part.number == 22:
                tensor = parse_sparse(wire, part, around, path, limits, name)
            elif part.number in (3, 8):
                graph.integers[name] = (*graph.integers.get(name, ()), *wire.integers(part))
                continue
            else:
                continue
            if tensor is not None:
                if name in graph.tensors or name in graph.constants:
                    graph.doubled.add(name)
                graph.constants[name] = tensor


def _scopes(wire: Wire, properties: list[Field]) -> str:
    for each in properties:
        parts = list(wire.inside(each))
        # The other properties, such as stack traces, are longer than the graph.
        if len(parts) == 2 and parts[0].size == len(_SCOPES) and wire.text(parts[0]) == _SCOPES:
            return wire.text(parts[1])
    return ""
