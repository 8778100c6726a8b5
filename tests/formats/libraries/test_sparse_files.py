"""Sparse containers, packed masks, MatrixMarket and pictures: what other libraries wrote is read as the same matrix."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sparselab.core.errors import FileError
from sparselab.core.layer import Layer
from sparselab.formats import describe, read_ticket
from tests.formats.libraries.hostile_sparse import chunk

CASES = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "files"
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6)).map(lambda sizes: (2 * sizes[0], 3 * sizes[1]))


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """Sparse numbers, or booleans, of a shape that blocks of 2 x 3 tile."""
    shape, rng = draw(SHAPES), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kept = rng.random(shape) < draw(st.sampled_from([0.0, 0.1, 0.4, 1.0]))
    dtype = draw(st.sampled_from([np.float32, np.float64, bool]))
    return kept if dtype is bool else (np.round(rng.standard_normal(shape), 2) * kept).astype(dtype)


def only(path: Path) -> Layer:
    (layer,) = read_ticket(path)
    return layer


def same(layer: Layer, matrix: np.ndarray) -> bool:
    """Whether a layer is a matrix; of one that is nothing but 0 and 1 the mask alone is left."""
    matrix = matrix.reshape(len(matrix), -1)
    values = layer.mask.kept if layer.weight is None else layer.weight
    return np.array_equal(layer.mask.kept, matrix != 0) and np.array_equal(values, matrix)


@pytest.mark.parametrize("layout", ["csr", "csc", "coo", "bsr", "dia"])
@settings(max_examples=15)
@given(matrix=matrices(), new=st.booleans())
def test_scipys_archives(layout: str, matrix: np.ndarray, new: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "scipy.npz"
    made = (scipy.sparse.coo_array if new else scipy.sparse.coo_matrix)(matrix)
    made = made.tobsr((2, 3)) if layout == "bsr" else made.asformat(layout)
    scipy.sparse.save_npz(path, made)
    assert same(only(path), matrix)
    assert read_ticket(path).names == ("scipy",)


def gcxs(tensor: np.ndarray, axes: tuple[int, ...]) -> dict[str, Any]:
    """The members that sparse.save_npz of pydata/sparse writes for a GCXS; older releases wrote no format."""
    rest = [axis for axis in range(tensor.ndim) if axis not in axes]
    rows = int(np.prod([tensor.shape[axis] for axis in axes]))
    csr = scipy.sparse.csr_array(tensor.transpose(*axes, *rest).reshape(rows, -1))
    return {
        "data": csr.data, "indices": csr.indices, "indptr": csr.indptr, "compressed_axes": np.array(axes),
        "shape": np.array(tensor.shape), "fill_value": np.zeros((), tensor.dtype),
    }  # fmt: skip


@settings(max_examples=25)
@given(seed=st.integers(0, 99), axes=st.sampled_from([(0,), (1,), (0, 1), (3,), (0, 2, 3), None]))
def test_pydatas_archives(seed: int, axes: tuple[int, ...] | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Four axes are a convolution's weight."""
    rng, path = np.random.default_rng(seed), tmp_path_factory.getbasetemp() / "pydata.npz"
    tensor = rng.standard_normal((3, 4, 2, 2)) * (rng.random((3, 4, 2, 2)) < 0.3)
    if axes is None:
        places = np.nonzero(tensor)
        named = {"format": "coo"} if seed % 2 else {}
        np.savez(
            path, **named, data=tensor[places], coords=np.stack(places), shape=tensor.shape, fill_value=np.float64(0)
        )
    else:
        named = {"format": "gcxs"} if seed % 2 else {}
        np.savez_compressed(path, **gcxs(tensor, axes), **named)
    layer = only(path)
    assert layer.kernel_shape == (2, 2)
    assert same(layer, tensor)


def test_several_sparse_matrices_lie_beside_dense_ones(tmp_path: Path) -> None:
    """By their prefixes; arrays that only share the names are left as they are."""
    sparse = scipy.sparse.random_array((6, 9), density=0.3, rng=np.random.default_rng(0)).tocsc()
    parts = {name: getattr(sparse, name) for name in ("data", "indices", "indptr", "shape")}
    members = {f"{base}{name}": part for base in ("fc1.", "fc2_") for name, part in parts.items()}
    np.savez(tmp_path / "t.npz", **members, data=np.eye(3) / 2, shape=np.eye(4) / 2, dense=np.eye(5) / 2)
    ticket = read_ticket(tmp_path / "t.npz")
    assert set(ticket.names) == {"fc1", "fc2", "data", "shape", "dense"}
    assert same(ticket["fc1"], sparse.toarray())


def test_what_reading_a_sparse_matrix_assumed_is_said(tmp_path: Path) -> None:
    rows, cols = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    np.savez(tmp_path / "t.npz", data=[0.5, 1.0, 0.0, 2.0], row=rows, col=cols, shape=(2, 3), format="coo")
    assert same(only(tmp_path / "t.npz"), np.array([[1.5, 0, 0], [0, 0, 2]]))
    assert read_ticket(tmp_path / "t.npz").meta["notes"] == [
        "t: 1 stored zeros were read as pruned weights",
        "t: 1 values share a place with another and were summed",
    ]


def test_one_damaged_sparse_matrix_does_not_cost_the_file(tmp_path: Path) -> None:
    bad = {"bad_data": np.ones(1), "bad_row": [9], "bad_col": [0], "bad_shape": (2, 2), "bad_format": "coo"}
    np.savez(tmp_path / "t.npz", **bad, good=np.eye(3) / 2)
    ticket = read_ticket(tmp_path / "t.npz")
    assert ticket.names == ("good",)
    (skipped,) = ticket.skipped
    assert (skipped.name, "indices from 0 to below 2; got 9" in skipped.reason) == ("bad", True)


