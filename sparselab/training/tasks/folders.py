"""ImageNet and Tiny-ImageNet: folders of image files, one folder a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import FileError
from sparselab.training.tasks.base import Data
from sparselab.training.tasks.held_out import held_out
from sparselab.training.tasks.images import need_pillow

_SUFFIXES = (".jpeg", ".jpg", ".png")
_MOST_CLASSES, _MOST_IMAGES = 100_000, 10_000_000
_MOST_ANNOTATIONS = 16 * 2**20  # bytes; the real file has 0.6 MB
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TINY_MEAN, _TINY_STD = (0.4802, 0.4481, 0.3975), (0.2770, 0.2691, 0.2821)
_TINY_SIZE, _TINY_SHIFT = 64, 4

Labelled = tuple[tuple[str, ...], tuple[int, ...]]
"""Paths, and the class of each."""


@dataclass(frozen=True)
class TinySettings:
    """How many of the training images are held out."""

    validation: Annotated[int, Interval(ge=1, le=99_999), Doc("training images held out for validation")] = 5000


@dataclass(frozen=True)
class ImageNetSettings:
    """How large images become, and how many of the training images are held out."""

    side: Annotated[int, Interval(ge=32, le=512), Doc("side of an image as the network sees it, pixels")] = 224
    validation: Annotated[int, Interval(ge=1, le=1_000_000), Doc("training images held out for validation")] = 10_000


def read_imagenet(root: Path | None, settings: ImageNetSettings, seed: int) -> Data:
    """Return ImageNet: train/<class>/*.JPEG and val/<class>/*.JPEG. Its validation images are the test here.

    The classes are those found, so that a part of ImageNet is a task as well.
    Raises: FileError for a missing folder, an empty class or one that is only in val. UnavailableError without Pillow.
    """
    assert root is not None  # Task.load asks for the folder
    need_pillow()
    classes = _classes(root / "train")
    strange = set(_classes(root / "val")) - set(classes)
    if strange:
        raise FileError(f"{root / 'val'}: expected the classes of train; got {min(strange)} as well")
    train = _of_classes([root / "train" / name for name in classes])
    present = [(number, root / "val" / name) for number, name in enumerate(classes) if (root / "val" / name).is_dir()]
    test = _of_classes([path for _, path in present], [number for number, _ in present])
    look = _Look(settings.side, _IMAGENET_MEAN, _IMAGENET_STD, crops=True)
    return _data(train, test, len(classes), settings.validation, seed, look)


def read_tiny_imagenet(root: Path | None, settings: TinySettings, seed: int) -> Data:
    """Return Tiny-ImageNet: train/<class>/images/*.JPEG, val/images/*.JPEG and val/val_annotations.txt.

    Its validation images are the test here, for its test images came without labels.
    Raises: FileError for what is missing or an annotation of an unknown class. UnavailableError without Pillow.
    """
    assert root is not None  # Task.load asks for the folder
    need_pillow()
    classes = _classes(root / "train")
    train = _of_classes([root / "train" / name / "images" for name in classes])
    test = _annotated(root / "val", classes)
    look = _Look(_TINY_SIZE, _TINY_MEAN, _TINY_STD, crops=False, shift=_TINY_SHIFT)
    return _data(train, test, len(classes), settings.validation, seed, look)


@dataclass(frozen=True)
class _Look:
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crops: bool
    shift: int = 0


def _data(train: Labelled, test: Labelled, classes: int, validation: int, seed: int, look: _Look) -> Data:
    import torch

    from sparselab.training.tasks.folder_split import FolderSplit

    def split(part: Labelled, which: Sequence[int]) -> FolderSplit:
        paths, labels = part
        chosen = torch.tensor([labels[index] for index in which])
        return FolderSplit(
            tuple(paths[index] for index in which),
            chosen,
            look.size,
            look.mean,
            look.std,
            look.crops,
            look.shift,
        )

    learn, held = (which.tolist() for which in held_out(len(train[0]), validation, seed))
    return Data(
        train=split(train, learn),
        validation=split(train, held),
        test=split(test, range(len(test[0]))),
        classes=classes,
        channels=3,
        size=look.size,
    )


def _classes(folder: Path) -> tuple[str, ...]:
    """Return the names of the folders inside, in order."""
    names = tuple(sorted(entry.name for entry in _scan(folder) if entry.is_dir()))
    if not 2 <= len(names) <= _MOST_CLASSES:
        raise FileError(f"{folder}: expected a folder for every class, 2 at least; got {len(names)}")
    return names


def _of_classes(folders: Sequence[Path], numbers: Sequence[int] | None = None) -> Labelled:
    """Return the images of every class, whose numbers are 0, 1, ... unless given."""
    paths: list[str] = []
    labels: list[int] = []
    for number, folder in zip(range(len(folders)) if numbers is None else numbers, folders, strict=True):
        found = sorted(entry.path for entry in _scan(folder) if entry.name.lower().endswith(_SUFFIXES))
        if not found:
            raise FileError(f"{folder}: expected image files ({', '.join(_SUFFIXES)}); got none")
        paths += found
        labels += [number] * len(found)
        if len(paths) > _MOST_IMAGES:
            raise FileError(f"{folder}: expected at most {_MOST_IMAGES:,} images in all; there are more")
    return tuple(paths), tuple(labels)


def _annotated(folder: Path, classes: Sequence[str]) -> Labelled:
    """Return the images that val_annotations.txt names, a line each: file, class, and a box that is not needed."""
    notes, images = folder / "val_annotations.txt", folder / "images"
    numbers = {name: number for number, name in enumerate(classes)}
    present = {entry.name for entry in _scan(images)}
    paths: list[str] = []
    labels: list[int] = []
    try:
        if notes.stat().st_size > _MOST_ANNOTATIONS:
            raise FileError(f"{notes}: expected at most {_MOST_ANNOTATIONS:,} bytes; got {notes.stat().st_size:,}")
        lines = notes.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            f"{notes}: expected a line for every image: its file, its class; cannot be read ({error})"
        ) from None
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t")
        if len(fields) < 2 or fields[0] not in present or fields[1] not in numbers:
            raise FileError(
                f"{notes}: expected a file of {images} and a class of train; line {number} is {line[:80]!r}"
            )
        paths.append(str(images / fields[0]))
        labels.append(numbers[fields[1]])
    if not paths:
        raise FileError(f"{notes}: expected a line for every image; got none")
    return tuple(paths), tuple(labels)


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise FileError(
            f"expected a folder {folder}; it cannot be read ({error.strerror}): unpack the data there"
        ) from None
