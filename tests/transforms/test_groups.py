"""Rows of different groups of a convolution see different inputs: no transform and no grouper puts them together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis.invariants import check_invariants
from sparselab.core.errors import SettingError
from sparselab.core.groups import block_diagonal, cut_at_groups, diagonal_matrix, join_groups, split_groups
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.grouping import GROUPERS, Goal
from sparselab.kernels.base import work_of
from sparselab.transforms import TRANSFORMS
from tests.strategies import setting_values


@st.composite
def grouped_layers(draw: st.DrawFn) -> Layer:
    """A convolution of 2 to 6 groups, some of them without a kept weight, down to one row in each."""
    groups, height, cols = draw(st.integers(2, 6)), draw(st.integers(1, 12)), draw(st.sampled_from([9, 18, 36]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    patterns = rng.random((3, cols)) < draw(st.sampled_from([0.1, 0.4]))
    kept = patterns[rng.integers(0, 3, groups * height)]
    if draw(st.booleans()):
        kept[:height] = False
    weight, rewound = (rng.standard_normal(kept.shape).astype(np.float32) for _ in range(2))
    return Layer(
        "conv",
        Mask(kept),
        weight * kept,
        rewound,
        features=rng.random((len(kept), 3)),
        kernel_shape=(3, 3),
        groups=groups,
    )


def within_groups(layout: Layout, groups: int) -> bool:
    height = layout.before.rows // groups
    return all(np.unique(block.rows // height).size == 1 for block in layout.blocks)


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(max_examples=15)
@given(data=st.data(), layer=grouped_layers())
def test_no_transform_puts_rows_of_two_groups_together(name: str, data: st.DataObject, layer: Layer) -> None:
    values = data.draw(setting_values(TRANSFORMS[name]))
    if values.get("grouper") in ("hypergraph", "spectral"):
        values["grouper"] = "natural"
    try:
        run = TRANSFORMS[name](**values)
        layout = run(layer, rng=7, device="cpu")
    except SettingError:
        return
    assert within_groups(layout, layer.groups)
    assert layout.before == layer.mask
    assert all(law.holds for law in check_invariants(layout, layer))
    if run.splits_groups:
        rng = np.random.default_rng(7)
        parts = [run(part, rng=rng, device="cpu") for part in split_groups(layer)]
        assert layout.blocks == join_groups(parts).blocks
        if not layout.blocks or layout.status == "masked":
            stacked = np.concatenate([part.after.kept for part in parts])
            assert np.array_equal(layout.after.kept, stacked)
    else:
        whole = run(replace(layer, groups=1), rng=7, device="cpu")
        assert layout.after == whole.after
    (alone,) = run.over([layer], rng=7, device="cpu")
    assert (alone.after, alone.blocks) == (layout.after, layout.blocks)


@pytest.mark.parametrize("name", GROUPERS)
def test_no_grouper_puts_rows_of_two_groups_together(name: str) -> None:
    kept = np.random.default_rng(0).random((24, 18)) < 0.4
    layer = Layer("conv", Mask(kept), kernel_shape=(3, 3), groups=3)
    found = GROUPERS[name](layer, Goal(height=3), device="cpu")
    assert sorted(np.concatenate(found).tolist()) == list(range(24))
    assert all(np.unique(rows // 8).size == 1 for rows in found)
    first = GROUPERS[name](kept[:8], Goal(height=3), device="cpu")
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(found, first, strict=False))


@given(layer=grouped_layers())
def test_the_block_diagonal_matrix_is_the_same_product(layer: Layer) -> None:
    layout = cut_at_groups(TRANSFORMS["refill"]()(replace(layer, groups=1), rng=0, device="cpu"), layer.groups)
    assert layer.weight is not None
    height, cols = layer.mask.rows // layer.groups, layer.mask.cols
    inputs = np.random.default_rng(1).standard_normal((layer.groups, cols))
    weight = layer.weight * layout.after.kept
    apart = np.concatenate([weight[i * height : (i + 1) * height] @ x for i, x in enumerate(inputs)])
    diagonal = block_diagonal(layout, layer.groups)
    whole = diagonal_matrix(layer.weight, layer.groups) * diagonal.after.kept
    assert np.allclose(whole @ inputs.ravel(), apart)
    assert diagonal.after.count == (layout.after.count if layout.blocks else diagonal.before.count)


def test_a_grouped_layer_is_never_measured_as_an_ungrouped_one() -> None:
    layer = Layer("conv", Mask(np.ones((8, 9), bool)), kernel_shape=(3, 3), groups=4)
    layout = TRANSFORMS["regroup"]()(layer, device="cpu")
    products: list[dict[str, Any]] = [{"positions": 4}, {"images": (1, 1, 8, 8)}]
    for product in products:
        with pytest.raises(SettingError, match="grouped convolution: 4 groups of 2 rows"):
            work_of(layer, layout, **product)
