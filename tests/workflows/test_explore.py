"""What the Explore page is told: the same as running the transform, and nothing stale."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from sparselab.analysis.invariants import check_invariants
from sparselab.analysis.metrics import block_densities, report
from sparselab.analysis.similarity import jaccard_similarity
from sparselab.core.errors import Cancelled, SettingError, SparselabError
from sparselab.core.mask import Mask
from sparselab.formats import ReadOptions, load_layer, read_ticket
from sparselab.runtime import messages
from sparselab.runtime.progress import Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.workflows import explore as explore_module
from sparselab.workflows.explore import View, explore
from tests.strategies import HARD, masks

REGROUP = {"grouper": "random", "rows_per_group": 4}


def write(path: Path, kept: np.ndarray, *, weights: bool = True) -> str:
    parts = {"fc.weight_mask": kept}
    if weights:
        parts["fc.weight_orig"] = np.random.default_rng(1).standard_normal(kept.shape).astype(np.float32)
    np.savez(path, **parts)
    return str(path)


def view_of(path: str, transform: str = "regroup", values: dict[str, Any] | None = None, seed: int = 0) -> View:
    """What the page gets: through the worker's pipe and back."""
    values = REGROUP if values is None else values
    answer = explore(path, "fc.weight", transform, values, seed, ReadOptions(), "cpu")
    return View.unpack(messages.load(messages.dump(answer)))


@pytest.fixture
def noise(tmp_path: Path) -> str:
    return write(tmp_path / "noise.npz", np.random.default_rng(0).random((24, 30)) < 0.3)


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_is_what_the_transform_gives(name: str, kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / "hard.npz", HARD[kind])
    view = view_of(path, name, {}, seed=3)
    layer = read_ticket(path)["fc.weight"]
    layout = TRANSFORMS[name]()(layer, rng=np.random.default_rng(3), device="cpu")
    assert (view.layout.before, view.layout.after, view.layout.blocks) == (layer.mask, layout.after, layout.blocks)
    assert (view.layout.row_order, view.layout.col_order) == (layout.row_order, layout.col_order)
    numbers = report(layout, layer).as_json()
    assert view.report.keys() == numbers.keys()
    assert {key: value for key, value in view.report.items() if key != "seconds"} == {
        key: value for key, value in numbers.items() if key != "seconds"
    }
    assert view.invariants == check_invariants(layout, layer)
    assert np.array_equal(view.block_densities, block_densities(layout))


def test_the_seed_decides(noise: str) -> None:
    assert view_of(noise, seed=5).layout.after == view_of(noise, seed=5).layout.after
    assert len({view_of(noise, seed=seed).layout.after for seed in range(5)}) > 1


def pooled_by_hand(similarity: np.ndarray, most: int) -> np.ndarray:
    """Mean similarity of different rows per area, 0-255; an area of one row with itself has none."""
    rows = len(similarity)
    step = next(step for step in range(1, rows + 1) if -(-rows // step) <= most)
    areas = [range(start, min(start + step, rows)) for start in range(0, rows, step)]
    table = np.zeros((len(areas), len(areas)))
    for a, here in enumerate(areas):
        for b, there in enumerate(areas):
            values = [float(similarity[i, j]) for i in here for j in there if i != j]
            table[a, b] = 255 * sum(values) / len(values) if values else 0
    return table


@settings(max_examples=60)
@given(mask=masks(24))
def test_pooled_similarity_is_the_mean_of_each_area(mask: Mask) -> None:
    similarity = jaccard_similarity(mask, device="cpu")
    for most in (1, 3, 7, 256):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(explore_module, "_SIMILARITY_PIXELS", most)
            pooled = explore_module._pooled(similarity, np.arange(mask.rows))
        expected = pooled_by_hand(similarity, most)
        assert pooled.shape == expected.shape
        assert pooled.dtype == np.uint8
        assert np.abs(pooled - expected).max() <= 0.5 + 1e-4  # rounded to whole levels, and nothing else


def test_similarity_is_shown_before_and_after_in_its_order(tmp_path: Path) -> None:
    kept = np.random.default_rng(2).random((301, 20)) < 0.3  # more rows than pixels, and an odd last one
    view = view_of(write(tmp_path / "tall.npz", kept))
    similarity = jaccard_similarity(Mask(kept), device="cpu")
    order = view.layout.row_order.order
    assert order.tolist() != list(range(301))
    for pooled, table in ((view.similarity_before, similarity), (view.similarity_after, similarity[order][:, order])):
        assert pooled.shape == (151, 151)
        assert np.abs(pooled - pooled_by_hand(table, 256)).max() <= 0.5 + 1e-4


def test_a_file_that_was_changed_is_read_again(noise: str) -> None:
    before = view_of(noise).layout.before
    changed = ~before.kept
    modified = Path(noise).stat().st_mtime_ns
    write(Path(noise), changed)
    os.utime(noise, ns=(modified + 1, modified + 1))
    assert view_of(noise).layout.before == Mask(changed)


def test_the_same_file_is_read_once(noise: str) -> None:
    first = load_layer(noise, "fc.weight", ReadOptions())
    view_of(noise)
    assert load_layer(noise, "fc.weight", ReadOptions()) is first


def test_mistakes_are_told_in_words(noise: str, tmp_path: Path) -> None:
    alone = write(tmp_path / "alone.npz", HARD["column"], weights=False)
    with pytest.raises(SettingError, match="weigh=energy needs weights"):
        view_of(alone, values={"weigh": "energy"})
    with pytest.raises(SettingError, match="rows_per_group: expected"):
        view_of(noise, values={"rows_per_group": 0})
    with pytest.raises(SparselabError, match=r"one of the layers fc\.weight; got 'conv'"):
        explore(noise, "conv", "regroup", {}, 0, ReadOptions(), "cpu")


def test_a_file_that_is_gone_is_told_in_words(noise: str) -> None:
    view_of(noise)
    Path(noise).unlink()
    with pytest.raises(SparselabError, match=r"noise\.npz"):
        view_of(noise)


def test_a_cancel_is_heard(noise: str) -> None:
    with pytest.raises(Cancelled):
        explore(noise, "fc.weight", "regroup", {}, 0, ReadOptions(), "cpu", monitor=Monitor(cancelled=lambda: True))
