import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.core.permutation import Permutation
from sparselab.runtime import messages


@given(st.integers(0, 30).flatmap(lambda n: st.permutations(range(n))))
def test_a_permutation_and_its_inverse_undo_each_other(order: list[int]) -> None:
    permutation = Permutation(np.array(order, dtype=np.int64))
    assert permutation.order[permutation.inverse.order].tolist() == list(range(len(order)))
    assert permutation.inverse.inverse == permutation


@pytest.mark.parametrize("order", [[0, 0], [1, 2], [-1, 0], [0, 2, 3]])
def test_what_is_no_permutation(order: list[int]) -> None:
    with pytest.raises(SparselabError, match="once"):
        Permutation(np.array(order))


def toy() -> tuple[Mask, list[Block]]:
    kept = np.zeros((4, 6), bool)
    kept[0, [0, 2, 5]] = kept[2, [0, 2]] = kept[1, [1, 3]] = True
    return Mask(kept), [Block(np.array([0, 2]), np.array([0, 2])), Block(np.array([1]), np.array([1, 4]))]


def test_the_algebra_of_a_layout() -> None:
    mask, blocks = toy()
    layout = Layout.from_blocks(mask, blocks, reason="none")
    assert layout.status == "blocked"
    assert layout.after.count == 6
    assert layout.covered.count == 5
    assert layout.dropped == layout.residual
    assert layout.dropped.count == 2
    assert layout.grown.count == 1
    assert (layout.before - layout.dropped) | layout.grown == layout.after
    assert layout.row_order.order.tolist() == [0, 2, 1, 3]
    assert layout.col_order.order.tolist() == [0, 2, 1, 4, 3, 5]


def test_without_blocks_the_reason_is_told() -> None:
    mask, _ = toy()
    layout = Layout.from_blocks(mask, [Block(np.array([0]), np.array([], dtype=np.int64))], reason="nothing here")
    assert (layout.status, layout.reason, layout.after) == ("unblocked", "nothing here", mask)


def test_everything_kept_is_dense() -> None:
    whole = [Block(np.arange(4), np.arange(6))]
    assert Layout.from_blocks(toy()[0], whole, reason="").status == "dense"


def test_a_mask_without_blocks_is_told_apart_from_nothing_found() -> None:
    mask, _ = toy()
    chosen = mask.kept.copy()
    chosen[0] = False
    layout = Layout.masked(mask, Mask(chosen), reason="chosen one by one", notes={"a": "b"})
    assert (layout.status, layout.reason, layout.blocks) == ("masked", "chosen one by one", ())
    assert (layout.covered.count, layout.dropped.count, layout.grown.count) == (4, 3, 0)
    assert layout.residual == mask
    full = Mask(np.ones((4, 6), bool))
    dense = Layout.masked(mask, full, reason="chosen one by one")
    assert (dense.status, len(dense.blocks), dense.after) == ("dense", 1, full)


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (
            [Block(np.array([0]), np.array([0])), Block(np.array([0, 1]), np.array([0]))],
            "1 weights lie in more than one",
        ),
        ([Block(np.array([4]), np.array([0]))], "0 .. 3; got 4 .. 4"),
        ([Block(np.array([0]), np.array([-1]))], "0 .. 5; got -1"),
    ],
)
def test_blocks_stay_inside_and_apart(blocks: list[Block], words: str) -> None:
    with pytest.raises(SparselabError, match=words):
        Layout.from_blocks(toy()[0], blocks, reason="")


def test_pack_and_unpack() -> None:
    mask, blocks = toy()
    for layout in (
        Layout.from_blocks(mask, blocks, reason="", seconds={"grouping": 0.5}, notes={"passes": "2"}),
        Layout.unchanged(mask, "nothing"),
        Layout.masked(mask, Mask(~mask.kept), reason="chosen", figures={"efficacy": 30.5}),
    ):
        back = Layout.unpack(messages.load(messages.dump(layout.pack())))
        assert back.pack().keys() == layout.pack().keys()
        assert (back.before, back.after, back.blocks) == (layout.before, layout.after, layout.blocks)
        assert (back.row_order, back.col_order) == (layout.row_order, layout.col_order)
        for name in ("status", "reason", "seconds", "notes", "figures"):
            assert getattr(back, name) == getattr(layout, name)
