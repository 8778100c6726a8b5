"""Files nobody should open without care, each made by one function that returns its path; those of torch lie in hostile/."""

from __future__ import annotations

import functools
import io
import struct
import zipfile
from pathlib import Path

import numpy as np

from tests.formats.hostile.blocks import BLOCKS
from tests.formats.hostile.builders import (
    WEIGHT,
    Case,
    array,
    arrays,
    file,
    header,
    npy_bytes,
    npz,
    patched,
    safetensors,
    save,
    tensor,
)
from tests.formats.hostile.torch_export import TORCH_EXPORT
from tests.formats.hostile.torch_files import TORCH
from tests.formats.hostile.torch_legacy import TORCH_LEGACY
from tests.formats.hostile_onnx import HOSTILE_ONNX

__all__ = ["HOSTILE", "WEIGHT", "array", "arrays", "file", "header", "npz", "safetensors", "save", "tensor"]


def many_tensors(folder: Path) -> Path:
    header = {f"l{i}": tensor([1, 1], 4 * i, 4 * i + 4) for i in range(100_000)}
    return safetensors(folder / "many.safetensors", header, bytes(400_000))


def many_layers(folder: Path) -> Path:
    header = {f"l{i}": tensor([1, 1], 4 * i, 4 * i + 4) for i in range(12_000)}
    return safetensors(folder / "layers.safetensors", header, bytes(48_000))


@functools.cache
def bomb_bytes() -> bytes:
    """A gigabyte of zeros in a megabyte, made without ever holding it."""
    content = io.BytesIO()
    start = npy_bytes(np.zeros((0, 2**14), np.float32), shape=(2**14, 2**14))
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("w.npy", "w") as member:
        member.write(start)
        for _ in range(256):
            member.write(bytes(2**22))
    return content.getvalue()


def bomb(folder: Path) -> Path:
    return file("bomb.npz", bomb_bytes())(folder)


def deflate_lie(folder: Path) -> Path:
    """The directory and the header claim fewer bytes than unpack."""
    content = npy_bytes(np.zeros((64, 64), np.float32), shape=(32, 64))
    claimed = len(content) - 32 * 64 * 4
    path = npz(folder / "lie.npz", {"w.npy": content}, zipfile.ZIP_DEFLATED)
    return patched(path, struct.pack("<I", len(content)), struct.pack("<I", claimed))


def doubled_member(folder: Path) -> Path:
    content = npy_bytes(WEIGHT)
    path = npz(folder / "double.npz", {"w1.npy": content, "w2.npy": content})
    return patched(path, b"w2.npy", b"w1.npy")


def overlapping_members(folder: Path) -> Path:
    """A thousand directory entries, all of one record."""
    path = npz(folder / "overlap.npz", {"0000.npy": npy_bytes(np.zeros((128, 128), np.float32))})
    with zipfile.ZipFile(path, "a") as archive:
        first = archive.infolist()[0]
        for number in range(1, 1000):
            again = zipfile.ZipInfo(f"{number:04d}.npy")
            again.CRC, again.header_offset = first.CRC, first.header_offset
            again.file_size = again.compress_size = first.file_size
            archive.filelist.append(again)
        archive._didModify = True  # type: ignore[attr-defined]
    return path


