"""The plain heatmap: the same kinds of weights in the same colours as the mask view, each pixel the exact share of its area."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from sparselab import display
from sparselab.analysis.picture import ORDERS
from sparselab.app.charts import DROPPED_COLOUR, GROWN_COLOUR, LIGHT_INK, plain_pictures
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.display.message import sides

RNG = np.random.default_rng(0)
SMALL = Mask(RNG.random((9, 14)) < 0.4)
LARGE = Mask(RNG.random((300, 1100)) < 0.2)


def layout_of(mask: Mask) -> Layout:
    return Layout.from_blocks(mask, [Block(RNG.permutation(mask.rows)[:5], RNG.permutation(mask.cols)[:7])], reason="")


def channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize("order", ORDERS)
def test_where_a_pixel_is_a_weight_it_has_the_colour_of_what_became_of_it(order: str) -> None:
    layout = layout_of(SMALL)
    left, right = sides(SMALL, layout, order)
    assert right is not None
    for side, picture in zip((left, right), plain_pictures(left, right, dark=False), strict=True):
        before = Mask.from_packed(side["before"], (side["height"], side["width"])).kept
        after = before if side["after"] is None else Mask.from_packed(side["after"], before.shape).kept
        pixels = np.asarray(picture.figure.data[0].z)
        for seen, colour in (
            (before & after, LIGHT_INK),
            (after & ~before, GROWN_COLOUR),
            (before & ~after, DROPPED_COLOUR),
        ):
            assert (pixels[seen] == [*channels(colour), 255]).all()
        assert (pixels[~(before | after)][:, 3] == 0).all()
        named = [trace.name for trace in picture.figure.data[1:]]
        assert named == ["kept", "fill-in (grown)", "dropped"][: 1 if side["after"] is None else 3]
        assert picture.scale.startswith("1 pixel = 1 x 1 weights")


def test_a_large_mask_is_pooled_and_no_weight_is_lost() -> None:
    layout = layout_of(LARGE)
    for picture in plain_pictures(*sides(LARGE, layout, "reordered"), dark=False):
        image = picture.figure.data[0]
        rows, cols = np.asarray(image.z).shape[:2]
        assert rows <= 256
        assert cols <= 512
        assert picture.scale.startswith(f"1 pixel = {image.dy} x {image.dx} weights")
        assert (rows, cols) == (-(-LARGE.rows // image.dy), -(-LARGE.cols // image.dx))


def test_a_mask_alone_is_one_picture_and_an_empty_one_has_no_ink() -> None:
    (picture,) = plain_pictures(*sides(Mask(np.zeros((3, 4), bool)), None, "natural"), dark=False)
    assert not np.asarray(picture.figure.data[0].z)[..., 3].any()


def test_the_colours_are_those_of_the_mask_view() -> None:
    text = (Path(display.__file__).parent / "mask_view" / "paint.js").read_text(encoding="utf-8")
    for name, colour in (("ORANGE", GROWN_COLOUR), ("SKY_BLUE", DROPPED_COLOUR)):
        found = re.search(rf"const {name} = \[(\d+), (\d+), (\d+)\]", text)
        assert found is not None
        assert [int(channel) for channel in found.groups()] == channels(colour)
