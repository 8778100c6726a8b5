"""The tensors of an ONNX model (.onnx), with what its graph says of them; headers are read first, one tensor when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, check_count, check_total
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.onnx.graph import MODEL_FIELDS, AnyTensor, Graph, is_model, parse_graph
from sparselab.formats.parsing.onnx.names import shown_name
from sparselab.formats.parsing.onnx.quantised import dequantised, why_not_scaled
from sparselab.formats.parsing.onnx.tensors import OnnxTensor
from sparselab.formats.parsing.onnx.weights import OPERATORS, WeightUse, scaling_names, weights_of

_NO_PRODUCT = {
    *(
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pow",
        "Max",
        "Min",
        "Mod",
        "Where",
        "Equal",
        "Greater",
        "Less",
        "And",
        "Or",
        "PRelu",
    ),
    *("BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization"),
    *("Expand", "Concat", "Slice", "Clip", "Pad", "Resize", "ScatterND"),
}


def open_onnx(path: Path, limits: ReadLimits) -> Archive:
    """Return the initialisers of a model's main graph, and the Constant nodes that are weights.

    What a Conv, ConvTranspose, Gemm, MatMul or recurrent node multiplies by is a weight, with its axes and geometry; a quantised
    one is (number - zero point) * scale. Weights that are named by number are shown by the node that uses them.

    Raises: FileError for a damaged file, and one that is larger than its limits. What is wrong with one tensor skips it.
    """
    graph = parse_graph(path, limits, OPERATORS)
    found = _Found(graph, weights_of(graph), scaling_names(graph))
    for tensor in found.candidates():
        reason = found.why_not(tensor)
        if reason:
            found.skipped.append(Skipped(clean_name(tensor.name), reason))
        else:
            found.entries.append(found.entry(tensor))
    check_count("tensors", len(found.entries), limits.max_tensors)
    check_total(found.entries, limits)
    return Archive(tuple(found.entries), tuple(found.skipped), notes=tuple(found.notes()))


@dataclass(frozen=True)
class _Found:
    graph: Graph
    weights: dict[str, WeightUse]
    scales: set[str]
    taken: Counter[str] = field(default_factory=Counter)
    entries: list[ArchiveEntry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def candidates(self) -> Iterator[AnyTensor]:
        yield from self.graph.tensors.values()
        yield from (tensor for name, tensor in self.graph.constants.items() if name in self.weights)

    def why_not(self, tensor: AnyTensor) -> str:
        use = self.weights.get(tensor.name)
        if tensor.name in self.graph.doubled:
            return "a name that is there twice"
        if tensor.fault or (use is not None and use.fault):
            return tensor.fault or (use.fault if use else "")
        if use is not None:
            return why_not_scaled(self.graph, tensor, use.scaling) if use.scaling else ""
        if len(tensor.shape) < 2:
            return ""  # a vector is said to be one where all formats are looked through
        if tensor.name in self.scales:
            return "a scale or zero point of a quantised tensor"
        users = self.graph.uses.get(tensor.name, set())
        return (
            f"no factor of a matrix product: it goes into {', '.join(sorted(users))}"
            if users and users <= _NO_PRODUCT
            else ""
        )

    def entry(self, tensor: AnyTensor) -> ArchiveEntry:
        use, path = self.weights.get(tensor.name), self.graph.path
        stored = tensor.kind.stored if isinstance(tensor, OnnxTensor) else tensor.stored
        dtype, load = tensor.dtype, partial(tensor.load, path)
        if use is not None and use.scaling is not None:
            dtype, load = np.dtype(np.float32), partial(_scaled, self.graph, tensor, use)
        return ArchiveEntry(
            name=tensor.name,
            shape=tensor.shape,
            dtype=dtype,
            load=load,
            role="unknown" if use is None or use.is_factor else "weight",
            stored=stored,
            load_stored=partial(tensor.load_words, path) if stored else None,
            axes="" if use is None else use.axes,
            geometry=None if use is None else use.geometry,
            shown="" if use is None else self.shown(shown_name(tensor.name, use.node)),
        )

    def shown(self, name: str) -> str:
        """Return a name that no other tensor has or is shown by: one module may use several weights."""
        self.taken[name] += 1
        number = self.taken[name] + (name in self.graph.tensors)
        return f"{name}_{number}" if name and number > 1 else name

    def notes(self) -> Iterator[str]:
        uses = [(entry, self.weights[entry.name]) for entry in self.entries if entry.name in self.weights]
        renamed = [entry for entry, _ in uses if entry.shown]
        if renamed:
            first = renamed[0]
            yield (
                f"{_count(len(renamed), 'weight')} named by number in the file: shown by the name of the node that uses it, "
                f"such as {clean_name(first.name)} as {clean_name(first.shown)}"
            )
        if any(entry.stored == "bfloat16" for entry in self.entries):
            yield "bfloat16 weights are read as float32"
        scaled = [use for _, use in uses if use.scaling]
        if scaled:
            yield f"{_count(len(scaled), 'weight')} of whole numbers: read as (number - zero point) * scale"
        rounded = [use for _, use in uses if use.rounded]
        if rounded:
            yield f"{_count(len(rounded), 'weight')} rounded to whole numbers in the graph: read as before rounding"
        remarks = dict.fromkeys(use.remark for _, use in uses if use.remark)
        for remark in remarks:
            named = [clean_name(entry.shown or entry.name) for entry, use in uses if use.remark == remark]
            yield f"{', '.join(named[:3])}{' ...' if len(named) > 3 else ''}: {remark}"
        if self.graph.branches:
            names = " and ".join(sorted(set(self.graph.branches)))
            yield f"what lies inside {names} is not read ({_count(len(self.graph.branches), 'node')})"
        if self.graph.functions:
            yield f"the model's own {_count(self.graph.functions, 'function')} not read"


def _scaled(graph: Graph, tensor: AnyTensor, use: WeightUse) -> NDArray[Any]:
    assert use.scaling is not None
    return dequantised(graph, tensor, use.scaling)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _recognises(head: Head) -> bool:
    if head.members is not None or MODEL_FIELDS.get(head.start[0] >> 3) != head.start[0] & 7:
        return False
    return head.suffix == ".onnx" or is_model(head.path, head.size)


FORMAT = Format(
    name="onnx",
    title="an ONNX model",
    suffixes=(".onnx",),
    recognises=_recognises,
    open=open_onnx,
    parsed_by="python",
    has_shapes=True,
)