def far_member(folder: Path) -> Path:
    path = npz(folder / "far.npz", {"w.npy": npy_bytes(WEIGHT)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.infolist()[0].header_offset = 2**63 + 5
        archive._didModify = True  # type: ignore[attr-defined]
    return path


def infinite(folder: Path) -> Path:
    weight = WEIGHT.copy()
    weight[0, 0], weight[1, 1], weight[2, 2] = np.nan, np.inf, -np.inf
    return arrays("nan.npz", **{"conv.weight": weight})(folder)


PAIR = b'"w":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}'

HOSTILE: dict[str, Case] = {
    **TORCH,
    **TORCH_LEGACY,
    **TORCH_EXPORT,
    **BLOCKS,
    "100000 tensors": (many_tensors, "at most 400000 values"),
    "12000 layers": (many_layers, "at most 10000 layers"),
    "npz bomb": (bomb, "at most 200 times"),
    "deflate lie": (deflate_lie, "expected w.npy whole; it is damaged"),
    "member twice": (doubled_member, "every name once"),
    "members overlap": (overlapping_members, "damaged|members that fit"),
    "member far away": (far_member, "damaged|lies elsewhere"),
    "npz of objects": (arrays("objects.npz", w=np.array([[{}]], dtype=object)), "Python objects are never read"),
    "npz of records": (arrays("records.npz", w=np.zeros((2, 2), "i4,f4")), "records are never read"),
    "npz of texts": (arrays("texts.npz", w=np.array([["a"]])), "texts are never read"),
    "npz of scalars": (arrays("scalars.npz", w=np.float32(1)), "a scalar"),
    "npz of vectors": (arrays("vectors.npz", a=np.ones(3), b=np.ones(4)), "a vector"),
    "npz of nothing": (arrays("nothing.npz"), "an empty file"),
    "npz of no elements": (arrays("none.npz", w=np.zeros((0, 4))), "no elements"),
    "npz with too little": (
        lambda folder: npz(folder / "little.npz", {"w.npy": npy_bytes(WEIGHT, shape=(6, 9))}),
        "as its header says",
    ),
    "zip of texts": (lambda folder: npz(folder / "texts.zip", {"a.txt": b"a"}), "a zip archive that holds neither"),
    "NaN": (infinite, "conv.weight: expected finite weights; got 1 NaN and 2 infinite"),
    "npy huge": (array("huge.npy", WEIGHT, shape=(2**23, 2**23)), "at most 1073741824 elements"),
    "npy wide": (array("wide.npy", WEIGHT, shape=(1, 2**40)), "dimensions up to"),
    "npy negative": (array("negative.npy", WEIGHT, shape=(-6, 8)), "dimensions up to|it is damaged"),
    "npy deep": (array("deep.npy", WEIGHT, shape=(1,) * 40), "at most 8 dimensions"),
    "npy short": (array("short.npy", WEIGHT, shape=(7, 8)), "as its header says"),
    "npy long": (array("long.npy", WEIGHT, shape=(5, 8)), "as its header says"),
    "npy no header": (file("no.npy", b"\x93NUMPY\x01\x00\x10\x00{'shape': ______"), "damaged"),
    "npy of raw pairs": (array("raw.npy", np.zeros((4, 4), "V2")), "what bfloat16 of ml_dtypes becomes"),
    "npy of dates": (array("dates.npy", np.zeros((4, 4), "M8[s]")), "dates are never read"),
    "npy version 9": (file("nine.npy", b"\x93NUMPY\x09\x00\x10\x00{'shape': ______"), "format 1, 2 or 3"),
    "safetensors wide": (
        header("w.safetensors", {"w": tensor([2**40, 1], 0, 2**42)}),
        "bytes of tensors, as its header",
    ),
    "safetensors none x wide": (header("n.safetensors", {"w": tensor([0, 2**40], 0, 0)}), "dimensions up to"),
    "safetensors none": (header("z.safetensors", {"w": tensor([0, 4], 0, 0)}), "no elements"),
    "safetensors deep": (header("d.safetensors", {"w": tensor([1] * 9, 0, 4)}, bytes(4)), "at most 8 dimensions"),
    "safetensors negative": (header("m.safetensors", {"w": tensor([-1, -1], 0, 4)}, bytes(4)), "whole numbers"),
    "safetensors true": (header("t.safetensors", {"w": tensor([True, 1], 0, 4)}, bytes(4)), "whole numbers"),
    "safetensors span": (header("s.safetensors", {"w": tensor([2, 2], 0, 8)}, bytes(8)), "expected 16 bytes"),
    "safetensors hole": (header("h.safetensors", {"w": tensor([1, 1], 4, 8)}, bytes(8)), "its offset says 4"),
    "safetensors overlap": (
        header("o.safetensors", {"a": tensor([1, 1], 0, 4), "b": tensor([1, 1], 0, 4)}, bytes(4)),
        "its offset says 0",
    ),
    "safetensors more": (header("more.safetensors", {"w": tensor([1, 1], 0, 4)}, bytes(5)), "expected 4 bytes"),
    "safetensors type": (header("type.safetensors", {"w": tensor([1], 0, 4, "F99")}, bytes(4)), "F99 values are never"),
    "safetensors double": (header("twice.safetensors", b"{" + PAIR + b"," + PAIR + b"}", bytes(4)), "every name once"),
    "safetensors nested": (header("nest.safetensors", b'{"a":' + b"[" * 10**5, b""), "a header of JSON"),
    "safetensors digits": (header("digits.safetensors", b'{"a":' + b"9" * 5000 + b"}", b""), "JSON|got something else"),
    "safetensors list": (header("list.safetensors", [], b""), "a header that maps names"),
    "safetensors metadata": (header("meta.safetensors", {"__metadata__": {"a": 1}}, b""), "metadata of texts"),
    "safetensors long": (file("long.safetensors", (2**40).to_bytes(8, "little") + b"{}"), "header of at most"),
    "safetensors empty": (header("empty.safetensors", {}), "an empty file"),
    "float8 scales alone": (header("f8.safetensors", {"w": tensor([2, 2], 0, 4, "F8_E8M0")}, bytes(4)), "never read"),
    "safetensors falling": (header("back.safetensors", {"w": tensor([1, 1], 4, 0)}, bytes(4)), "whole numbers"),
    "safetensors half a byte": (header("f4.safetensors", {"w": tensor([1, 1], 0, 1, "F4")}, bytes(1)), "span 1"),
    "safetensors of a million values": (
        header("values.safetensors", b'{"w":[' + b"{}," * 1_000_000 + b"{}]}"),
        "at most 400000 values; it has 2000003",
    ),
    "safetensors of escapes": (header("escapes.safetensors", b'{"w":"' + b'\\"' * 2_000_000), "a header of JSON"),
    "smtx nnz": (file("nnz.smtx", b"2, 4, 8\n0 1 2 \n0 1 \n"), "cannot hold them"),
    "smtx huge": (file("huge.smtx", b"4000000, 4000000, 1\n0 1 \n0 \n"), "at most 1073741824 elements"),
    "smtx too many": (file("many.smtx", b"2, 2, 5\n0 1 2 \n0 1 0 1 0\n"), "at most 4 indices"),
    "smtx no rows": (file("norows.smtx", b"0, 2, 0\n0 \n"), "at least one row"),
    "smtx falling": (file("falling.smtx", b"3, 4, 2\n0 2 1 2 \n0 1 \n"), "row offsets that never fall"),
    "smtx first": (file("first.smtx", b"2, 4, 2\n1 1 2 \n0 1 \n"), "row offsets that never fall"),
    "smtx index": (file("index.smtx", b"2, 4, 2\n0 1 2 \n0 4 \n"), "column indices below 4; got 4"),
    "smtx digits": (file("digits.smtx", b"2, 4, 2\n0 1 2 \n0 99999999999999999999 \n"), "column indices below 4"),
    "smtx repeated": (file("repeated.smtx", b"1, 4, 2\n0 2 \n1 1 \n"), "rise within each row"),
    "smtx negative": (file("negative.smtx", b"2, 4, 2\n0 1 2 \n0 -1 \n"), "nothing but whole numbers"),
    "smtx words": (file("words.smtx", b"rows, cols, nnz\n0 1 2 \n0 1 \n"), "a first line"),
    "smtx surplus": (
        file("surplus.smtx", b"2, 4, 2\n0 1 2 \n0 1 3\n"),
        "expected 5 numbers, as its header says; got 6",
    ),
    "empty": (file("empty.pt", b""), "it is empty"),
    "picture": (file("picture.npz", b"\x89PNG\r\n\x1a\n" + bytes(64)), "a whole PNG picture"),
    "web page": (file("page.pt", b"<!DOCTYPE html><html>"), "got a web page"),
    "text": (file("text.npz", b"hello there, this is no archive"), "text, which is something else"),
    "tar": (file("old.pth.tar", bytes(257) + b"ustar" + bytes(250)), "a tar archive"),
    "absent": (lambda folder: folder / "absent.npz", "got No such file"),
    "NUL in the path": (lambda folder: folder / "a\0b.npz", "with a NUL in it"),
    "folder": (lambda folder: folder, "got a folder"),
    **HOSTILE_ONNX,
}
"""Name -> (what makes the file, what the one sentence about it says)."""
