"""Large masks are compared a strip of rows at a time: the same groups, in little memory, with progress and a cancel."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis import similarity as similarity_module
from sparselab.analysis.metrics import report
from sparselab.analysis.similarity import SIMILARITIES, SimilarityRows, similarity_rows, similarity_tensor
from sparselab.core import strips
from sparselab.core.errors import Cancelled, SettingError
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.grouping import GROUPERS, Goal, Groups
from sparselab.grouping import base as base_module
from sparselab.grouping.jaccard_metis import neighbour_graph
from sparselab.grouping.sizes import fit_sizes
from sparselab.runtime.progress import Monitor, Progress
from sparselab.transforms import TRANSFORMS
from tests.peak import peak_of
from tests.strategies import layers, masks

MIB = 2**20


@pytest.fixture
def in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mask counts as large, and a strip holds few rows."""
    monkeypatch.setattr(similarity_module, "MOST_ROWS_WHOLE", 0)
    monkeypatch.setattr(strips, "CELLS", 60)


def rows_on_demand(mask: Mask, kind: str = "jaccard") -> SimilarityRows:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity_module, "MOST_ROWS_WHOLE", 0)
        return similarity_rows(mask, kind, "cpu")


@pytest.mark.parametrize("kind", SIMILARITIES)
@settings(max_examples=30)
@given(mask=masks(24), seed=st.integers(0, 99))
def test_rows_on_demand_are_those_of_the_whole(kind: str, mask: Mask, seed: int) -> None:
    whole, rows = similarity_tensor(mask, kind, "cpu").numpy(), rows_on_demand(mask, kind)
    chosen = np.random.default_rng(seed).permutation(mask.rows)[: seed % mask.rows + 1]
    chosen.flags.writeable = False  # as an order is
    assert len(rows) == len(whole)
    assert np.array_equal(rows[chosen], whole[chosen])
    assert np.array_equal(rows[1:3], whole[1:3])


