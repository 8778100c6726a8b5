"""One image file, read as a stranger's: part of it, at the size asked for."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError, UnavailableError

if TYPE_CHECKING:
    from torch import Tensor

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""

TRIES = 10
"""Boxes drawn before the middle is taken."""
DRAWS = 2 * TRIES + 2
"""Numbers from [0, 1) that one random box needs."""

_MOST_PIXELS = 2**26  # the largest image of ImageNet has 61 million
_AREA = (0.08, 1.0)  # of the image
_RATIO = (3 / 4, 4 / 3)  # width / height
_MIDDLE = 224 / 256  # of the shorter side


def need_pillow() -> None:
    """Raises: UnavailableError when Pillow, which decodes images, is not installed."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise UnavailableError(
            "expected Pillow, which decodes images; it is not installed: pip install pillow"
        ) from None


def decode(path: str, size: int, box: Callable[[int, int], Box]) -> NDArray[np.uint8]:
    """Return the part of an image inside box(width, height), resized to size x size: 3 x size x size.

    JPEG and PNG, whatever the name says; 64 million pixels at most. Bilinear, with a support that grows as the image shrinks.
    Raises: FileError that names the image, when it is damaged or too large.
    """
    from PIL import Image

    errors = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, struct.error, zlib.error)
    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            width, height = image.size
            if width * height > _MOST_PIXELS:
                raise FileError(f"{path}: expected at most {_MOST_PIXELS:,} pixels; got {width} x {height}")
            colours = image.convert("RGB")
        part = colours.resize((size, size), Image.Resampling.BILINEAR, box(width, height))
    except FileError:
        raise
    except bombs:
        raise FileError(f"{path}: expected at most {_MOST_PIXELS:,} pixels; got more than twice as many") from None
    except errors as error:
        raise FileError(f"{path}: expected a JPEG or PNG image; it cannot be decoded ({error})") from None
    pixels: NDArray[Any] = np.asarray(part, np.uint8)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def whole(width: int, height: int) -> Box:
    """Return the whole image."""
    return 0, 0, width, height


def middle(width: int, height: int) -> Box:
    """Return the square in the middle, 224/256 of the shorter side: what a resize to 256 and a crop of 224 show."""
    side = _MIDDLE * min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def random_box(draws: Tensor) -> Callable[[int, int], Box]:
    """Return a box of 8 to 100 % of the area, 3/4 to 4/3 as wide as high, anywhere: random resized cropping.

    Ten are drawn, the first that fits inside is taken; if none does, the widest part of the middle within that shape.

    Args: draws: numbers from [0, 1), DRAWS of them; the answer depends on nothing else.
    Source: Szegedy et al., CVPR 2015, section 6, with torchvision's ten tries.
    """
    numbers = draws.tolist()
    assert len(numbers) == DRAWS

    def box(width: int, height: int) -> Box:
        low, high = (math.log(ratio) for ratio in _RATIO)
        for area, shape in zip(numbers[:TRIES], numbers[TRIES : 2 * TRIES], strict=True):
            pixels = (_AREA[0] + (_AREA[1] - _AREA[0]) * area) * width * height
            ratio = math.exp(low + (high - low) * shape)
            wide, tall = math.sqrt(pixels * ratio), math.sqrt(pixels / ratio)
            if wide <= width and tall <= height:
                left, top = numbers[-2] * (width - wide), numbers[-1] * (height - tall)
                return left, top, min(width, left + wide), min(height, top + tall)
        wide, tall = min(width, height * _RATIO[1]), min(height, width / _RATIO[0])
        left, top = (width - wide) / 2, (height - tall) / 2
        return left, top, left + wide, top + tall

    return box
