"""An ONNX model written again with some of its weights replaced: the same bytes but for theirs, and for lengths around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.atomic_files import DAY_SECONDS, atomic_path, sweep
from sparselab.core.errors import FileError, SettingError
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS, ReadLimits
from sparselab.formats.parsing.onnx.graph import Graph, parse_graph
from sparselab.formats.parsing.onnx.quantised import quantised
from sparselab.formats.parsing.onnx.sparse import INDICES, SPARSE_DIMS, VALUES, SparseTensor
from sparselab.formats.parsing.onnx.splice import Edit, splice
from sparselab.formats.parsing.onnx.tensors import DIMS, EXTERNAL, LOCATION, NAME, RAW, TYPE, OnnxTensor
from sparselab.formats.parsing.onnx.weights import OPERATORS, WeightUse, weights_of
from sparselab.formats.parsing.onnx.wire import LENGTH, Field, field_bytes, varint
from sparselab.formats.readers.onnx import open_onnx
from sparselab.formats.writing.tensors import Changes, NewTensor, check_changed, key_of

_ALIGNMENT = 4096  # what lies on a page of its own can be mapped into memory
_INT64 = 7
_Numbers = Callable[[], NDArray[Any]]


_MOST_BYTES = 2**31 - 2**20
"""A little less than the largest message that the library of protocol buffers reads."""


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
    for name, values in replacements.items():
        _check(graph, name, values.shape)
    numbers = {name: partial(_words, graph, name, values, uses.get(name)) for name, values in replacements.items()}
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


def rewrite_onnx(source: Path, changes: Changes, out: Path, limits: ReadLimits) -> tuple[str, ...]:
    """Write a model with some tensors changed into one file, with what lay outside it; see `write_onnx`.

    Raises: FileError where a layer would become a pair, for which a graph has no place, and beyond 2 GiB.
    """
    entries = {key_of(entry): entry for entry in open_onnx(source, limits).entries}
    check_changed(changes, entries)
    graph = parse_graph(source, limits, OPERATORS)
    uses = weights_of(graph)
    numbers: dict[str, _Numbers] = {}
    for (name, _), news in changes.items():
        if [new.name for new in news] != [name]:
            raise FileError(
                f"{clean_name(name)}: expected one tensor in its place, since a graph takes no pair: write its zeros"
            )
        _check(graph, name, news[0].shape)
        numbers[name] = partial(_loaded_words, graph, name, news[0], uses.get(name))
    external = [(name, tensor) for name, tensor in _external(graph) if not _becomes_inner(graph, numbers, name)]
    _check_folder(graph, external, source, out)
    size = source.stat().st_size + sum(map(_size, (tensor for _, tensor in external)))
    if size > _MOST_BYTES:
        raise FileError(
            f"expected a model of at most 2 GiB in one file; got {size} bytes: use sparselab.formats.write_onnx"
        )
    edits = [edit for name, make in numbers.items() for edit in _edits(graph, name, make)]
    for name, tensor in external:
        make = numbers.get(name, partial(tensor.load_words, graph.path))
        edits += _in_place(tensor, tensor.external_fields, make)
    splice(source, edits, out)
    return ("what lay outside the model lies in it now",) if external else ()


def _check(graph: Graph, name: str, shape: tuple[int, ...]) -> None:
    label, tensor = clean_name(name), graph.tensor(name)
    if tensor is None:
        raise SettingError(f"{label}: expected the name of a tensor that can be read in the model; got another")
    if shape != tensor.shape:
        raise SettingError(f"{label}: expected an array of shape {tensor.shape}; got {shape}")


def _check_places(graph: Graph, external: list[tuple[str, OnnxTensor]], source: Path, out: Path, data: Path) -> None:
    read = {tensor.external.path for _, tensor in external if tensor.external is not None}
    if out.resolve() != source.resolve() and read & {out.resolve(), data.resolve()}:
        raise SettingError(
            f"out: expected another name; {clean_name(data.name)} holds weights of the model that is read"
        )
    _check_folder(graph, external, source, out)


def _check_folder(graph: Graph, external: list[tuple[str, OnnxTensor]], source: Path, out: Path) -> None:
    if external and (graph.branches or graph.functions) and out.resolve().parent != source.resolve().parent:
        raise SettingError(
            "out: expected the model's own folder, since parts of it that are not read may need files there"
        )


def _loaded_words(graph: Graph, name: str, new: NewTensor, use: WeightUse | None) -> NDArray[Any]:
    return _words(graph, name, new.load(), use)


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
    """Yield the edits of a tensor whose numbers lie in the model."""
    tensor = graph.tensor(name)
    if isinstance(tensor, SparseTensor):
        content = _sparse(tensor, make())
        yield Edit(tensor.field.start, tensor.field.end, len(content), lambda: content, (*tensor.parents, tensor.field))
    elif tensor is not None and tensor.pieces and tensor.pieces[0].number == RAW:
        (piece,), raw = tensor.pieces, np.dtype(tensor.kind.words)
        yield Edit(piece.start, piece.end, _size(tensor), lambda: _bytes(make(), raw), (*tensor.parents, tensor.field))
    elif tensor is not None and tensor.pieces:
        yield from _in_place(tensor, tensor.pieces, make)


def _in_place(tensor: OnnxTensor, fields: tuple[Field, ...], make: _Numbers) -> Iterator[Edit]:
    """Yield the edits that put raw data in place of the fields that say a tensor's numbers otherwise."""
    around, raw = (*tensor.parents, tensor.field), np.dtype(tensor.kind.words)
    start = varint(RAW << 3 | LENGTH) + varint(_size(tensor))
    first, *rest = fields
    yield Edit(first.begin, first.end, len(start) + _size(tensor), lambda: start + _bytes(make(), raw), around)
    yield from (Edit(each.begin, each.end, 0, bytes, around) for each in rest)


def _size(tensor: OnnxTensor) -> int:
    return prod(tensor.shape) * tensor.words.itemsize


def _becomes_inner(graph: Graph, numbers: Mapping[str, _Numbers], name: str) -> bool:
    """Whether a part of a sparse tensor lies in the model from now on, because all of it is written anew."""
    return name in numbers and isinstance(graph.tensor(name), SparseTensor)


def _sparse(tensor: SparseTensor, words: NDArray[Any]) -> bytes:
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

    Raises: FileError for those that are not found there, and for a model with two tensors of one name.
    """
    if graph.doubled:
        raise FileError(f"{clean_name(min(graph.doubled))}: expected one tensor of this name; got several")
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
            if _becomes_inner(graph, numbers, name):
                continue
            words = numbers.get(name, partial(tensor.load_words, graph.path))()
            file.write(bytes(-file.tell() % _ALIGNMENT))
            offset, content = file.tell(), _bytes(words, np.dtype(tensor.kind.words))
            file.write(content)
            pairs = {"location": location, "offset": str(offset), "length": str(len(content))}
            fields = b"".join(
                field_bytes(EXTERNAL, field_bytes(1, key.encode()) + field_bytes(2, text.encode()))
                for key, text in pairs.items()
            ) + field_bytes(LOCATION, 1)
            first, *rest = tensor.external_fields
            around = (*tensor.parents, tensor.field)
            yield Edit(first.begin, first.end, len(fields), partial(bytes, fields), around)
            yield from (Edit(each.begin, each.end, 0, bytes, around) for each in rest)
