"""Hostile files of the formats of sparse matrices, other frameworks and pictures; names begin with the format's."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import msgpack  # type: ignore[import-untyped]
import numpy as np

from tests.formats.hostile.builders import WEIGHT, arrays, file, patched

Case = tuple[Callable[[Path], Path], str]
CSR: dict[str, Any] = {
    "data": np.full(3, 0.5),
    "indices": np.array([0, 1, 2]),
    "indptr": np.array([0, 1, 3]),
    "shape": np.array([2, 4]),
    "format": np.array("csr"),
}
COO: dict[str, Any] = {"data": np.full(2, 0.5), "coords": np.array([[0, 1], [0, 3]]), "shape": np.array([2, 4])}


def sparse(says: str, base: dict[str, Any] = CSR, **changes: Any) -> Case:
    """A sparse archive with some members replaced."""
    return arrays("sparse.npz", **base | changes), says


def mtx(text: str, says: str) -> Case:
    return file("m.mtx", b"%%MatrixMarket matrix " + text.encode()), says


def mtx_gz(content: bytes, says: str) -> Case:
    return file("m.mtx.gz", content), says


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(says: str, rows: int = 2, cols: int = 4, depth: int = 8, colour: int = 0, body: bytes | None = None) -> Case:
    pixels = zlib.compress(b"\0\0\xff\0\xff" * 2) if body is None else body
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, depth, colour, 0, 0, 0))
    whole = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return file("p.png", whole), says


def hdf5(make: Callable[[h5py.File, Path], None], says: str, name: str = "h.h5") -> Case:
    def write(folder: Path) -> Path:
        with h5py.File(folder / name, "w") as target:
            make(target, folder)
        return folder / name

    return write, says


def _external_link(target: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        other["w"] = WEIGHT
    target["w"] = h5py.ExternalLink(str(folder / "other.h5"), "w")


def _external_storage(target: h5py.File, folder: Path) -> None:
    (folder / "other.bin").write_bytes(WEIGHT.tobytes())
    target.create_dataset("w", WEIGHT.shape, "f4", external=[(str(folder / "other.bin"), 0, WEIGHT.nbytes)])


def _virtual(target: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout(WEIGHT.shape, "f4")
    layout[:] = h5py.VirtualSource(folder / "other.h5", "w", WEIGHT.shape)
    target.create_virtual_dataset("w", layout)


def _soft_link(target: h5py.File, _: Path) -> None:
    target["optimizer/w"] = WEIGHT
    target["w"] = h5py.SoftLink("/optimizer/w")


def _circle(target: h5py.File, _: Path) -> None:
    """Groups that hold each other twice: 2^n paths for n groups."""
    for number in range(20):
        target.create_group(f"g{number}")
    for number in range(20):
        for side in "ab":
            target[f"g{number}"][side] = target[f"g{(number + 1) % 20}"]


def _bomb(target: h5py.File, _: Path) -> None:
    target.create_dataset("w", (2**14, 2**14), "f4", chunks=(2**10, 2**10), compression="gzip")


def _small_chunks(target: h5py.File, _: Path) -> None:
    target.create_dataset("w", (2**10, 2**10), "f4", chunks=(1, 1))


def _large_chunk(target: h5py.File, _: Path) -> None:
    target.create_dataset("w", (2, 2), "f4", chunks=(2**13, 2**13), maxshape=(None, None))


def _swelling_chunk(target: h5py.File, _: Path) -> None:
    """One chunk of 16 KB that unpacks to 512 MB."""
    made = target.create_dataset("w", (64, 64), "f4", chunks=(64, 64), compression="gzip")
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(bytes(2**22)) for _ in range(128)) + packer.flush()
    made.id.write_direct_chunk((0, 0), packed)


def _no_sum(target: h5py.File, _: Path) -> None:
    """A chunk too short for its sum: HDF5 2.0 reads past its end and ends the process."""
    made = target.create_dataset("w", (6, 8), "f4", chunks=(6, 8), fletcher32=True)
    made.id.write_direct_chunk((0, 0), b"\0")


def _foreign_filter(target: h5py.File, _: Path) -> None:
    target.create_dataset("w", data=WEIGHT.astype("i4"), scaleoffset=0, chunks=(6, 8))


def _many(target: h5py.File, _: Path) -> None:
    for number in range(20_001):
        target.create_group(str(number))


def _keras_without_weights(folder: Path) -> Path:
    path = folder / "no.keras"
    arrays("no.npz", **{"model.weights.h5": WEIGHT})(folder).rename(path)
    return patched(path, b"model.weights.h5.npy", b"model.weights.h5\0pad")


def gguf(says: str, tensors: bytes, count: int = 1, keys: bytes = b"", key_count: int = 0, version: int = 3) -> Case:
    head = b"GGUF" + struct.pack("<IQQ", version, count, key_count) + keys + tensors
    return file("g.gguf", head + bytes(-len(head) % 32) + bytes(192)), says


def gguf_tensor(*sizes: int, kind: int = 0, offset: int = 0, name: bytes = b"w") -> bytes:
    start = struct.pack("<Q", len(name)) + name + struct.pack("<I", len(sizes))
    return start + struct.pack(f"<{len(sizes)}Q", *sizes) + struct.pack("<IQ", kind, offset)


def flax(value: Any, says: str) -> Case:
    return file("f.msgpack", value if isinstance(value, bytes) else msgpack.packb(value)), says


def array(shape: Any, data: bytes, name: Any = "float32") -> msgpack.ExtType:
    return msgpack.ExtType(1, msgpack.packb((shape, name, data)))


SPARSE: dict[str, Case] = {
    "npz csr index": sparse("expected indices from 0 to below 4; got 9", indices=np.array([0, 1, 9])),
    "npz csr negative": sparse("got -1", indices=np.array([0, -1, 2])),
    "npz csr falling": sparse("row offsets that never fall", indptr=np.array([0, 4, 3])),
    "npz csr first": sparse("row offsets that never fall", indptr=np.array([1, 1, 3])),
    "npz csr offsets": sparse("expected 3 row offsets", indptr=np.array([0, 1, 2, 3])),
    "npz csr count": sparse("expected 3 indices", indices=np.array([0, 1])),
    "npz csr huge": sparse("at most 1073741824 elements", shape=np.array([2**20, 2**20])),
    "npz csr bomb": sparse("elements for each of its", shape=np.array([2**15, 2**15 - 1])),
    "npz csr negative shape": sparse("dimensions up to", shape=np.array([-2, 4])),
    "npz csr cube": sparse("expected a matrix", shape=np.array([2, 2, 2])),
    "npz csr unknown": sparse("a vector", format=np.array("lil")),
    "npz csr overflow": sparse("dimensions up to", shape=np.array([2**64 - 2, 4], np.uint64)),
    "npz csr floats": sparse("whole numbers as its indices", indices=np.array([0.5, 1, 2])),
    "npz csr of a matrix": sparse("values that fit them", data=np.ones((3, 3)) / 2),
    "npz dia without format": (
        arrays("dia.npz", data=np.ones((2, 4)) / 2, offsets=np.array([1, 1]), shape=np.array([2, 4])),
        "different offsets",
    ),
    "npz bsr without format": sparse(
        "expected blocks that tile", {k: v for k, v in CSR.items() if k != "format"}, data=np.ones((3, 5, 3))
    ),
    "npz csr objects": sparse("Python objects are never read", data=np.array([{}] * 3, dtype=object)),
    "npz bsr blocks": sparse(
        "expected blocks that tile", data=np.ones((3, 5, 3)), format=np.array("bsr"), shape=np.array([2, 4])
    ),
    "npz bsr none": sparse("blocks of 0x1", data=np.ones((3, 0, 1)), format=np.array("bsr")),
    "npz dia twice": sparse(
        "different offsets", data=np.ones((2, 4)), offsets=np.array([1, 1]), format=np.array("dia")
    ),
    "npz dia outside": sparse(
        "one outside", data=np.ones((2, 4)), offsets=np.array([1, 2**62]), format=np.array("dia")
    ),
    "npz coo index": sparse("below 2; got 7", COO, coords=np.array([[0, 7], [0, 3]])),
    "npz coo rank": sparse("for each of 3 dimensions", COO, shape=np.array([2, 4, 1])),
    "npz COO filled": sparse("its fill_value is 1", COO, fill_value=np.float64(1)),
    "npz GCXS axes": sparse(
        "expected some of 2 axes", {k: v for k, v in CSR.items() if k != "format"}, compressed_axes=np.array([0, 7])
    ),
    "npz square without format": sparse(
        "its format, csr or csc", {k: v for k, v in CSR.items() if k != "format"}, shape=np.array([2, 2])
    ),
    "npz bits beyond": (
        arrays("bits.npz", X=np.full((3, 2), 255, np.uint8), X_shape=np.array([3, 12])),
        "zeros in the bits that fill",
    ),
    "npz bits huge": (
        arrays("bits.npz", X=np.zeros(2**10, np.uint8), X_shape=np.array([2**25, 2**13])),
        "a vector",
    ),
    "matrix-market huge": mtx("coordinate real general\n2000000000 2000000000 1\n1 1 1\n", "rows and columns"),
    "matrix-market bomb": mtx("coordinate real general\n32768 32767 1\n1 1 1\n", "elements for each of its"),
    "matrix-market count": mtx("coordinate real general\n8000 8000 9000000\n1 1 1\n", "cannot hold them"),
    "matrix-market array": mtx("array real general\n2000 2000\n1\n", "cannot hold them"),
    "matrix-market index": mtx("coordinate real general\n2 2 1\n3 1 1\n", "whole indices from 1 to 2"),
    "matrix-market zero": mtx("coordinate pattern general\n2 2 1\n0 1\n", "whole indices from 1 to 2"),
    "matrix-market half": mtx("coordinate real general\n2 2 1\n1.5 1 1\n", "whole indices from 1 to 2"),
    "matrix-market nan": mtx("coordinate real general\n2 2 1\nnan 1 1\n", "whole indices from 1 to 2"),
    "matrix-market complex": mtx("coordinate complex general\n2 2 1\n1 1 1 1\n", "got complex"),
    "matrix-market hermitian": mtx("coordinate real hermitian\n2 2 1\n1 1 1\n", "got hermitian"),
    "matrix-market words": mtx("coordinate real general\n2 2 1\n1 1 one\n", "nothing but numbers"),
    "matrix-market more": mtx("coordinate real general\n2 2 1\n1 1 1 7\n", "got more"),
    "matrix-market fewer": mtx("coordinate pattern general\n2 2 2\n1         1\n", "got 2"),
    "matrix-market full": mtx("coordinate pattern general\n1 1 9\n" + "1 1\n" * 9, "at most 1 entries"),
    "matrix-market sides": mtx("coordinate pattern symmetric\n3 3 2\n1 2\n3 1\n", "one triangle"),
    "matrix-market diagonal": mtx("coordinate real skew-symmetric\n2 2 1\n1 1 5\n", "nothing on the diagonal"),
    "matrix-market oblong": mtx("coordinate real symmetric\n2 3 1\n1 1 5\n", "as many rows as columns"),
    "matrix-market sizes": mtx("coordinate real general\n2 2\n1 1 5\n", "a size line of 3 whole numbers"),
    "matrix-market comments": mtx("coordinate real general\n" + "%\n" * 5000 + "2 2 1\n1 1 5\n", "a size line"),
    "matrix-market large numbers": mtx("coordinate integer general\n2 2 1\n1 1 1e300\n", "below 2\\^53"),
    "matrix-market gz bomb": mtx_gz(
        gzip.compress(b"%%MatrixMarket matrix coordinate pattern general\n2 2 1\n" + b" " * 2**27),
        "bytes once unpacked",
    ),
    "matrix-market gz cut": mtx_gz(
        gzip.compress(b"%%MatrixMarket matrix coordinate pattern general\n4 4 2\n1 1\n2 2\n")[:-9],
        "a whole gzip archive",
    ),
    "png cut": (file("p.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "a whole PNG picture"),
    "png bomb": png("from 1 to", 2**16, 2**16),
    "png sparse bomb": png("elements for each of its", 9000, 9000),
    "png no rows": png("from 1 to", 0, 4),
    "png colours": png("got colours", colour=2),
    "png palette": png("got a palette", colour=3),
    "png transparent": png("grey with transparency", colour=4),
    "png shades": png("shades of grey", body=zlib.compress(b"\0\1\2\3\4" * 2)),
    "png pixels cut": png("a whole PNG picture", body=zlib.compress(b"\0\0\xff\0\xff" * 2)[:-7]),
    "png nothing packed": png("a whole PNG picture", body=b""),
    "png chunk sum": (
        lambda folder: patched(png("")[0](folder), b"IDAT", b"IDAT\0"),
        "a whole PNG picture",
    ),
    "png no header": (file("p.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b"") + chunk(b"IEND", b"")), "a whole PNG"),
    "png long chunk": (file("p.png", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT" + bytes(64)), "a whole PNG picture"),
    "hdf5 link outside": hdf5(_external_link, "a link to another file"),
    "hdf5 storage outside": hdf5(_external_storage, "its numbers lie in another file"),
    "hdf5 virtual": hdf5(_virtual, "a virtual dataset"),
    "hdf5 soft link": hdf5(_soft_link, "a soft link"),
    "hdf5 circle": hdf5(_circle, "a second link"),
    "hdf5 bomb": hdf5(_bomb, "times the file's"),
    "hdf5 small chunks": hdf5(_small_chunks, "at most 65536 chunks"),
    "hdf5 large chunk": hdf5(_large_chunk, "chunks no larger"),
    "hdf5 swelling chunk": hdf5(_swelling_chunk, "one unpacks to more"),
    "hdf5 no sum": hdf5(_no_sum, "expected chunks of at least 5 bytes"),
    "hdf5 foreign filter": hdf5(_foreign_filter, "packed by filter 6"),
    "hdf5 many": hdf5(_many, "at most 20000 links"),
    "hdf5 texts": hdf5(lambda target, _: target.update({"w": [["a", "b"]]}), "are never read"),
    "hdf5 records": hdf5(lambda target, _: target.update({"w": np.zeros((2, 2), "i4,f4")}), "records are never read"),
    "hdf5 empty": hdf5(lambda target, _: target.update({"w": h5py.Empty("f4")}), "no elements"),
    "hdf5 start alone": (file("h.h5", b"\x89HDF\r\n\x1a\n" + bytes(600)), "a whole HDF5 file"),
    "hdf5 keras of nothing": (_keras_without_weights, "expected"),
    "hdf5 MATLAB": (file("m.h5", b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512)), "got a MATLAB 7.3 file"),
    "gguf version": gguf("expected GGUF of version", gguf_tensor(8, 6), version=1),
    "gguf big-endian": gguf("expected GGUF of version", gguf_tensor(8, 6), version=3 << 24),
    "gguf tensors": gguf("at most 20000 tensors", gguf_tensor(8, 6), count=2**60),
    "gguf keys": gguf("at most 20000 keys", gguf_tensor(8, 6), key_count=2**63),
    "gguf cut": (file("g.gguf", b"GGUF" + struct.pack("<IQQ", 3, 5, 0)), "it is cut short|file is cut short"),
    "gguf name": gguf("names of at most", struct.pack("<Q", 2**40) + bytes(64)),
    "gguf list": gguf("a list that fits", b"", keys=struct.pack("<Q1sIIQ", 1, b"k", 9, 8, 2**50), key_count=1),
    "gguf nested": gguf(
        "levels", b"", keys=struct.pack("<Q1sI", 1, b"k", 9) + struct.pack("<IQ", 9, 1) * 9, key_count=1
    ),
    "gguf value type": gguf("known type", b"", keys=struct.pack("<Q1sI", 1, b"k", 99), key_count=1),
    "gguf alignment": gguf(
        "an alignment from 1", b"", keys=struct.pack("<Q17sII", 17, b"general.alignment", 4, 0), key_count=1
    ),
    "gguf huge": gguf("at most 1073741824 elements", gguf_tensor(2**20, 2**20)),
    "gguf far": gguf("the file ends", gguf_tensor(8, 6, offset=2**62)),
    "gguf twice": gguf("every name once", gguf_tensor(8, 6) * 2, count=2),
    "gguf deep": gguf("at most 8 dimensions", gguf_tensor(*[1] * 9)),
    "gguf q4": gguf("q4_0 values are never read", gguf_tensor(32, 2, kind=2)),
    "gguf q8 rows": gguf("whole blocks of 32", gguf_tensor(8, 4, kind=8)),
    "flax cut": flax(msgpack.packb({"w": array((6, 8), WEIGHT.tobytes())})[:-1], "cut short"),
    "flax more": flax(msgpack.packb({"w": array((6, 8), WEIGHT.tobytes())}) + b"\0", "it ends at byte"),
    "flax items": flax(b"\x81\xa1w\xdd\xff\xff\xff\xff", "cut short"),
    "flax bytes": flax(b"\x81\xa1w\xc6\xff\xff\xff\xff", "cut short"),
    "flax nested": flax(b"\x81\xa1w" + b"\x91" * 10**5 + b"\0", "levels of nesting"),
    "flax nothing": flax({"w": [None] * 10**5}, "at most 20000 tensors"),
    "flax empty lists": flax({"w": [[]] * (10**6 + 1)}, "fewer than 1000000 values"),
    "flax shape": flax({"w": array((2**20, 2**20), b"1234")}, "at most 1073741824 elements"),
    "flax size": flax({"w": array((6, 9), WEIGHT.tobytes())}, "expected 216 bytes"),
    "flax negative": flax({"w": array((-6, -8), WEIGHT.tobytes())}, "dimensions up to"),
    "flax objects": flax({"w": array((1, 1), b"12345678", "object")}, "object values are never read"),
    "flax long key": flax({"w" * 5000: array((6, 8), WEIGHT.tobytes())}, "expected keys|keys that are"),
    "flax list as key": flax(b"\x82\xa1w\0\x90\0", "keys that are texts"),
    "flax no array": flax({"w": msgpack.ExtType(1, b"\0")}, "a shape, a type and bytes|cut short"),
    "flax reserved byte": flax(b"\x81\xa1w\xc1", "a byte that begins nothing"),
    "flax chunks": flax(
        {"w": {"__msgpack_chunked_array__": True, "shape": {"0": 9, "1": 9}, "chunks": {"0": array((2,), bytes(8))}}},
        "do not make its shape",
    ),
}
"""Name -> (what makes the file, what the one sentence about it says)."""
