"""Where a value of X lies: offsets of columns and positions, against im2col."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparselab.core.im2col import im2col
from sparselab.kernels.base import Conv
from sparselab.kernels.triton_blocks.input_layouts import ARRANGEMENTS, Geometry, arrangements, geometry_of

CONVS = [
    (Conv((3, 3), 1, 1), (2, 3, 6, 5)),
    (Conv((3, 2), 2, 2), (3, 2, 7, 8)),
    (Conv((1, 1), 1, 0), (2, 5, 4, 4)),
    (Conv((1, 1), 2, 0), (2, 5, 5, 4)),
    (Conv((1, 1), 1, 2), (1, 2, 3, 3)),
    (Conv((2, 3), 3, 0), (1, 2, 8, 3)),
    (Conv((5, 1), 1, 2), (2, 2, 1, 6)),
]


def arranged(x: np.ndarray, geometry: Geometry) -> np.ndarray:
    """What `triton_product.arrange` writes, in NumPy."""
    into = geometry.rearranged
    if into is None:
        return x.reshape(-1)
    images, channels, height, width = x.shape
    out = np.zeros((into.copies, images, channels, into.height, into.pitch))
    for copy, line, column in np.ndindex(into.copies, into.height, into.pitch):
        row, source = line - into.border, column * into.step + copy - into.border
        if 0 <= row < height and 0 <= source < width:
            out[copy, :, :, line, column] = x[:, :, row, source]
    return out.reshape(-1)


def addresses(geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Offsets of all positions, and which of them are positions of Y."""
    of, strides = geometry.positions, geometry.strides
    n = np.arange(of.count)
    line, number = n // of.pitch, n % of.pitch
    image, line = line // of.lines, line % of.lines
    return image * strides.image + line * strides.line + number * strides.position, number < of.width


@pytest.mark.parametrize(("conv", "shape"), CONVS)
@pytest.mark.parametrize("arrangement", ["padded", "unrolled"])
def test_offsets_lead_to_what_im2col_lists(arrangement: str, conv: Conv, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    cols = shape[1] * conv.kernel_shape[0] * conv.kernel_shape[1]
    geometry = geometry_of(arrangement, shape, cols, conv)
    memory = arranged(x, geometry)
    assert memory.size == geometry.numel
    offsets, valid = addresses(geometry)
    listed = im2col(torch.from_numpy(x), conv.kernel_shape, stride=conv.stride, padding=conv.padding).numpy()
    assert np.array_equal(memory[geometry.offsets[:, None] + offsets[valid][None, :]], listed)
    assert (geometry.offsets[:, None] + offsets[None, :]).max() < memory.size  # positions that are none may be read too


@pytest.mark.parametrize(("conv", "shape"), CONVS)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_the_alignment_promised_to_the_compiler_holds(arrangement: str, conv: Conv, shape: tuple[int, ...]) -> None:
    cols = shape[1] * conv.kernel_shape[0] * conv.kernel_shape[1]
    for width in (shape[3], 16, 32):
        geometry = geometry_of(arrangement, (*shape[:3], width), cols, conv)
        for chosen in (np.arange(cols), np.array([0]), np.array([cols - 1])):
            align = geometry.x_align(chosen)
            offsets, _ = addresses(geometry)
            runs = (geometry.offsets[chosen][:, None] + offsets[None, :]).reshape(chosen.size, -1, align)
            assert not (runs[..., 0] % align).any()
            assert (np.diff(runs, axis=2) == 1).all()
        assert geometry.positions.width % geometry.y_align == 0
        assert geometry.positions.pitch % geometry.y_align == 0


def test_a_matrix_product_is_plain_and_aligned_by_its_positions() -> None:
    for positions, align in ((64, 16), (24, 8), (7, 1)):
        geometry = geometry_of("padded", (12, positions), 12, None)
        assert geometry.plain
        assert geometry.x_align(np.arange(12)) == align
        assert geometry.offsets.tolist() == [col * positions for col in range(12)]


def test_lines_without_a_gap_are_one_line() -> None:
    geometry = geometry_of("padded", (1, 4, 8, 8), 4, Conv((1, 1)))
    assert geometry.plain
    assert geometry.positions.count == 64
    assert not geometry_of("padded", (2, 4, 8, 8), 4, Conv((1, 1))).plain


def test_only_arrangements_that_differ_are_tried() -> None:
    assert arrangements(None) == ("padded",)
    assert arrangements(Conv((3, 3), 1, 1)) == ("padded", "checked", "unrolled")
    assert arrangements(Conv((3, 3), 1, 0)) == ("padded", "unrolled")
    assert arrangements(Conv((9, 7), 1, 1)) == ("padded", "unrolled")  # 63 taps: more than the bits that tell them
