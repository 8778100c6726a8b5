"""Files nobody should open without care, each made by one function that returns its path."""

from __future__ import annotations

import functools
import io
import json
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.formats.hostile_onnx import HOSTILE_ONNX

WEIGHT = (np.arange(48, dtype=np.float32).reshape(6, 8) % 3) / 2


def npy_bytes(array: np.ndarray, **changes: Any) -> bytes:
    """An array as a .npy file; `changes` replace fields of its header and leave the data as it is."""
    stream = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(array) | changes
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + array.tobytes()


def npz(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def safetensors(path: Path, header: Any, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def tensor(shape: list[Any], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def torch_zip(path: Path, data: bytes) -> Path:
    return npz(path, {"archive/data.pkl": data, "archive/version": b"3\n"})


def save(path: Path, value: Any) -> Path:
    torch.save(value, path)
    return path


class Payload:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.marker,)


def payload_checkpoint(folder: Path) -> Path:
    return save(folder / "payload.pt", {"conv.weight": torch.ones(2, 2), "x": Payload(folder / "executed")})


def payload_protocol_4(folder: Path) -> Path:
    return torch_zip(folder / "payload4.pt", pickle.dumps(Payload(folder / "executed"), protocol=4))


def payload_bare(folder: Path) -> Path:
    path = folder / "bare.pt"
    path.write_bytes(pickle.dumps(Payload(folder / "executed"), protocol=2))
    return path


def payload_with_a_harmless_name(folder: Path) -> Path:
    return torch_zip(folder / "disguised.pt", b"\x80\x02ctorch._utils\n_rebuild_anything\n)R.")


def deflated_record(folder: Path) -> Path:
    whole = save(folder / "whole.pt", {"w": torch.zeros(512, 512)})
    with zipfile.ZipFile(whole) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return npz(folder / "deflated.pt", members, zipfile.ZIP_DEFLATED)


def stride_zero(folder: Path) -> Path:
    return save(folder / "stride0.pt", {"w": torch.ones(1).expand(3000, 3000)})


def overlapping(folder: Path) -> Path:
    return save(folder / "overlap.pt", {"w": torch.arange(20.0).as_strided((8, 8), (1, 1))})


def gaps(folder: Path) -> Path:
    return save(folder / "gaps.pt", {"w": torch.ones(8, 8)[:, :4]})


def terabyte(folder: Path) -> Path:
    return save(folder / "terabyte.pt", {"w": torch.ones(1).expand(10**6, 10**6)})


def csr_out_of_range(folder: Path) -> Path:
    places = torch.tensor([0, 1, 2]), torch.tensor([0, 10**9])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the layout is in beta
        wild = torch.sparse_csr_tensor(*places, torch.ones(2), size=(2, 4), check_invariants=False)
    return save(folder / "csr.pt", {"w": wild})


def coo_out_of_range(folder: Path) -> Path:
    places = torch.tensor([[0, 10**9], [0, 1]])
    wild = torch.sparse_coo_tensor(places, torch.ones(2), size=(4, 4), check_invariants=False)
    return save(folder / "coo.pt", {"w": wild})


def coo_huge(folder: Path) -> Path:
    huge = torch.sparse_coo_tensor(torch.tensor([[0], [0]]), torch.ones(1), size=(2**20, 2**20), check_invariants=True)
    return save(folder / "coo-huge.pt", {"w": huge})


def whole_module(folder: Path) -> Path:
    return save(folder / "module.pt", torch.nn.Linear(4, 4))


def torch_script(folder: Path) -> Path:
    return npz(
        folder / "script.pt", {"m/data.pkl": b"\x80\x02}.", "m/code/m.py": b"", "m/constants.pkl": b"\x80\x02)."}
    )


def before_zip(folder: Path) -> Path:
    path = folder / "legacy.pth"
    torch.save({"w": torch.ones(2, 2)}, path, _use_new_zipfile_serialization=False)
    return path


def many_tensors(folder: Path) -> Path:
    header = {f"l{i}": tensor([1, 1], 4 * i, 4 * i + 4) for i in range(100_000)}
    return safetensors(folder / "many.safetensors", header, bytes(400_000))


def many_layers(folder: Path) -> Path:
    header = {f"l{i}": tensor([1, 1], 4 * i, 4 * i + 4) for i in range(12_000)}
    return safetensors(folder / "layers.safetensors", header, bytes(48_000))


def many_checkpoint_tensors(folder: Path) -> Path:
    one = torch.ones(1, 1)
    return save(folder / "many.pt", {f"l{i}": one for i in range(100_000)})


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


def patched(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    return path


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
        archive._didModify = True
    return path


def far_member(folder: Path) -> Path:
    path = npz(folder / "far.npz", {"w.npy": npy_bytes(WEIGHT)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.infolist()[0].header_offset = 2**63 + 5
        archive._didModify = True
    return path


def file(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def header(name: str, value: Any, data: bytes = b"") -> Callable[[Path], Path]:
    return lambda folder: safetensors(folder / name, value, data)


def array(name: str, value: np.ndarray, **changes: Any) -> Callable[[Path], Path]:
    return lambda folder: file(name, npy_bytes(value, **changes))(folder)


def arrays(name: str, **values: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        np.savez(folder / name, **values)
        return folder / name

    return make


def infinite(folder: Path) -> Path:
    weight = WEIGHT.copy()
    weight[0, 0], weight[1, 1], weight[2, 2] = np.nan, np.inf, -np.inf
    return arrays("nan.npz", **{"conv.weight": weight})(folder)


PAIR = b'"w":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}'

HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "payload": (payload_checkpoint, r"opening it would run (posix|nt)\.mkdir"),
    "payload, protocol 4": (payload_protocol_4, r"opening it would run (posix|nt)\.mkdir"),
    "payload, bare": (payload_bare, r"a bare pickle that would run (posix|nt)\.mkdir"),
    "payload, protocol 0": (
        file("zero.pt", b"cposix\nmkdir\n(S'executed'\ntR."),
        "expected a PyTorch checkpoint, as its name says",
    ),
    "payload, harmless name": (payload_with_a_harmless_name, "torch loads safely; it refused"),
    "whole module": (whole_module, "would run torch.nn.modules.linear.Linear.*state_dict"),
    "TorchScript": (torch_script, "got a TorchScript program"),
    "before zip": (before_zip, "the format before PyTorch 1.6"),
    "deflated record": (deflated_record, "is compressed"),
    "stride 0": (stride_zero, "without gap or overlap"),
    "overlap": (overlapping, "without gap or overlap"),
    "gaps": (gaps, "without gap or overlap"),
    "terabyte": (terabyte, "at most 1073741824 elements"),
    "CSR out of range": (csr_out_of_range, "torch loads safely; it refused"),
    "COO out of range": (coo_out_of_range, "torch loads safely; it refused"),
    "COO too large": (coo_huge, "at most 1073741824 elements"),
    "pickle cut": (lambda folder: torch_zip(folder / "cut.pt", b"\x80\x02}q\x00X\xff"), "it is damaged"),
    "pickle of nothing": (
        lambda folder: torch_zip(folder / "steps.pt", b"\x80\x02" + b"N0" * 2_100_000 + b"N."),
        "damaged or too long",
    ),
    "100000 tensors": (many_tensors, "at most 20000 tensors"),
    "100000 checkpoint tensors": (many_checkpoint_tensors, "at most 20000 tensors"),
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
    "npy version 9": (file("nine.npy", b"\x93NUMPY\x09\x00\x10\x00{'shape': ______"), "format 1, 2 or 3"),
    "safetensors wide": (header("w.safetensors", {"w": tensor([2**40, 1], 0, 2**42)}), "dimensions up to"),
    "safetensors none x wide": (header("n.safetensors", {"w": tensor([0, 2**40], 0, 0)}), "dimensions up to"),
    "safetensors none": (header("z.safetensors", {"w": tensor([0, 4], 0, 0)}), "dimensions from 1 up"),
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
    "safetensors type": (header("type.safetensors", {"w": tensor([1], 0, 4, "F99")}, bytes(4)), "expected a type"),
    "safetensors double": (header("twice.safetensors", b"{" + PAIR + b"," + PAIR + b"}", bytes(4)), "every name once"),
    "safetensors nested": (header("nest.safetensors", b'{"a":' + b"[" * 10**5, b""), "a header of JSON"),
    "safetensors digits": (header("digits.safetensors", b'{"a":' + b"9" * 5000 + b"}", b""), "JSON|got something else"),
    "safetensors list": (header("list.safetensors", [], b""), "a header that maps"),
    "safetensors metadata": (header("meta.safetensors", {"__metadata__": {"a": 1}}, b""), "metadata of texts"),
    "safetensors long": (file("long.safetensors", (2**40).to_bytes(8, "little") + b"{}"), "header of at most"),
    "safetensors empty": (header("empty.safetensors", {}), "an empty file"),
    "float8 alone": (header("f8.safetensors", {"w": tensor([2, 2], 0, 4, "F8_E4M3")}, bytes(4)), "never read"),
    "smtx nnz": (file("nnz.smtx", b"2, 4, 8\n0 1 2 \n0 1 \n"), "cannot hold them"),
    "smtx huge": (file("huge.smtx", b"4000000, 4000000, 1\n0 1 \n0 \n"), "at most 1073741824 elements"),
    "smtx too many": (file("many.smtx", b"2, 2, 5\n0 1 2 \n0 1 0 1 0\n"), "at most 4 indices"),
    "smtx no rows": (file("norows.smtx", b"0, 2, 0\n0 \n"), "at least one row"),
    "smtx falling": (file("falling.smtx", b"3, 4, 2\n0 2 1 2 \n0 1 \n"), "row offsets that rise"),
    "smtx first": (file("first.smtx", b"2, 4, 2\n1 1 2 \n0 1 \n"), "row offsets that rise"),
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
    "text": (file("text.npz", b"hello there, this is no archive"), "got something else"),
    "tar": (file("old.pth.tar", bytes(257) + b"ustar" + bytes(250)), "a tar archive"),
    "absent": (lambda folder: folder / "absent.npz", "got No such file"),
    "NUL in the path": (lambda folder: folder / "a\0b.npz", "with a NUL in it"),
    "folder": (lambda folder: folder, "got a folder"),
    **HOSTILE_ONNX,
}
"""Name -> (what makes the file, what the one sentence about it says)."""
