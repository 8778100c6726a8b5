"""Every grouper, on every kind of mask."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import squareform

from sparselab.analysis.similarity import SIMILARITIES, similarity_tensor
from sparselab.core.errors import SettingError
from sparselab.core.mask import Mask
from sparselab.formats import ReadOptions, read_ticket
from sparselab.grouping import GROUPERS, Goal, Groups
from sparselab.grouping.linkage import Merges, chain_merges, cut_tree, scipy_merges
from sparselab.grouping.sizes import fit_sizes
from tests.strategies import masks

goals = st.builds(Goal, height=st.integers(1, 20)) | st.builds(Goal, count=st.integers(1, 8))


def groups_of(name: str, mask: Mask, goal: Goal, seed: int = 0) -> Groups:
    return GROUPERS[name](mask, goal, rng=np.random.default_rng(seed), device="cpu")


@pytest.mark.parametrize("name", GROUPERS)
@settings(max_examples=25)
@given(mask=masks(), goal=goals)
def test_every_row_is_in_one_group_and_promised_sizes_are_kept(name: str, mask: Mask, goal: Goal) -> None:
    groups = groups_of(name, mask, goal)
    assert sorted(np.concatenate(groups).tolist()) == list(range(mask.rows))
    if goal.height is not None:
        sizes = [group.size for group in groups]
        assert sizes == goal.sizes(mask.rows).tolist()
        assert all(size == goal.height for size in sizes[:-1])
    else:
        assert len(groups) <= min(goal.count or 0, mask.rows)
    again = groups_of(name, mask, goal)
    assert all(np.array_equal(a, b) for a, b in zip(groups, again, strict=True))


@pytest.mark.parametrize("name", [name for name in GROUPERS if GROUPERS[name].finds_planted_groups])
def test_finds_planted_groups(name: str) -> None:
    rng = np.random.default_rng(1)
    # Columns apart: co-clustering gives each column to one group, and shared columns are not what it looks for.
    patterns = (np.arange(200) % 4 == np.arange(4)[:, None]) & (rng.random((4, 200)) < 0.8)
    hidden = rng.permutation(np.repeat(np.arange(4), 8))
    for goal in (Goal(height=8), Goal(count=4)):
        groups = groups_of(name, Mask(patterns[hidden]), goal)
        assert all(len(set(hidden[group])) == 1 for group in groups)


@pytest.mark.parametrize("name", GROUPERS)
def test_every_grouper_says_what_it_is_and_a_control_promises_nothing(name: str) -> None:
    grouper = GROUPERS[name]
    assert grouper.title
    assert grouper.source
    assert type(grouper).__doc__
    assert not (grouper.is_control and grouper.finds_planted_groups)
    assert grouper.is_control or not grouper.by_chance


@pytest.mark.parametrize("name", GROUPERS)
def test_threads_do_not_change_the_answer(name: str) -> None:
    mask = Mask(np.random.default_rng(2).random((96, 300)) < 0.2)
    before = torch.get_num_threads()
    try:
        answers = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            answers.append(groups_of(name, mask, Goal(height=16), seed=3))
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(*answers, strict=True))


@pytest.mark.parametrize("goal", [{}, {"height": 2, "count": 2}, {"height": 0}, {"count": -1}])
def test_a_goal_is_one_of_two(goal: dict[str, int]) -> None:
    with pytest.raises(SettingError, match="either rows per group or a number of groups"):
        Goal(**goal)


def merges_of_scipy(distance: torch.Tensor) -> Merges:
    return scipy_merges(squareform(distance.numpy(), checks=False), len(distance))


WAYS = {"scipy": merges_of_scipy, "chain": chain_merges}


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40)
@given(mask=masks(), clusters=st.integers(1, 12), kind=st.sampled_from(list(SIMILARITIES)))
def test_linkage_forms_scikit_learns_clusters(way: str, mask: Mask, clusters: int, kind: str) -> None:
    from sklearn.cluster import AgglomerativeClustering

    clusters = min(clusters, mask.rows)
    distance = 1.0 - similarity_tensor(mask, kind, "cpu").double()
    ours = cut_tree(WAYS[way](distance), clusters)
    assert sorted(set(ours.tolist())) == list(range(clusters))
    if mask.rows > 1:
        model = AgglomerativeClustering(clusters, metric="precomputed", linkage="complete")
        theirs = model.fit_predict(distance.numpy())
        assert len({*zip(ours.tolist(), theirs.tolist(), strict=True)}) == clusters


@pytest.mark.parametrize("name", ["rn50-mag-0.9-g3_2", "rn50-vd-0.9-g3_2", "tr-mag-0.9-l2v"])
def test_both_ways_cluster_real_layers_alike_ties_included(dlmc: Path, name: str) -> None:
    mask = next(iter(read_ticket(dlmc / f"{name}.smtx", ReadOptions()))).mask
    for kind in SIMILARITIES:
        distance = 1.0 - similarity_tensor(mask, kind, "cpu").double()
        here, there = merges_of_scipy(distance), chain_merges(distance)
        for clusters in (2, 8, mask.rows // 32, mask.rows // 16, mask.rows // 2):
            assert np.array_equal(cut_tree(here, clusters), cut_tree(there, clusters))


@pytest.mark.gpu
@given(mask=masks(), clusters=st.integers(1, 12))
def test_the_chain_on_cuda(mask: Mask, clusters: int) -> None:
    distance = 1.0 - similarity_tensor(mask, "cosine", "cpu").double()
    here, there = merges_of_scipy(distance), chain_merges(distance.cuda())
    assert np.array_equal(cut_tree(here, clusters), cut_tree(there, clusters))


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 12), st.integers(0, 999))
def test_fitting_sizes_moves_no_more_rows_than_needed(rows: int, labels: int, height: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, labels, rows)
    groups = tuple(np.flatnonzero(label == i) for i in np.unique(label))
    similarity = rng.random((rows, rows), dtype=np.float32)
    sizes = Goal(height=height).sizes(rows)
    fitted = fit_sizes(groups, sizes, (similarity + similarity.T) / 2)
    assert [group.size for group in fitted] == sizes.tolist()
    assert sorted(np.concatenate(fitted).tolist()) == list(range(rows))
    if sorted(map(len, groups)) == sorted(sizes.tolist()):
        assert {tuple(group) for group in groups} == {tuple(group) for group in fitted}
