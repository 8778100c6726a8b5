"""Every pixel of a picture leads back to its weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis import picture
from sparselab.analysis.picture import ORDERS, picture_after, picture_before
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.core.permutation import Permutation
from sparselab.runtime import messages
from sparselab.transforms import TRANSFORMS, Regroup
from tests.strategies import masks

KINDS = ("one pass", "later passes", "masked", "nothing")


def scattered_blocks(rng: np.random.Generator, shape: tuple[int, int], passes: int) -> list[Block]:
    """Blocks of rows and columns that are not adjacent; each pass has columns of its own, so that rows are shared."""
    return [
        Block(rows, cols[rng.random(cols.size) < 0.6])
        for cols in np.array_split(rng.permutation(shape[1]), passes)
        for rows in np.array_split(rng.permutation(shape[0]), 3)
    ]


@st.composite
def layouts(draw: st.DrawFn, of: st.SearchStrategy[Mask] | None = None) -> Layout:
    """Layouts of every status over any mask: scattered blocks, weights chosen one by one, nothing found."""
    mask = draw(masks(24) if of is None else of)
    kind = draw(st.sampled_from(KINDS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if kind == "nothing":
        return Layout.unchanged(mask, "nothing found", row_order=Permutation(rng.permutation(mask.rows)))
    if kind == "masked":
        order = Permutation(rng.permutation(mask.cols))
        return Layout.masked(mask, Mask(rng.random(mask.shape) < 0.3), reason="one by one", col_order=order)
    blocks = scattered_blocks(rng, mask.shape, 1 if kind == "one pass" else 3)
    return Layout.from_blocks(mask, blocks, reason="every block is empty")


def plane(side: dict[str, Any], name: str) -> np.ndarray:
    """The bits of a plane as the browser reads them: one by one, most significant first."""
    packed, width = side[name], side["width"]
    assert packed.shape == (side["height"], -(-width // 8))
    cols = np.arange(packed.shape[1] * 8)
    bits = (packed[:, cols // 8] >> (7 - cols % 8) & 1).astype(bool)
    assert not bits[:, width:].any()
    return bits[:, :width]


def weights_shown(side: dict[str, Any]) -> dict[tuple[int, int], tuple[int, int]]:
    """Weight -> the place where it is shown, found through bands and row index alone."""
    shown: dict[tuple[int, int], tuple[int, int]] = {}
    for band in side["bands"]:
        for y in range(band["start"], band["stop"]):
            for x, col in enumerate(band["cols"].tolist()):
                weight = int(side["row_index"][y]), col
                assert weight not in shown, "a weight is shown twice"
                shown[weight] = (y, x)
    return shown


def painted(side: dict[str, Any]) -> np.ndarray:
    """How many rectangles lie over every place."""
    times = np.zeros((side["height"], side["width"]), int)
    for top, bottom, left, right in side["rects"].tolist():
        times[top:bottom, left:right] += 1
    return times


@pytest.mark.parametrize("order", ORDERS)
@given(layout=layouts())
def test_every_place_shows_its_weight(order: str, layout: Layout) -> None:
    side = picture_after(layout, order, "")
    before = plane(side, "before")
    after = before if side["after"] is None else plane(side, "after")
    shown = weights_shown(side)
    for weight, place in shown.items():
        assert before[place] == layout.before.kept[weight]
        assert after[place] == (layout.before if order == "before" else layout.after).kept[weight]
    rest = np.ones(before.shape, bool)
    rest[tuple(np.array(list(shown.values())).T)] = False
    assert not (before | after)[rest].any()
    if order == "packed" and layout.blocks:
        assert set(shown) == set(zip(*map(np.ndarray.tolist, np.nonzero(layout.after.kept)), strict=True))
    else:
        assert len(shown) == layout.before.kept.size


@pytest.mark.parametrize("order", ORDERS)
@given(layout=layouts())
def test_bands_follow_each_other_over_the_whole_height(order: str, layout: Layout) -> None:
    side = picture_after(layout, order, "")
    edges = [edge for band in side["bands"] for edge in (band["start"], band["stop"])]
    assert edges[0] == 0
    assert edges[-1] == side["height"] == len(side["row_index"])
    assert edges[1:-1:2] == edges[2:-1:2]
    assert [band["width"] for band in side["bands"]] == [len(band["cols"]) for band in side["bands"]]
    assert max(band["width"] for band in side["bands"]) == side["width"]


@pytest.mark.parametrize("order", ["reordered", "packed"])
@given(layout=layouts())
def test_outlines_tile_what_is_kept_after(order: str, layout: Layout) -> None:
    side = picture_after(layout, order, "")
    if layout.blocks:
        assert np.array_equal(painted(side), plane(side, "after").astype(int))
        assert set(side["rects"][:, :2].reshape(-1).tolist()) <= set(side["groups"].tolist())
        assert side["groups"][[0, -1]].tolist() == [0, side["height"]]
        assert (np.diff(side["groups"]) > 0).all()
    else:
        assert side["rects"].shape == (0, 4)


@pytest.mark.parametrize("name", TRANSFORMS)
@given(mask=masks(24), seed=st.integers(0, 99))
@settings(max_examples=8)
def test_before_in_the_new_order_is_the_mask_before_with_rows_and_columns_moved(
    name: str, mask: Mask, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weight = (rng.standard_normal(mask.shape) * mask.kept).astype(np.float32)
    layout = TRANSFORMS[name]()(Layer("fc.weight", mask, weight=weight), rng=rng)
    side = picture_after(layout, "before", "")
    moved = layout.before.kept[layout.row_order.order][:, layout.col_order.order]
    assert np.array_equal(plane(side, "before"), moved)
    assert side["after"] is None
    assert moved.sum() == mask.count


@given(layouts())
def test_natural_order_has_no_outlines_and_moves_nothing(layout: Layout) -> None:
    side = picture_after(layout, "natural", "")
    assert np.array_equal(plane(side, "before"), layout.before.kept)
    assert np.array_equal(plane(side, "after"), layout.after.kept)
    assert len(side["rects"]) == len(side["groups"]) == 0


@given(masks())
def test_before_is_the_mask_as_it_is(mask: Mask) -> None:
    side = picture_before(mask, "as it was")
    assert np.array_equal(plane(side, "before"), mask.kept)
    assert side["after"] is None
    assert (side["label"], side["caption"]) == ("before", "as it was")
    assert all(weight == place for weight, place in weights_shown(side).items())


@given(layouts(), st.sampled_from(list(ORDERS)))
def test_a_picture_travels_whole(layout: Layout, order: str) -> None:
    side = picture_after(layout, order, "caption")
    back = messages.load(messages.dump(side))
    assert back.keys() == side.keys()
    pairs = [(back, side), *zip(back["bands"], side["bands"], strict=True)]
    for there, here in pairs:
        for name in here:
            if isinstance(here[name], np.ndarray):
                assert here[name].dtype == there[name].dtype in (np.int32, np.uint8)
                assert np.array_equal(here[name], there[name])
            elif name != "bands":
                assert here[name] == there[name]


def test_rows_of_later_passes_come_once_a_block() -> None:
    mask = Mask(np.random.default_rng(3).random((24, 40)) < 0.3)
    regroup = Regroup(rule="threshold", grouper="random", rows_per_group=6, min_rows=2, min_kept=3, min_cols=2)
    layout = regroup(Layer("layer", mask), rng=np.random.default_rng(0), device="cpu")
    heights = sum(block.rows.size for block in layout.blocks)
    assert heights > np.unique(np.concatenate([block.rows for block in layout.blocks])).size
    packed, reordered = (picture_after(layout, order, "") for order in ("packed", "reordered"))
    assert packed["height"] == heights
    assert len(packed["rects"]) == len(packed["bands"]) == len(layout.blocks)
    for side in (packed, reordered):
        assert painted(side).sum() == layout.after.count
        assert painted(side).max() == 1


def test_by_hand() -> None:
    kept = np.zeros((3, 5), bool)
    kept[0, 4] = kept[2, 1] = kept[2, 4] = True
    layout = Layout.from_blocks(Mask(kept), [Block(np.array([0, 2]), np.array([1, 4]))], reason="")
    packed, reordered = picture_after(layout, "packed", ""), picture_after(layout, "reordered", "")
    assert packed["before"].tolist() == [[0b01000000], [0b11000000]]
    assert packed["after"].tolist() == [[0b11000000], [0b11000000]]
    assert packed["row_index"].tolist() == [0, 2]
    assert packed["rects"].tolist() == reordered["rects"].tolist() == [[0, 2, 0, 2]]
    assert reordered["row_index"].tolist() == [0, 2, 1]
    assert reordered["bands"][0]["cols"].tolist() == [1, 4, 0, 2, 3]
    assert reordered["groups"].tolist() == [0, 2, 3]


def test_too_many_outlines_are_left_out_and_group_edges_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = Mask(np.ones((12, 12), bool))
    layout = Layout.from_blocks(mask, scattered_blocks(np.random.default_rng(0), mask.shape, 3), reason="")
    whole = picture_after(layout, "reordered", "")
    monkeypatch.setattr(picture, "_MOST_OUTLINES", 4)
    some = picture_after(layout, "reordered", "")
    assert len(some["rects"]) <= 4 < len(whole["rects"])
    assert np.array_equal(some["groups"], whole["groups"])
