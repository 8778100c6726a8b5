import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import SparselabError
from sparselab.core.mask import Mask
from tests.strategies import masks


@given(masks())
def test_density_and_sparsity_are_fractions_that_add_up(mask: Mask) -> None:
    assert mask.count == mask.kept.sum()
    assert mask.density == mask.count / mask.kept.size
    assert mask.density + mask.sparsity == 1.0


@given(masks())
def test_bits_and_back(mask: Mask) -> None:
    assert Mask.from_packed(mask.packed, mask.shape) == mask
    assert pickle.loads(pickle.dumps(mask)) == mask


@given(masks(), st.data())
def test_one_flipped_weight_changes_the_digest(mask: Mask, data: st.DataObject) -> None:
    place = data.draw(st.tuples(st.integers(0, mask.rows - 1), st.integers(0, mask.cols - 1)))
    other = mask.kept.copy()
    other[place] ^= True
    assert Mask(other).digest != mask.digest
    assert Mask(other) != mask


def test_digest_tells_shapes_apart() -> None:
    bits = np.array([[1, 0, 1, 0, 0, 0, 0, 0]], dtype=bool)
    assert Mask(bits).digest != Mask(bits.reshape(8, 1)).digest != Mask(bits[:, :7]).digest


@given(masks(), masks())
def test_algebra(a: Mask, b: Mask) -> None:
    if a.shape != b.shape:
        with pytest.raises(SparselabError, match="one shape"):
            a & b
        return
    assert (a - b) | (a & b) == a
    assert ((a | b) - (a & b)).count == (a.kept ^ b.kept).sum()


@given(masks(), st.data())
def test_permuting_and_back(mask: Mask, data: st.DataObject) -> None:
    rows = np.array(data.draw(st.permutations(range(mask.rows))))
    cols = np.array(data.draw(st.permutations(range(mask.cols))))
    moved = mask.permuted(rows, cols)
    assert moved.permuted(np.argsort(rows), np.argsort(cols)) == mask
    assert moved.count == mask.count


def test_is_frozen_and_owns_its_array() -> None:
    source = np.zeros((2, 2), bool)
    mask = Mask(source)
    source[0, 0] = True
    assert mask.count == 0
    with pytest.raises(ValueError, match="read-only"):
        mask.kept[0, 0] = True


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((64, 64, 3, 3), bool), r"2 dimensions; got \(64, 64, 3, 3\): call as_matrix first"),
        (np.zeros((2, 2)), "booleans; got float64"),
        (np.zeros((0, 3), bool), "at least one row"),
    ],
)
def test_says_what_it_expected(array: np.ndarray, words: str) -> None:
    with pytest.raises(SparselabError, match=words):
        Mask(array)
