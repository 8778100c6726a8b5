"""Small files of every loader, and what every split promises."""

from __future__ import annotations

import dataclasses
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