@settings(max_examples=30)
@given(matrix=matrices(), axis=st.sampled_from([None, 0, 1]), sep=st.sampled_from("._/"))
def test_packed_bits(matrix: np.ndarray, axis: int | None, sep: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path, kept = tmp_path_factory.getbasetemp() / "bits.npz", matrix != 0
    np.savez(path, **{"fc": np.packbits(kept, axis=axis), f"fc{sep}shape": kept.shape})
    ticket = read_ticket(path)
    assert np.array_equal(ticket["fc"].mask.kept, kept)
    assert ticket["fc"].weight is None
    assert ticket.meta["notes"]


def test_packed_bits_in_the_other_order_are_known_by_the_bits_that_fill(tmp_path: Path) -> None:
    kept = np.ones((4, 13), bool)
    kept[:, 2] = False
    np.savez(tmp_path / "t.npz", m=np.packbits(kept, axis=1, bitorder="little"), m_shape=kept.shape)
    assert np.array_equal(only(tmp_path / "t.npz").mask.kept, kept)
    assert "lowest" in read_ticket(tmp_path / "t.npz").meta["notes"][0]


@settings(max_examples=25)
@given(matrix=matrices(), dense=st.booleans(), packed=st.booleans())
def test_matrix_market(matrix: np.ndarray, dense: bool, packed: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "m.mtx"
    if matrix.dtype == bool:
        scipy.io.mmwrite(path, scipy.sparse.coo_array(matrix), field="pattern", symmetry="general")
    else:
        matrix = matrix.astype(np.float64)  # a text has no other
        scipy.io.mmwrite(path, matrix if dense else scipy.sparse.coo_array(matrix), symmetry="general")
    if packed:
        content, path = path.read_bytes(), path.with_suffix(".mtx.gz")
        path.write_bytes(gzip.compress(content))
    ticket = read_ticket(path)
    assert ticket.names == ("m",)
    assert same(ticket["m"], matrix)


@pytest.mark.parametrize("symmetry", ["symmetric", "skew-symmetric"])
@pytest.mark.parametrize("dense", [False, True])
def test_matrix_market_of_one_triangle(symmetry: str, dense: bool, tmp_path: Path) -> None:
    half = np.tril(np.random.default_rng(0).standard_normal((5, 5)), -1)
    matrix = half + half.T if symmetry == "symmetric" else half - half.T
    scipy.io.mmwrite(tmp_path / "m.mtx", matrix if dense else scipy.sparse.coo_array(matrix), symmetry=symmetry)
    assert symmetry in (tmp_path / "m.mtx").read_text().splitlines()[0]
    assert same(only(tmp_path / "m.mtx"), matrix)


@pytest.mark.parametrize("name", ["suitesparse-g22.mtx", "scipy-csc.npz"])
def test_matrices_that_others_published(name: str) -> None:
    if not (CASES / name).is_file():
        pytest.skip("the published matrices are not here")
    read = scipy.io.mmread if name.endswith(".mtx") else scipy.sparse.load_npz
    assert same(only(CASES / name), np.asarray(read(CASES / name).toarray() != 0))


@pytest.mark.parametrize("levels", [bool, np.uint8, np.uint16])
@pytest.mark.parametrize("white", [1, 255])
def test_a_picture_is_a_mask(levels: type, white: int, tmp_path: Path) -> None:
    kept = np.random.default_rng(0).random((13, 21)) < 0.3
    Image.fromarray(kept.astype(levels) * levels(white)).save(tmp_path / "p.png")
    assert np.array_equal(only(tmp_path / "p.png").mask.kept, kept)
    assert "black is pruned" in read_ticket(tmp_path / "p.png").meta["notes"][0]


def test_an_interlaced_picture_is_the_same_mask(tmp_path: Path) -> None:
    kept = np.random.default_rng(0).random((11, 18)) < 0.3
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = (kept[top::down, left::right] for top, left, down, right in passes)
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for part in parts if part.size for row in part)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 18, 11, 1, 0, 0, 0, 1))
    content = header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    assert np.array_equal(only(tmp_path / "p.png").mask.kept, kept)


def test_texts_in_a_picture_are_not_looked_at(tmp_path: Path) -> None:
    """A compressed text of a gigabyte would be unpacked by who looks."""
    Image.fromarray(np.eye(4, dtype=bool)).save(tmp_path / "p.png")
    content = (tmp_path / "p.png").read_bytes()
    text = chunk(b"zTXt", b"a\0\0" + b"no zlib stream")
    (tmp_path / "p.png").write_bytes(content[:33] + text + content[33:])
    assert only(tmp_path / "p.png").mask.count == 4


def test_a_matrix_of_integers_is_not_silently_a_weight(tmp_path: Path) -> None:
    """Ones and zeros are a mask, whatever their type."""
    np.savez(tmp_path / "t.npz", data=np.ones(2, np.int8), row=[0, 1], col=[1, 0], shape=(2, 2), format=b"coo")
    assert only(tmp_path / "t.npz").weight is None
    (tmp_path / "m.mtx").write_text("%%MatrixMarket matrix coordinate integer general\n2 2 2\n1 2 1\n2 1 1\n")
    assert only(tmp_path / "m.mtx").weight is None


def test_a_format_that_is_none_is_left_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", data=np.ones(2), indices=[0, 1], indptr=[0, 1, 2], shape=(2, 2), format="lil")
    with pytest.raises(FileError, match="a vector"):
        describe(read_ticket(tmp_path / "t.npz"))
