"""Where a value of X lies: offsets of columns and positions, against im2col."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparselab.im2col import im2col
from sparselab.kernels.arrangements import ARRANGEMENTS, Geometry, arrangements, geometry
from sparselab.kernels.base import Conv

CONVS = [
    (Conv((3, 3), 1, 1), (2, 3, 6, 5)),
    (Conv((3, 2), 2, 2), (3, 2, 7, 8)),
    (Conv((1, 1), 1, 0), (2, 5, 4, 4)),
    (Conv((1, 1), 2, 0), (2, 5, 5, 4)),
    (Conv((1, 1), 1, 2), (1, 2, 3, 3)),
    (Conv((2, 3), 3, 0), (1, 2, 8, 3)),
    (Conv((5, 1), 1, 2), (2, 2, 1, 6)),
]


def arranged(x: np.ndarray, place: Geometry) -> np.ndarray:
    """What `triton_product.arrange` writes, in NumPy; NaN where no position may read."""
    if not place.copies:
        return x.reshape(-1)
    images, channels, height, width = x.shape
    out = np.zeros((place.copies, images, channels, place.height, place.x_pitch))
    for copy, line, column in np.ndindex(place.copies, place.height, place.x_pitch):
        row, source = line - place.border, column * place.step + copy - place.border
        if 0 <= row < height and 0 <= source < width:
            out[copy, :, :, line, column] = x[:, :, row, source]
    return out.reshape(-1)


def addresses(place: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Offsets of all positions, and which of them are positions of Y."""
    n = np.arange(place.positions)
    line, at = n // place.pitch, n % place.pitch
    image, line = line // place.lines, line % place.lines
    return image * place.x_image + line * place.x_line + at * place.x_place, at < place.width


@pytest.mark.parametrize(("conv", "shape"), CONVS)
@pytest.mark.parametrize("arrangement", ["padded", "unrolled"])
def test_offsets_lead_to_what_im2col_lists(arrangement: str, conv: Conv, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    cols = shape[1] * conv.kernel_shape[0] * conv.kernel_shape[1]
    place = geometry(arrangement, shape, cols, conv)
    memory = arranged(x, place)
    assert memory.size == place.numel
    offsets, valid = addresses(place)
    listed = im2col(torch.from_numpy(x), conv.kernel_shape, stride=conv.stride, padding=conv.padding).numpy()
    assert np.array_equal(memory[place.offsets[:, None] + offsets[valid][None, :]], listed)
    assert (place.offsets[:, None] + offsets[None, :]).max() < memory.size  # positions that are none may be read too


@pytest.mark.parametrize(("conv", "shape"), CONVS)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_the_alignment_promised_to_the_compiler_holds(arrangement: str, conv: Conv, shape: tuple[int, ...]) -> None:
    cols = shape[1] * conv.kernel_shape[0] * conv.kernel_shape[1]
    for width in (shape[3], 16, 32):
        place = geometry(arrangement, (*shape[:3], width), cols, conv)
        for chosen in (np.arange(cols), np.array([0]), np.array([cols - 1])):
            align = place.x_align(chosen)
            offsets, _ = addresses(place)
            runs = (place.offsets[chosen][:, None] + offsets[None, :]).reshape(chosen.size, -1, align)
            assert not (runs[..., 0] % align).any()
            assert (np.diff(runs, axis=2) == 1).all()
        assert place.width % place.y_align == 0
        assert place.pitch % place.y_align == 0


def test_a_matrix_product_is_plain_and_aligned_by_its_positions() -> None:
    for positions, align in ((64, 16), (24, 8), (7, 1)):
        place = geometry("padded", (12, positions), 12, None)
        assert place.plain
        assert place.x_align(np.arange(12)) == align
        assert place.offsets.tolist() == [col * positions for col in range(12)]


def test_lines_without_a_gap_are_one_line() -> None:
    place = geometry("padded", (1, 4, 8, 8), 4, Conv((1, 1)))
    assert place.plain
    assert place.positions == 64
    assert not geometry("padded", (2, 4, 8, 8), 4, Conv((1, 1))).plain


def test_only_arrangements_that_differ_are_tried() -> None:
    assert arrangements(None) == ("padded",)
    assert arrangements(Conv((3, 3), 1, 1)) == ("padded", "checked", "unrolled")
    assert arrangements(Conv((3, 3), 1, 0)) == ("padded", "unrolled")
    assert arrangements(Conv((9, 7), 1, 1)) == ("padded", "unrolled")  # 63 taps: more than the bits that tell them