def graph_of_all_pairs(similarity: np.ndarray, knn: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The formula that needs every pair at once."""
    rows = len(similarity)
    without_self = torch.from_numpy(np.array(similarity)).fill_diagonal_(-1.0)
    nearest = torch.topk(without_self, min(knn, rows - 1), dim=1).indices.numpy()
    joined = np.zeros((rows, rows), dtype=bool)
    np.put_along_axis(joined, nearest, True, axis=1)
    joined = (joined | joined.T) & (similarity > 0)
    np.fill_diagonal(joined, False)
    sources, neighbours = np.nonzero(joined)
    starts = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=rows))])
    return starts, neighbours, np.maximum(1, np.rint(similarity[sources, neighbours] * 1000)).astype(np.int64)


@settings(max_examples=30)
@given(mask=masks(40), knn=st.integers(1, 12))
def test_the_graph_is_that_of_all_pairs(mask: Mask, knn: int) -> None:
    expected = graph_of_all_pairs(similarity_tensor(mask, "jaccard", "cpu").numpy(), knn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strips, "CELLS", 60)
        found = neighbour_graph(rows_on_demand(mask), knn)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def fitted_of_all_pairs(groups: Groups, sizes: np.ndarray, similarity: np.ndarray) -> list[set[int]]:
    """Each time the cheapest move of all, from the affinity of every row to every group."""
    labels = np.zeros(len(similarity), dtype=np.int64)
    for label, group in enumerate(sorted(groups, key=len, reverse=True)):
        labels[group] = label
    targets = np.zeros(max(len(groups), len(sizes)), dtype=np.int64)
    targets[: len(sizes)] = np.sort(sizes)[::-1]
    whole = np.rint(similarity * 2**12).astype(np.int64)
    while ((current := np.bincount(labels, minlength=len(targets))) > targets).any():
        affinity = np.stack([whole[:, labels == label].sum(axis=1) for label in range(len(targets))], axis=1)
        movable, free = np.flatnonzero((current > targets)[labels]), np.flatnonzero(current < targets)
        gain = affinity[np.ix_(movable, free)] - affinity[movable, labels[movable]][:, None]
        best, slot = divmod(int(gain.argmax()), len(free))
        labels[movable[best]] = free[slot]
    return [set(np.flatnonzero(labels == label).tolist()) for label in np.flatnonzero(targets)]


@settings(max_examples=30)
@given(mask=masks(40), labels=st.integers(1, 6), height=st.integers(1, 12), seed=st.integers(0, 99))
def test_sizes_are_fitted_by_the_same_moves(mask: Mask, labels: int, height: int, seed: int) -> None:
    label = np.random.default_rng(seed).integers(0, labels, mask.rows)
    groups = tuple(np.flatnonzero(label == one) for one in np.unique(label))
    sizes = Goal(height=height).sizes(mask.rows)
    expected = fitted_of_all_pairs(groups, sizes, similarity_tensor(mask, "jaccard", "cpu").numpy())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strips, "CELLS", 60)
        found = fit_sizes(groups, sizes, rows_on_demand(mask))
    assert sorted(map(sorted, expected)) == sorted(sorted(group.tolist()) for group in found)


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(max_examples=15)
@given(layer=layers())
def test_strips_change_no_layout_and_no_number(name: str, layer: Layer) -> None:
    run = TRANSFORMS[name]()
    if "weight" in run.needs and layer.weight is None:
        return
    whole = run(layer, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity_module, "MOST_ROWS_WHOLE", 0)
        patch.setattr(strips, "CELLS", 60)
        layout = run(layer, device="cpu")
        numbers = report(layout, layer)
    assert layout.after == whole.after
    assert layout.row_order == whole.row_order
    expected = report(whole, layer)
    for one, other in ((numbers.energy, expected.energy), (numbers.magnitude, expected.magnitude)):
        assert one == other or one == pytest.approx(other, rel=1e-12)
    assert replace(numbers, energy=None, magnitude=None, seconds={}) == replace(
        expected, energy=None, magnitude=None, seconds={}
    )


@pytest.mark.parametrize("name", GROUPERS)
def test_strips_change_no_group(name: str, in_strips: None, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = Mask(np.random.default_rng(4).random((70, 90)) < 0.2)
    goal = Goal(height=16, similarity="cosine")
    here = GROUPERS[name](mask, goal, device="cpu")
    monkeypatch.setattr(similarity_module, "MOST_ROWS_WHOLE", mask.rows)
    there = GROUPERS[name](mask, goal, device="cpu")
    assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))


@pytest.mark.parametrize("name", [name for name in GROUPERS if GROUPERS[name].compares_rows])
def test_a_comparison_of_rows_says_where_it_stands_and_can_be_cancelled(name: str, in_strips: None) -> None:
    mask = Mask(np.random.default_rng(4).random((70, 90)) < 0.2)
    seen: list[Progress] = []
    GROUPERS[name](mask, Goal(height=8), device="cpu", monitor=Monitor(seen.append))
    stands = [each.done for each in seen if each.stage == "similarity"]
    assert stands == sorted(set(stands))
    assert len(stands) == mask.rows
    for after in (1, 30, len(seen) - 1):
        seen.clear()
        with pytest.raises(Cancelled):
            GROUPERS[name](
                mask, Goal(height=8), device="cpu", monitor=Monitor(seen.append, lambda after=after: len(seen) > after)
            )
        assert len(seen) == after + 1


@pytest.mark.parametrize("name", GROUPERS)
def test_what_would_not_fit_is_refused_before_it_is_tried(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    grouper, mask = GROUPERS[name], Mask(np.random.default_rng(0).random((512, 64)) < 0.3)
    needed = [grouper.bytes_needed(rows, 64, round(mask.density * rows * 64)) for rows in range(1, 513)]
    assert needed == sorted(needed)
    monkeypatch.setattr(base_module, "available_memory", lambda: needed[299])
    monkeypatch.setattr(type(grouper), "_group", lambda *_: pytest.fail("it was tried"))
    with pytest.raises(SettingError, match=r"expected at most 30\d rows of 64 columns .*; got 512: choose .*memory"):
        grouper(mask, Goal(height=8))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is in KiB on Linux alone")
def test_a_tall_layer_takes_less_than_a_matrix_of_its_rows_would() -> None:
    before, after = peak_of(3584, 1024)
    assert after - before < 190 * MIB
