"""The embedded task: one whole handwritten digit among crops of others, moved, turned, scaled, in noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.training.tasks.base import Data, Split

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_SOURCE = 8  # side of scikit-learn's digits
_CROP = 3  # side of the window through which a distractor is seen
_SPLIT_SEED = 2022  # one test set for everybody
_TEST_SHARE, _VALIDATION_SHARE = 0.2, 0.1
_MEAN, _STD = 0.17, 0.3


@dataclass(frozen=True)
class DigitsSettings:
    """How hard the digits are, and how many."""

    canvas: Annotated[int, Interval(ge=12, le=64), Doc("side of an image, pixels")] = 24
    distractors: Annotated[int, Interval(ge=0, le=8), Doc("crops of other digits in an image")] = 2
    turn: Annotated[float, Interval(ge=0, le=180), Doc("largest rotation either way, degrees")] = 30.0
    smallest: Annotated[float, Interval(ge=0.3, le=1), Doc("least side of a digit, share of the image's")] = 0.5
    largest: Annotated[float, Interval(ge=0.3, le=1), Doc("greatest side of a digit, share of the image's")] = 0.9
    noise: Annotated[float, Interval(ge=0, le=1), Doc("standard deviation of the noise; ink is 1")] = 0.1
    train: Annotated[int, Interval(ge=64, le=1_000_000), Doc("training images")] = 10_000
    validation: Annotated[int, Interval(ge=16, le=1_000_000), Doc("validation images")] = 1000
    test: Annotated[int, Interval(ge=16, le=1_000_000), Doc("test images")] = 3000
    shift: Annotated[int, Interval(ge=0, le=8), Doc("augmented images move by up to this many pixels")] = 2


def read_digits(root: Path | None, settings: DigitsSettings, seed: int) -> Data:
    """Return scenes made of scikit-learn's digits. `root` is not looked at.

    The source digits are split first, so that no one of them is in two splits. Which are for the test, and the test scenes,
    are the same for every seed; the seed splits the others and composes their scenes.
    """
    import torch
    from sklearn.datasets import load_digits

    from sparselab.training.tasks.tensors import TensorSplit

    pixels, labels = load_digits(return_X_y=True)
    images, targets = torch.tensor(pixels / 16, dtype=torch.float32).view(-1, 1, _SOURCE, _SOURCE), torch.tensor(labels)
    fixed, rng = (torch.Generator().manual_seed(value) for value in (_SPLIT_SEED, seed))
    order = torch.randperm(len(images), generator=fixed)
    test, rest = order.tensor_split([round(_TEST_SHARE * len(order))])
    rest = rest[torch.randperm(len(rest), generator=rng)]
    validation, train = rest.tensor_split([round(_VALIDATION_SHARE * len(order))])

    def split(which: Tensor, count: int, generator: torch.Generator) -> Split:
        canvas, answers = scenes(images[which], targets[which], count, settings, generator)
        return TensorSplit(canvas, answers, (_MEAN,), (_STD,), shift=settings.shift)

    return Data(
        train=split(train, settings.train, rng),
        validation=split(validation, settings.validation, rng),
        test=split(test, settings.test, fixed),
        classes=10,
        channels=1,
        size=settings.canvas,
    )


def scenes(
    images: Tensor, labels: Tensor, count: int, settings: DigitsSettings, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return `count` canvases, each one whole digit among crops of other digits in Gaussian noise, and labels."""
    import torch

    picked = torch.randint(len(images), (count,), generator=rng)
    canvas = place(images[picked], settings, rng)
    for _ in range(settings.distractors):
        other = images[torch.randint(len(images), (count,), generator=rng)]
        canvas = torch.maximum(canvas, place(other * windows(count, rng), settings, rng))
    return canvas + settings.noise * torch.randn(canvas.shape, generator=rng), labels[picked]


def place(images: Tensor, settings: DigitsSettings, rng: torch.Generator) -> Tensor:
    """Put each image at a random place, size and angle on an empty canvas.

    A canvas point o in [-1, 1]^2 shows the image point R(a) (o - t) / s, with scale s from `smallest` to `largest`, angle a
    up to `turn` degrees either way and shift t in [-(1 - s), 1 - s]^2.

    Args: images: n x 1 x 8 x 8. Returns: n x 1 x canvas x canvas.
    """
    import torch
    from torch.nn import functional as F

    n = len(images)
    low, high = sorted((settings.smallest, settings.largest))
    scale = low + (high - low) * torch.rand(n, 1, 1, generator=rng)
    angle = math.radians(settings.turn) * (2 * torch.rand(n, generator=rng) - 1)
    shift = (2 * torch.rand(n, 2, 1, generator=rng) - 1) * (1 - scale)
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([cos, -sin, sin, cos], dim=1).view(n, 2, 2) / scale
    side = settings.canvas
    grid = F.affine_grid(torch.cat([turn, -turn @ shift], dim=2), [n, 1, side, side], align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def windows(n: int, rng: torch.Generator) -> Tensor:
    """Return n random windows of ones in zeros, n x 1 x 8 x 8: what is seen of a distractor."""
    import torch

    offset = torch.arange(_SOURCE) - torch.randint(_SOURCE - _CROP + 1, (2, n, 1), generator=rng)
    inside = ((offset >= 0) & (offset < _CROP)).float()
    return inside[0].view(n, 1, _SOURCE, 1) * inside[1].view(n, 1, 1, _SOURCE)
