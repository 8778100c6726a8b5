import numpy as np
import pytest
import torch
from hypothesis import given

from sparselab.analysis import similarity
from sparselab.analysis.similarity import SIMILARITIES, cosine_similarity, jaccard_similarity, similarity_tensor
from sparselab.core.errors import SettingError
from sparselab.core.mask import Mask
from tests.strategies import masks

# What two rows that keep a and b are worth to each other, of which something is kept.
DEFINITIONS = {
    "jaccard": lambda a, b: len(a & b) / len(a | b),
    "cosine": lambda a, b: len(a & b) / max(1.0, (len(a) * len(b)) ** 0.5),
}


def brute_force(mask: Mask, kind: str) -> np.ndarray:
    sets = [set(np.flatnonzero(row).tolist()) for row in mask.kept]
    table = np.ones((mask.rows, mask.rows))
    for i, a in enumerate(sets):
        for j, b in enumerate(sets):
            if a | b:
                table[i, j] = DEFINITIONS[kind](a, b)
    np.fill_diagonal(table, 1.0)
    return table.astype(np.float32)


@pytest.mark.parametrize("kind", SIMILARITIES)
@given(mask=masks(24))
def test_every_similarity_is_its_definition(kind: str, mask: Mask) -> None:
    assert np.allclose(similarity_tensor(mask, kind, "cpu").numpy(), brute_force(mask, kind), atol=1e-7)


@given(masks(24))
def test_equals_the_definition_exactly(mask: Mask) -> None:
    assert np.array_equal(jaccard_similarity(mask, device="cpu"), brute_force(mask, "jaccard"))
    assert np.allclose(cosine_similarity(mask, device="cpu"), brute_force(mask, "cosine"), atol=1e-7)


@pytest.mark.parametrize("kind", SIMILARITIES)
@given(mask=masks())
def test_is_a_similarity(kind: str, mask: Mask) -> None:
    table = similarity_tensor(mask, kind, "cpu").numpy()
    assert table.dtype == np.float32
    assert np.array_equal(table, table.T)
    assert (np.diag(table) == 1).all()
    assert ((table >= 0) & (table <= 1)).all()


def test_figure_2_of_structure_lth() -> None:
    kept = np.zeros((2, 12), bool)
    kept[0, [1, 3, 6, 8, 11]] = kept[1, [1, 3, 4, 7, 10, 11]] = True
    assert jaccard_similarity(Mask(kept))[0, 1] == np.float32(3 / 8)


def test_both_products_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = Mask(np.random.default_rng(0).random((1500, 70)) < 0.3)  # more rows than one strip
    fast = similarity.shared_columns(mask, "cpu")
    monkeypatch.setattr(similarity, "_FEWEST_INT8_TERMS", 2**24)
    assert torch.equal(fast, similarity.shared_columns(mask, "cpu"))
    kept = mask.kept.astype(np.int64)
    assert np.array_equal(fast.numpy(), kept @ kept.T)


@pytest.mark.gpu
@given(masks())
def test_cuda_gives_the_same(mask: Mask) -> None:
    for kind in SIMILARITIES:
        here, there = similarity_tensor(mask, kind, "cpu"), similarity_tensor(mask, kind, "cuda")
        assert torch.equal(here, there.cpu())


def test_unknown_names() -> None:
    with pytest.raises(SettingError, match="one of jaccard, cosine; got 'dice'"):
        similarity_tensor(Mask(np.ones((1, 1), bool)), "dice")
    with pytest.raises(SettingError, match="auto, cpu or cuda; got 'abacus'"):
        jaccard_similarity(Mask(np.ones((1, 1), bool)), device="abacus")
