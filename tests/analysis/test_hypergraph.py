import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.analysis.hypergraph import Hypergraph
from sparselab.core.errors import SparselabError
from sparselab.core.mask import Mask
from tests.strategies import masks


@given(masks(16), st.integers(1, 5), st.integers(0, 99))
def test_metrics_equal_brute_force(mask: Mask, parts: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, parts, mask.rows)
    spreads = [len({labels[row] for row in range(mask.rows) if mask.kept[row, col]}) for col in range(mask.cols)]
    metrics = Hypergraph(mask).metrics(labels, parts)
    assert metrics.cut == sum(spread > 1 for spread in spreads)
    assert metrics.km1 == sum(max(spread - 1, 0) for spread in spreads)
    assert metrics.soed == metrics.km1 + metrics.cut
    largest = max(int((labels == part).sum()) for part in range(parts))
    assert metrics.imbalance == pytest.approx(largest / -(-mask.rows // parts) - 1)


@given(masks(16))
def test_nets_and_pins(mask: Mask) -> None:
    graph = Hypergraph(mask)
    assert sum(net.size for net in graph.nets) == graph.pins == mask.count
    used = [np.flatnonzero(mask.kept[:, col]).tolist() for col in range(mask.cols) if mask.kept[:, col].any()]
    assert [net.tolist() for net in graph.nets] == used


def test_the_best_of_all_partitions_of_a_small_graph() -> None:
    """Two pairs of equal rows: of all ways to halve them, only keeping the pairs together cuts nothing."""
    mask = Mask(np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]], dtype=bool))
    costs = {
        halves: Hypergraph(mask).metrics(np.array(halves), 2).km1
        for halves in itertools.product((0, 1), repeat=4)
        if sum(halves) == 2
    }
    assert min(costs, key=lambda halves: costs[halves]) in [(0, 1, 0, 1), (1, 0, 1, 0)]
    assert min(costs.values()) == 0


def test_labels_must_fit() -> None:
    with pytest.raises(SparselabError, match="labels in 0"):
        Hypergraph(Mask(np.ones((2, 2), bool))).metrics(np.array([0, 2]), 2)
