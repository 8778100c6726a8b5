"""An ONNX model written again with some of its weights replaced: the same bytes but for theirs, and for lengths around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.atomic_files import DAY_SECONDS, atomic_path, sweep
from sparselab.core.errors import FileError, SettingError
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS
from sparselab.formats.parsing.onnx.graph import Graph, parse_graph
from sparselab.formats.parsing.onnx.quantised import quantised
from sparselab.formats.parsing.onnx.sparse import INDICES, SPARSE_DIMS, VALUES, SparseTensor
from sparselab.formats.parsing.onnx.splice import Edit, splice
from sparselab.formats.parsing.onnx.tensors import DIMS, EXTERNAL, NAME, RAW, TYPE, OnnxTensor
from sparselab.formats.parsing.onnx.weights import OPERATORS, WeightUse, weights_of
from sparselab.formats.parsing.onnx.wire import LENGTH, field_bytes, varint

_ALIGNMENT = 4096  # what lies on a page of its own can be mapped into memory
_INT64 = 7
_Numbers = Callable[[], NDArray[Any]]


def write_onnx(source: Path, replacements: Mapping[str, NDArray[Any]], out: Path) -> None:
    """Write the model at `source` to `out` with the tensors named in `replacements` changed to these arrays, and nothing else.

    Names are those of the file, arrays have the file's shapes; their numbers are rounded to the file's type. A quantised weight
    takes its values, of which 0 becomes the zero point, or its whole numbers. Sparse tensors stay sparse. Data outside
    the model goes to one new file beside `out`, called as it with ".data" behind. Each file appears whole or not at all.

    Raises: FileError for a model that cannot be read; SettingError for a name or shape that is not in it, for numbers that its
        type cannot hold, and where a file that the model needs would be written over.
    Example: >>> import tempfile
             >>> from onnx import helper, numpy_helper
             >>> source = Path(tempfile.mkdtemp()) / "net.onnx"
             >>> weight = numpy_helper.from_array(np.ones((3, 2), np.float32), "fc.weight")
             >>> node = helper.make_node("Gemm", ["x", "fc.weight"], ["y"], transB=1)
             >>> model = helper.make_model(helper.make_graph([node], "net", [], [], [weight]))
             >>> _ = source.write_bytes(model.SerializeToString())
             >>> write_onnx(source, {"fc.weight": np.eye(3, 2)}, source)
             >>> len(source.read_bytes()) == model.ByteSize()
             True
    """
    graph = parse_graph(source, DEFAULT_LIMITS, OPERATORS)
    uses = weights_of(graph)
    numbers = {name: partial(_words, graph, name, values, uses.get(name)) for name, values in replacements.items()}
    if graph.doubled:
        raise FileError(f"{clean_name(min(graph.doubled))}: expected one tensor of this name; got several")
    for name, values in replacements.items():
        _check(graph, name, values)
    external = list(_external(graph))
    data = out.parent / f"{out.name}.data"
    _check_places(graph, external, source, out, data)
    edits: list[Edit] = []
    for name, make in numbers.items():
        edits += _edits(graph, name, make)
    sweep(out.parent, older_than=DAY_SECONDS)
    with atomic_path(out) as temporary:
        if not external:
            splice(source, edits, temporary)
            return
        # The data takes its name first: a model never stands without it.
        with atomic_path(data) as temporary_data:
            edits += _write_data(graph, external, numbers, temporary_data, data.name)
            splice(source, edits, temporary)


def _check(graph: Graph, name: str, values: NDArray[Any]) -> None:
    label, tensor = clean_name(name), graph.tensor(name)
    if tensor is None:
        raise SettingError(f"{label}: expected the name of a tensor that can be read in the model; got another")
    if values.shape != tensor.shape:
        raise SettingError(f"{label}: expected an array of shape {tensor.shape}; got {values.shape}")


def _check_places(graph: Graph, external: list[tuple[str, OnnxTensor]], source: Path, out: Path, data: Path) -> None:
    read = {tensor.external.path for _, tensor in external if tensor.external is not None}
    if out.resolve() != source.resolve() and read & {out.resolve(), data.resolve()}:
        raise SettingError(
            f"out: expected another name; {clean_name(data.name)} holds weights of the model that is read"
        )
    if external and (graph.branches or graph.functions) and out.resolve().parent != source.resolve().parent:
        raise SettingError(
            "out: expected the model's own folder, since parts of it that are not read may need files there"
        )


def _words(graph: Graph, name: str, values: NDArray[Any], use: WeightUse | None) -> NDArray[Any]:
    """Return new numbers of a tensor as they lie in the file."""
    tensor = graph.tensor(name)
    assert tensor is not None
    inner = tensor.values if isinstance(tensor, SparseTensor) else tensor
    words = inner.words
    if values.dtype == words:
        return values
    if inner.kind.stored:
        bits = values.astype(np.float32).view(np.uint32)
        return ((bits + (0x7FFF + (bits >> 16 & 1))) >> 16).astype(np.uint16)  # to the nearest, ties to even
    if use is not None and use.scaling is not None:
        return quantised(graph, tensor, use.scaling, values)
    cast = values.astype(words)
    if words.kind in "iub" and not np.array_equal(cast, values):
        raise SettingError(f"{clean_name(name)}: expected numbers that {words} can hold; got others")
    return cast


def _edits(graph: Graph, name: str, make: _Numbers) -> Iterator[Edit]:
    tensor = graph.tensor(name)
    if isinstance(tensor, SparseTensor):
        content = _sparse(graph, tensor, make())
        yield Edit(tensor.field.start, tensor.field.end, len(content), lambda: content, (*tensor.parents, tensor.field))
    elif tensor is not None and tensor.pieces:
        raw = np.dtype(tensor.kind.words)
        size = int(np.prod(tensor.shape, dtype=np.int64)) * raw.itemsize
        around, first = (*tensor.parents, tensor.field), tensor.pieces[0]
        if first.number == RAW:
            yield Edit(first.start, first.end, size, lambda: _bytes(make(), raw), around)
            return
        start = varint(RAW << 3 | LENGTH) + varint(size)
        yield Edit(first.begin, first.end, len(start) + size, lambda: start + _bytes(make(), raw), around)
        yield from (Edit(piece.begin, piece.end, 0, bytes, around) for piece in tensor.pieces[1:])


def _sparse(graph: Graph, tensor: SparseTensor, words: NDArray[Any]) -> bytes:
    """Return the message of a sparse tensor of new numbers, with indices of the form that it had."""
    kept = np.flatnonzero(words)
    places: NDArray[Any] = kept
    if len(tensor.indices.shape) == 2:
        places = np.stack(np.unravel_index(kept, tensor.shape), axis=1)
    raw = np.dtype(tensor.values.kind.words)
    values = _tensor((kept.size,), tensor.values.code, _bytes(words.reshape(-1)[kept], raw), tensor.name.encode())
    indices = _tensor(places.shape, _INT64, _bytes(places, np.dtype("<i8")))
    sizes = b"".join(field_bytes(SPARSE_DIMS, size) for size in tensor.shape)
    return field_bytes(VALUES, values) + field_bytes(INDICES, indices) + sizes


def _tensor(shape: tuple[int, ...], code: int, raw: bytes, name: bytes = b"") -> bytes:
    parts = [field_bytes(DIMS, size) for size in shape] + [field_bytes(TYPE, code)]
    parts += [field_bytes(NAME, name)] if name else []
    return b"".join([*parts, field_bytes(RAW, raw)])


def _bytes(words: NDArray[Any], raw: np.dtype[Any]) -> bytes:
    return np.ascontiguousarray(words.astype(raw, copy=False)).tobytes()


def _external(graph: Graph) -> Iterator[tuple[str, OnnxTensor]]:
    """The tensors whose numbers lie outside the model, with the names they, or those they are parts of, go by.

    Raises: FileError for those that are not found there.
    """
    for name, tensor in (*graph.tensors.items(), *graph.constants.items()):
        for part in (tensor.values, tensor.indices) if isinstance(tensor, SparseTensor) else (tensor,):
            if part.external_fields and part.fault:
                raise FileError(f"{clean_name(name)}: {part.fault}")
            if part.external is not None:
                yield name, part


def _write_data(
    graph: Graph, external: list[tuple[str, OnnxTensor]], numbers: Mapping[str, _Numbers], path: Path, location: str
) -> Iterator[Edit]:
    """Write the numbers outside the model to one file; yield the edits that make the model look there."""
    with path.open("wb") as file:
        for name, tensor in external:
            make = numbers.get(name)
            if make is not None and isinstance(graph.tensor(name), SparseTensor):
                continue  # it lies in the model from now on
            words = tensor.load_words(graph.path) if make is None else make()
            file.write(bytes(-file.tell() % _ALIGNMENT))
            offset, content = file.tell(), _bytes(words, np.dtype(tensor.kind.words))
            file.write(content)
            pairs = {"location": location, "offset": str(offset), "length": str(len(content))}
            fields = b"".join(
                field_bytes(EXTERNAL, field_bytes(1, key.encode()) + field_bytes(2, text.encode()))
                for key, text in pairs.items()
            )
            first, *rest = tensor.external_fields
            around = (*tensor.parents, tensor.field)
            yield Edit(first.begin, first.end, len(fields), partial(bytes, fields), around)
            yield from (Edit(each.begin, each.end, 0, bytes, around) for each in rest)
