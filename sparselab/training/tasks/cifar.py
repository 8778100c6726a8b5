"""CIFAR in its binary versions: labels and pixels as plain bytes, one record an image."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray
from typing_extensions import Doc

from sparselab.core.errors import FileError
from sparselab.training.tasks.base import Data
from sparselab.training.tasks.held_out import held_out

_CHANNELS, _SIZE = 3, 32
_PIXELS = _CHANNELS * _SIZE * _SIZE
_SHIFT = 4


@dataclass(frozen=True)
class CifarSettings:
    """How many of the training images are held out."""

    validation: Annotated[int, Interval(ge=1, le=49_999), Doc("training images held out for validation")] = 5000


@dataclass(frozen=True)
class BinaryFormat:
    """The files of one version, and what a record is: one byte a label, then 3 x 32 x 32 bytes.

    `label_ranges`: how many values each label may have; the last label is the class. `records`: images in every training
    file, `test_records` in the test file.
    """

    folder: str
    train: tuple[str, ...]
    test: str
    label_ranges: tuple[int, ...]
    records: int
    test_records: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


CIFAR10 = BinaryFormat(
    folder="cifar-10-batches-bin",
    train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test="test_batch.bin",
    label_ranges=(10,),
    records=10_000,
    test_records=10_000,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
)
CIFAR100 = BinaryFormat(
    folder="cifar-100-binary",
    train=("train.bin",),
    test="test.bin",
    label_ranges=(20, 100),
    records=50_000,
    test_records=10_000,
    mean=(0.5071, 0.4866, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
)


def cifar_reader(form: BinaryFormat) -> Callable[[Path | None, CifarSettings, int], Data]:
    """Return the reader of one version."""

    def read(root: Path | None, settings: CifarSettings, seed: int) -> Data:
        assert root is not None  # Task.load asks for the folder
        return read_cifar(root, form, settings, seed)

    return read


def read_cifar(root: Path, form: BinaryFormat, settings: CifarSettings, seed: int) -> Data:
    """Return CIFAR from the folder that holds its files, or that holds their folder. Training images are moved and mirrored.

    Raises: FileError for a file that is missing, of another size, or has a label out of range.
    """
    import torch

    from sparselab.training.tasks.tensors import TensorSplit

    folder = root / form.folder if (root / form.folder).is_dir() else root
    parts = [_records(folder / name, form, form.records) for name in form.train]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    train, validation = held_out(len(images), settings.validation, seed)
    tensors = torch.from_numpy(images), torch.from_numpy(labels)
    test_images, test_labels = _records(folder / form.test, form, form.test_records)

    def split(which: torch.Tensor) -> TensorSplit:
        return TensorSplit(tensors[0][which], tensors[1][which], form.mean, form.std, shift=_SHIFT, flip=True)

    test = TensorSplit(torch.from_numpy(test_images), torch.from_numpy(test_labels), form.mean, form.std)
    return Data(
        train=split(train),
        validation=split(validation),
        test=test,
        classes=form.label_ranges[-1],
        channels=_CHANNELS,
        size=_SIZE,
    )


def _records(path: Path, form: BinaryFormat, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    labels = len(form.label_ranges)
    record = labels + _PIXELS
    try:
        info = os.stat(path)
        if not stat.S_ISREG(info.st_mode) or info.st_size != count * record:
            raise FileError(
                f"{path}: expected a file of {count:,} records of {record:,} bytes, {count * record:,} in all; "
                f"got {info.st_size:,}: unpack the binary version again"
            )
        rows = np.fromfile(path, np.uint8, count * record).reshape(count, record)
    except FileNotFoundError:
        raise FileError(
            f"expected {path}; there is no such file: unpack the binary version of CIFAR, so that {form.test} "
            f"lies in {path.parent}"
        ) from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror})") from None
    for column, most in enumerate(form.label_ranges):
        if (largest := int(rows[:, column].max())) >= most:
            where = int(rows[:, column].argmax())
            raise FileError(f"{path}: expected labels from 0 to {most - 1}; got {largest} in record {where}")
    images = rows[:, labels:].reshape(count, _CHANNELS, _SIZE, _SIZE)
    return images, rows[:, labels - 1].astype(np.int64)
