"""Every number of a report against its definition, weight by weight."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.analysis.metrics import TILE, Report, block_densities, meanings, occupied_tiles, report, totals
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from tests.analysis.test_picture import layouts
from tests.strategies import layers, masks

NAMES = (
    "status",
    "reason",
    "density_before",
    "density_after",
    "sparsity_after",
    "coverage",
    "energy",
    "magnitude",
    "block_density",
    "fill_in",
    "blocks",
    "rows_per_block_mean",
    "cols_per_block_mean",
    "tile_size",
    "nonzero_tiles",
    "padding_waste",
    "flops_ratio",
    "efficacy",
    "seconds",
)
Pair = tuple[Layer, Layout]


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """A layer, with or without weights, and some layout of its mask."""
    layer = draw(layers())
    return layer, draw(layouts(st.just(layer.mask)))


def places(kept: np.ndarray) -> set[tuple[int, int]]:
    return {(row, col) for row, col in np.argwhere(kept).tolist()}


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def by_definition(layer: Layer, layout: Layout, tile: int) -> dict[str, Any]:
    """The numbers that weights decide, from sets of places."""
    before, after = places(layout.before.kept), places(layout.after.kept)
    inside = [(row, col) for block in layout.blocks for row in block.rows.tolist() for col in block.cols.tolist()]
    size, found = layout.before.kept.size, layout.status != "unblocked"
    numbers: dict[str, Any] = {
        "density_before": len(before) / size,
        "density_after": len(after) / size,
        "sparsity_after": 1 - len(after) / size,
        "coverage": share(len(before & after), len(before)) if found else None,
        "block_density": share(len(before & set(inside)), len(inside)),
        "fill_in": share(len(after - before), len(after)) or 0,
        "flops_ratio": len(after) / size,
        "blocks": len(layout.blocks),
    }
    for name, power in (("energy", 2), ("magnitude", 1)):
        numbers[name] = None
        if found and layer.weight is not None:
            worth = {place: abs(float(layer.weight[place])) ** power for place in before}
            numbers[name] = share(sum(worth[place] for place in before & after), sum(worth.values()))
    tiles = {(row // tile, col // tile) for row, col in after}
    count = len(tiles)
    if layout.blocks:
        cut = [{(i // tile, j // tile) for i in range(b.rows.size) for j in range(b.cols.size)} for b in layout.blocks]
        count = sum(map(len, cut))
    area = sum(tile * tile for _ in range(count))
    return numbers | {"nonzero_tiles": count, "padding_waste": (area - len(after)) / area if area else 0}


@given(pairs(), st.integers(1, 20))
def test_equal_their_definitions(pair: Pair, tile: int) -> None:
    layer, layout = pair
    numbers = report(layout, layer, tile=tile).as_json()
    for name, expected in by_definition(layer, layout, tile).items():
        # Differences of shares and sums of floats in another order: equal to rounding.
        assert numbers[name] == (None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-12)), name
    assert (numbers["status"], numbers["reason"]) == (layout.status, layout.reason)
    assert numbers["tile_size"] == tile


@given(pairs())
def test_shares_are_shares(pair: Pair) -> None:
    layer, layout = pair
    numbers = report(layout, layer)
    for name in ("coverage", "energy", "magnitude", "block_density"):
        value = getattr(numbers, name)
        assert value is None or 0 <= value <= 1, name
    for name in ("density_before", "density_after", "sparsity_after", "fill_in", "padding_waste", "flops_ratio"):
        assert 0 <= getattr(numbers, name) <= 1, name
    assert numbers.tile_size == TILE


@given(pairs())
def test_what_has_no_meaning_is_null(pair: Pair) -> None:
    layer, layout = pair
    numbers = report(layout, layer)
    assert (numbers.coverage is None) == (layout.status == "unblocked" or layer.mask.count == 0)
    if layer.weight is None or layout.status == "unblocked":
        assert numbers.energy is None
        assert numbers.magnitude is None
    for name in ("block_density", "rows_per_block_mean", "cols_per_block_mean"):
        assert (getattr(numbers, name) is None) == (not layout.blocks), name
    if layout.status == "unblocked":
        assert (numbers.density_after, numbers.fill_in) == (numbers.density_before, 0)


@given(pairs(), st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1))
def test_scaling_weights_or_permuting_rows_changes_nothing(pair: Pair, factor: float, seed: int) -> None:
    layer, layout = pair
    order = np.random.default_rng(seed).permutation(layer.mask.rows)
    place = np.argsort(order)
    moved = dataclasses.replace(
        layout,
        before=layout.before.permuted(order),
        after=layout.after.permuted(order),
        blocks=tuple(Block(place[block.rows], block.cols) for block in layout.blocks),
    )
    weight = None if layer.weight is None else layer.weight[order] * factor
    there = report(moved, Layer("moved", moved.before, weight)).as_json()
    here = report(layout, layer).as_json()
    if not layout.blocks:  # tiles of a mask are aligned to its rows
        here = {name: here[name] for name in here if name not in ("nonzero_tiles", "padding_waste")}
    for name, value in here.items():
        assert there[name] == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value), name


@given(pairs())
def test_block_densities_average_to_the_density_of_all_blocks(pair: Pair) -> None:
    layer, layout = pair
    each = block_densities(layout)
    areas = [block.area for block in layout.blocks]
    assert len(each) == len(areas)
    for block, density in zip(layout.blocks, each, strict=True):
        kept = [layout.before.kept[row, col] for row in block.rows for col in block.cols]
        assert density == pytest.approx(sum(kept) / len(kept))
    if areas:
        assert np.average(each, weights=areas) == pytest.approx(report(layout, layer).block_density)


@given(masks(), st.integers(1, 60))
def test_occupied_tiles(mask: Mask, tile: int) -> None:
    assert occupied_tiles(mask, tile) == len({(row // tile, col // tile) for row, col in places(mask.kept)})


def test_by_hand() -> None:
    """A 2 x 3 block over [[1, -2, 0], [0, 3, 4]], the 4 left outside."""
    weight = np.array([[1.0, -2.0, 9.0], [9.0, 3.0, 4.0]])
    layer = Layer("toy", Mask(np.array([[True, True, False], [False, True, True]])), weight)
    layout = Layout.from_blocks(layer.mask, [Block(np.arange(2), np.array([0, 1]))], reason="", seconds={"a": 1.5})
    numbers = report(layout, layer, tile=2)
    assert (numbers.coverage, numbers.magnitude, numbers.energy) == (3 / 4, 6 / 10, 14 / 30)
    assert (numbers.block_density, numbers.fill_in, numbers.padding_waste) == (3 / 4, 1 / 4, 0)
    assert (numbers.blocks, numbers.rows_per_block_mean, numbers.cols_per_block_mean) == (1, 2, 2)
    assert (numbers.nonzero_tiles, numbers.efficacy, numbers.seconds) == (1, None, {"a": 1.5})


def test_kept_weights_that_are_all_zero_have_no_energy() -> None:
    layer = Layer("toy", Mask(np.eye(3, dtype=bool)), np.zeros((3, 3), np.float32))
    layout = Layout.from_blocks(layer.mask, [Block(np.arange(2), np.arange(2))], reason="")
    numbers = report(layout, layer)
    assert (numbers.energy, numbers.magnitude) == (None, None)
    assert numbers.coverage == 2 / 3


def test_efficacy_comes_from_the_transform() -> None:
    layer = Layer("toy", Mask(np.eye(4, dtype=bool)))
    layout = Layout.masked(layer.mask, Mask(np.eye(4, dtype=bool)), reason="N:M", figures={"efficacy": 40.0})
    assert report(layout, layer).efficacy == 40.0


def test_names_and_meanings() -> None:
    assert tuple(field.name for field in dataclasses.fields(Report)) == NAMES
    assert tuple(meanings()) == NAMES
    assert all(len(text) > 8 for text in meanings().values())
    assert len(set(meanings().values())) == len(NAMES)


@given(st.lists(pairs(), max_size=3))
def test_json(several: list[Pair]) -> None:
    results = [(layer, layout, report(layout, layer)) for layer, layout in several]
    for _, _, numbers in results:
        document = numbers.as_json()
        assert tuple(document) == NAMES
        assert json.loads(json.dumps(document, allow_nan=False)) == document
    total = totals(results)
    assert json.loads(json.dumps(total, allow_nan=False)) == total


@given(st.lists(pairs(), min_size=1, max_size=4))
def test_totals_are_sums_over_weights(several: list[Pair]) -> None:
    results = [(layer, layout, report(layout, layer)) for layer, layout in several]
    total = totals(results)
    before = np.concatenate([layout.before.kept.reshape(-1) for _, layout in several])
    after = np.concatenate([layout.after.kept.reshape(-1) for _, layout in several])
    assert (total["layers"], total["weights"]) == (len(several), before.size)
    assert total["blocked"] == sum(layout.status == "blocked" for _, layout in several)
    assert total["density_before"] == pytest.approx(before.mean())
    assert total["density_after"] == total["flops_ratio"] == pytest.approx(after.mean())
    found = [layout for _, layout in several if layout.status != "unblocked"]
    kept = sum(len(places(layout.before.kept)) for layout in found)
    stays = sum(len(places(layout.before.kept) & places(layout.after.kept)) for layout in found)
    assert total["coverage"] == (pytest.approx(stays / kept) if kept else None)


def test_a_large_layer_counts_for_more_than_a_small_one() -> None:
    small, large = Mask(np.ones((1, 1), bool)), Mask(np.eye(20, dtype=bool))
    layers_ = [Layer("small", small), Layer("large", large)]
    blocks = [[Block(np.array([0]), np.array([0]))], [Block(np.arange(10), np.arange(10))]]
    seconds = [{"grouping": 1.0}, {"grouping": 2.0, "selection": 0.5}]
    layouts_ = [
        Layout.from_blocks(layer.mask, chosen, reason="", seconds=took)
        for layer, chosen, took in zip(layers_, blocks, seconds, strict=True)
    ]
    total = totals([(*pair, report(pair[1], pair[0])) for pair in zip(layers_, layouts_, strict=True)])
    assert total["coverage"] == 11 / 21  # the mean of 1 and 1/2 would be 3/4
    assert total["density_after"] == 101 / 401
    assert total["seconds"] == 3.5


@pytest.mark.parametrize("scale", [2.0**900, 2.0**1000])
def test_shares_are_the_same_at_any_scale(scale: float) -> None:
    weight = np.array([[4.0, 3.0, 0.0], [0.0, 2.0, 1.0]])
    told = []
    for values in (weight, weight * scale):
        layer = Layer("a", Mask(weight != 0), weight=values)
        block = Block(np.array([0, 1]), np.array([0, 1]))
        told.append(report(Layout.from_blocks(layer.mask, [block], reason=""), layer))
    assert (told[0].energy, told[0].magnitude) == (told[1].energy, told[1].magnitude) == (29 / 30, 9 / 10)
