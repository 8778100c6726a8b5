"""What "best" means: energy where a layer has weights, else the number of weights; level ones are all best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis.metrics import report
from sparselab.analysis.worth import best_of, measure_of, share_in_cells, worth_of
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.transforms import Regroup
from tests.strategies import layers


def kept_in(layout: Layout, layer: Layer) -> float:
    """The share that the blocks of a layout keep, without its report."""
    chosen = np.zeros((len(layout.blocks), layer.mask.cols), dtype=bool)
    for row, block in zip(chosen, layout.blocks, strict=True):
        row[block.cols] = True
    return share_in_cells(layer)([block.rows for block in layout.blocks], chosen)


@settings(max_examples=60)
@given(layers())
def test_the_share_in_cells_is_that_of_the_report(layer: Layer) -> None:
    layout = Regroup(rows_per_group=4, grouper="natural", weigh="count")(layer, rng=0, device="cpu")
    numbers = report(layout, layer)
    assert worth_of(numbers) == worth_of(numbers.as_json())
    assert kept_in(layout, layer) == pytest.approx(max(worth_of(numbers), 0.0))


def test_weights_whose_squares_have_no_place_among_the_floats_are_compared_all_the_same() -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((8, 12))
    layer = Layer("layer", Regroup()(rng.random((8, 12)) < 0.4).before, weight=weight)
    layout = Regroup(rows_per_group=2, grouper="natural")(layer, device="cpu")
    for scale in (1e-200, 1e200):
        assert kept_in(layout, replace(layer, weight=weight * scale)) == pytest.approx(kept_in(layout, layer))


def test_energy_decides_where_there_is_any() -> None:
    assert measure_of({"energy": 0.0, "coverage": 1.0}) == "energy"
    assert measure_of({"energy": None, "coverage": 0.4}) == "coverage"
    assert best_of([{"energy": 0.8, "coverage": 0.6}, {"energy": 0.9, "coverage": 0.5}]) == (1,)


@given(st.lists(st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=6))
def test_the_best_are_all_that_nobody_exceeds(kept: list[float | None]) -> None:
    found = best_of([{"energy": None, "coverage": share} for share in kept])
    shares = [share for share in kept if share is not None]
    assert found == tuple(place for place, share in enumerate(kept) if share is not None and share == max(shares))
