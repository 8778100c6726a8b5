"""Prune: exact counts, one order for ties, and all layers ranked together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis.metrics import report
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.transforms import Prune
from sparselab.transforms.prune import keep_largest
from tests.strategies import layers


def full(*values: list[float]) -> Layer:
    weight = np.array(values)
    return Layer("layer", Mask(np.ones(weight.shape, bool)), weight=weight)


@settings(max_examples=60)
@given(st.lists(layers(), min_size=1, max_size=3), st.floats(0, 1), st.sampled_from(["global", "layer"]))
def test_counts_are_exact(several: list[Layer], sparsity: float, scope: str) -> None:
    layouts = Prune(sparsity, scope, "random").over(several, rng=np.random.default_rng(0))
    sizes, kept = ([f(layer.mask) for layer in several] for f in (lambda mask: mask.kept.size, lambda mask: mask.count))
    after = [layout.after.count for layout in layouts]
    if scope == "global":
        assert sum(after) == min(sum(kept), round((1 - sparsity) * sum(sizes)))
    else:
        assert after == [min(k, round((1 - sparsity) * size)) for k, size in zip(kept, sizes, strict=True)]
    for layout in layouts:
        assert layout.covered == layout.after


def test_ties_lose_the_lower_index() -> None:
    """In order of (|w|, index) over both layers: -1 at 0, 1 at 2, 1 at 5, then 2, 3, 4."""
    layers_ = [full([-1, 3], [1, 2]), full([4, 1])]
    expected = {4: ([[0, 1], [0, 1]], [[1, 1]]), 3: ([[0, 1], [0, 1]], [[1, 0]]), 2: ([[0, 1], [0, 0]], [[1, 0]])}
    for count, masks in expected.items():
        after = keep_largest([np.abs(layer.weight) for layer in layers_], [layer.mask for layer in layers_], count)  # type: ignore[arg-type]
        assert [mask.kept.astype(int).tolist() for mask in after] == list(masks)


def test_scope_decides_between_a_large_and_a_small_layer() -> None:
    layers_ = [full([1, 2, 3, 4]), full([10, 20, 30, 40])]
    together, apart = (Prune(0.5, scope).over(layers_, rng=np.random.default_rng(0)) for scope in ("global", "layer"))
    assert [layout.after.count for layout in together] == [0, 4]
    assert [layout.after.count for layout in apart] == [2, 2]
    alone = Prune(0.5)(layers_[0], rng=np.random.default_rng(0))
    assert alone.after == apart[0].after


def test_a_dropped_weight_never_comes_back() -> None:
    """A mask sparser than asked stays as it is, even where a dropped weight is large."""
    layer = Layer("layer", Mask(np.array([[True, False, False, False]])), weight=np.array([[0.1, 9.0, 9.0, 9.0]]))
    layout = Prune(0.5)(layer, rng=np.random.default_rng(0))
    assert layout.after == layer.mask


def test_its_layout_has_numbers_and_a_reason() -> None:
    layer = full([1, -2, 3, -4])
    layout = Prune(0.5)(layer, rng=np.random.default_rng(0))
    numbers = report(layout, layer)
    assert (layout.status, layout.reason) == ("masked", "pruning chooses weights one by one and makes no blocks")
    assert (numbers.coverage, numbers.magnitude, numbers.energy) == (0.5, 0.7, 25 / 30)
    assert (numbers.blocks, numbers.block_density, numbers.fill_in) == (0, None, 0.0)
    assert Prune(0.0)(layer, rng=np.random.default_rng(0)).status == "dense"


def test_magnitudes_need_weights() -> None:
    with pytest.raises(SettingError, match="score=magnitude needs weights, and toy is a mask alone: use score=random"):
        Prune()(Layer("toy", Mask(np.ones((2, 2), bool))), rng=np.random.default_rng(0))
