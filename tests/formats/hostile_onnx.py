"""ONNX models nobody should open without care; see hostile_files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from onnx import ModelProto, NodeProto, SparseTensorProto, TensorProto, helper

Make = Callable[[Path], Path]


def tensor(name: str = "w", dims: tuple[int, ...] = (2, 3), raw: bytes = bytes(24), code: int = 1) -> TensorProto:
    return TensorProto(name=name, dims=dims, data_type=code, raw_data=raw)


def external(**entries: str) -> TensorProto:
    found = TensorProto(name="w", dims=(2, 3), data_type=1, data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        found.external_data.add(key=key, value=value)
    return found


def model(
    *tensors: TensorProto, nodes: tuple[NodeProto, ...] = (), sparse: tuple[SparseTensorProto, ...] = ()
) -> bytes:
    """A model of these tensors, each multiplied by, and of these nodes."""
    product = [helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)]
    graph = helper.make_graph([*product, *nodes], "g", [], [], list(tensors), sparse_initializer=list(sparse))
    found: ModelProto = helper.make_model(graph)
    content: bytes = found.SerializeToString()
    return content


def onnx(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def linked_out(folder: Path) -> Path:
    inner = folder / "inner"
    inner.mkdir()
    (folder / "secret.bin").write_bytes(bytes(24))
    os.symlink(folder / "secret.bin", inner / "w.bin")
    return onnx("linked.onnx", model(external(location="w.bin")))(inner)


def short_data(folder: Path) -> Path:
    (folder / "w.bin").write_bytes(bytes(24))
    return onnx("short.onnx", model(external(location="w.bin", offset="4", length="24")))(folder)


def pipe_beside(folder: Path) -> Path:
    os.mkfifo(folder / "w.bin")
    return onnx("pipe.onnx", model(external(location="w.bin")))(folder)


def sparse(indices: list[int], dims: tuple[int, ...] = (2, 3)) -> bytes:
    places = helper.make_tensor("", TensorProto.INT64, [len(indices)], indices)
    values = helper.make_tensor("w", TensorProto.FLOAT, [len(indices)], [1.0] * len(indices))
    return model(sparse=(SparseTensorProto(values=values, indices=places, dims=dims),))


def circle() -> bytes:
    """Two nodes that take each other's output, on the way to a product; the only tensor is a vector."""
    turns = [helper.make_node("Identity", [a], [b]) for a, b in (("p", "w"), ("w", "p"))]
    return model(tensor("v", (6,)), nodes=tuple(turns))


def two_graphs() -> bytes:
    return model(tensor()) + model(tensor())


_WHOLE = model(tensor())
_LONG = b"\x08\x0a\x3a" + b"\xff" * 8 + b"\x7f"

HOSTILE_ONNX: dict[str, tuple[Make, str]] = {
    "onnx cut": (onnx("cut.onnx", _WHOLE[:60]), "ONNX model that is whole"),
    "onnx length past the end": (onnx("long.onnx", _LONG), "ONNX model that is whole"),
    "onnx endless number": (onnx("endless.onnx", b"\x08" + b"\xff" * 40), "ONNX model that is whole"),
    "onnx without a graph": (onnx("none.onnx", b"\x08\x0a\x12\x01a"), "with a graph"),
    "onnx of two graphs": (onnx("two.onnx", two_graphs()), "one graph"),
    "onnx groups": (onnx("groups.onnx", b"\x08\x0a\x3a\x64" + b"\x0b" * 100), "ONNX model that is whole"),
    "onnx huge": (onnx("huge.onnx", model(tensor(dims=(2**23, 2**23)))), "at most 1073741824 elements"),
    "onnx negative": (onnx("negative.onnx", model(tensor(dims=(-2, -3)))), "dimensions up to"),
    "onnx deep": (onnx("deep.onnx", model(tensor(dims=(1,) * 40))), "at most 8 dimensions"),
    "onnx too few bytes": (onnx("few.onnx", model(tensor(raw=bytes(20)))), "expected 24 bytes"),
    "onnx of another type": (onnx("type.onnx", model(tensor(code=17))), "float8e4m3fn values are never read"),
    "onnx name twice": (onnx("twice.onnx", model(tensor(), tensor())), "there twice"),
    "onnx circle": (onnx("circle.onnx", circle()), "a vector"),
    "onnx data in ..": (onnx("up.onnx", model(external(location="../w.bin"))), "own folder"),
    "onnx data at /": (onnx("root.onnx", model(external(location="/etc/passwd"))), "own folder"),
    "onnx data on a drive": (onnx("drive.onnx", model(external(location="C:\\w.bin"))), "own folder"),
    "onnx data absent": (onnx("absent.onnx", model(external(location="w.bin"))), "no such file"),
    "onnx data too short": (short_data, "expected 24 bytes from byte 4"),
    "onnx data far away": (
        onnx("far.onnx", model(external(location="far.onnx", offset="9" * 18))),
        "expected 24 bytes",
    ),
    "onnx sparse out of range": (onnx("range.onnx", sparse([0, 6])), "indices that rise, below 6"),
    "onnx sparse falling": (onnx("falling.onnx", sparse([4, 1])), "indices that rise"),
    "onnx sparse huge": (onnx("wide.onnx", sparse([0], (2**20, 2**20))), "at most 1073741824 elements"),
}
if hasattr(os, "mkfifo"):
    HOSTILE_ONNX |= {
        "onnx data behind a link": (linked_out, "a link out of it"),
        "onnx data in a pipe": (pipe_beside, "no such file"),
    }
