import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis.metrics import report
from sparselab.analysis.tiles import tile_view
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.transforms import Regroup
from tests.strategies import layers


@settings(max_examples=60)
@given(layers(), st.sampled_from([4, 8, 16]), st.sampled_from(["budget", "threshold", "ratio"]))
def test_agrees_with_the_report(layer: Layer, tile: int, rule: str) -> None:
    layout = Regroup(rule=rule, rows_per_group=8, grouper="natural")(layer, rng=np.random.default_rng(0), device="cpu")
    seen, numbers = tile_view(layout, tile), report(layout, layer, tile=tile)
    assert seen.tiles == numbers.nonzero_tiles
    assert seen.padding_waste == pytest.approx(numbers.padding_waste)
    assert seen.tiles == (seen.densities >= 0).sum()
    kept = layout.covered.count if layout.blocks else layout.before.count
    area = seen.tiles * tile * tile
    assert seen.zeros_computed == pytest.approx(1 - kept / area if area else 0.0)


def test_a_block_of_five_by_three_in_tiles_of_four() -> None:
    kept = np.zeros((5, 8), bool)
    kept[:, [1, 4, 6]] = True
    layout = Layout.from_blocks(Mask(kept), [Block(np.arange(5), np.array([1, 4, 6]))], reason="")
    seen = tile_view(layout, 4)
    assert seen.densities.tolist() == [[12 / 16], [3 / 16]]
    assert seen.padding_waste == seen.zeros_computed == 1 - 15 / 32
