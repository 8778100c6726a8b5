"""What the animation of a reordering is sent, and what is said where nothing travels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.display import show
from sparselab.display.message import view_message
from sparselab.display.motion_message import motion_message, why_still
from sparselab.runtime import messages
from tests.display.pages import ParsedPage

MASK = Mask(np.random.default_rng(0).random((8, 12)) < 0.4)
SWAPPED = Layout.from_blocks(
    MASK, [Block(np.array([1, 5]), np.array([2, 3])), Block(np.array([0]), np.array([0]))], reason=""
)
IN_PLACE = Layout.from_blocks(MASK, [Block(np.arange(2), np.arange(3))], reason="")


@given(st.integers(2, 20), st.integers(2, 30), st.integers(0, 99))
def test_the_animation_is_sent_parts_of_the_views_message_and_no_more(rows: int, cols: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = Mask(rng.random((rows, cols)) < 0.4)
    layout = Layout.from_blocks(
        mask, [Block(rng.permutation(rows)[: rows // 2], rng.permutation(cols)[: cols // 2])], reason=""
    )
    sent = motion_message("a", layout)
    view = view_message("a", mask, layout, order="reordered")
    assert len(sent) < len(view)
    part, whole = messages.load(sent), messages.load(view)
    for side in ("left", "right"):
        for name, value in part[side].items():
            np.testing.assert_equal(value, whole[side][name])
    assert {name: part[name] for name in ("title", "rows", "cols")} == {"title": "a", "rows": rows, "cols": cols}
    after = Mask.from_packed(part["right"]["after"], (rows, cols)).kept
    back = np.zeros_like(after)
    back[np.ix_(part["right"]["row_index"], part["right"]["bands"][0]["cols"])] = after
    assert np.array_equal(back, layout.after.kept)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (Layout.unchanged(MASK, "no two rows are alike"), "unchanged (no two rows are alike)."),
        (Layout.masked(MASK, MASK, reason="weights one by one"), "not in blocks"),
        (Layout.masked(MASK, Mask(np.ones(MASK.shape, bool)), reason=""), "every weight is kept"),
        (IN_PLACE, "in the order of the file already"),
        (SWAPPED, ""),
    ],
    ids=["unblocked", "masked", "dense", "in place", "blocked"],
)
def test_where_nothing_travels_a_sentence_says_why_and_a_saved_page_has_no_animation(layout: Layout, said: str) -> None:
    told = why_still(layout)
    assert said in told
    assert bool(told) == bool(said)
    tags = ParsedPage(show((Layer("fc", MASK), layout)).html).tags
    assert any(attributes.get("data-testid") == "motion" for _, attributes in tags) == (told == "")
