"""N:M: the pattern at every kernel position, the searches against brute force, and the published efficacies."""

from __future__ import annotations

import itertools
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sparselab.analysis.metrics import report
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms import NM
from sparselab.transforms.n_m.arrangements import arrangements
from sparselab.transforms.n_m.channel_permutation import Limit
from sparselab.transforms.n_m.stripe_search import stripe_search
from sparselab.transforms.n_m.swap_search import swap_search
from sparselab.transforms.n_m.windows import efficacy, keep_in_windows, unstructured_bound
from tests.strategies import layers

CPU = torch.device("cpu")


def run(layer: Layer, monitor: Monitor = SILENT, **values: object) -> Layout:
    return NM(**values)(layer, rng=np.random.default_rng(0), device="cpu", monitor=monitor)  # type: ignore[arg-type]


def noise(rows: int, channels: int, seed: int = 0) -> Layer:
    weight = np.random.default_rng(seed).standard_normal((rows, channels))
    return Layer("noise", Mask(np.ones(weight.shape, bool)), weight=weight)


def whole(rows: int, channels: int, seed: int) -> torch.Tensor:
    """Whole numbers from 0 to 9: ties come often."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 10, (rows, channels)).astype(np.float64))


def kept_sum(values: torch.Tensor, order: np.ndarray, n: int, m: int) -> float:
    """What the pattern keeps, window by window and row by row."""
    windows = [order[start : start + m] for start in range(0, order.size, m)]
    return sum(sum(sorted(row[window].tolist())[-n:]) for row in values.numpy() for window in windows)


class TestPattern:
    @settings(max_examples=80)
    @given(layers(), st.integers(1, 4), st.integers(2, 6), st.sampled_from(["none", "swap", "stripe"]))
    def test_at_most_n_in_every_window_of_the_order_shown(self, layer: Layer, n: int, m: int, permute: str) -> None:
        assume(n <= m)
        layout = run(layer, n=n, m=m, permute=permute, escapes=2)
        assert layout.covered == layout.after
        channels = layer.mask.cols // prod(layer.kernel_shape or ())
        shown = layout.after.permuted(cols=layout.col_order.order).kept
        could = layer.mask.permuted(cols=layout.col_order.order).kept
        for start in range(0, layer.mask.cols, channels):  # one kernel position after another
            for window in range(start, start + channels, m):
                stop = min(window + m, start + channels)
                kept, before = shown[:, window:stop].sum(axis=1), could[:, window:stop].sum(axis=1)
                assert (kept <= n).all()
                if layer.weight is None:
                    assert np.array_equal(kept, np.minimum(before, n))

    def test_windows_run_along_input_channels(self) -> None:
        """A 1 x 1 x 2 convolution of four channels: columns run c0k0 c0k1 c1k0 ...; position 0 holds 1 2 3 4, 1 holds 8 7 6 5."""
        weight = np.array([[1.0, 8, 2, 7, 3, 6, 4, 5]])
        layer = Layer("conv", Mask(np.ones((1, 8), bool)), weight=weight, kernel_shape=(1, 2))
        layout = run(layer)
        assert layout.after.kept.astype(int).tolist() == [[0, 1, 0, 1, 1, 0, 1, 0]]
        assert layout.col_order.order.tolist() == [0, 2, 4, 6, 1, 3, 5, 7]

    def test_ties_go_to_the_lower_index_and_dropped_weights_stay_dropped(self) -> None:
        kept = np.array([[True, True, True, True, False, True, False, False]])
        layer = Layer("toy", Mask(kept), weight=np.array([[1.0, 1, 1, 1, 9, 2, 9, 9]]))
        assert run(layer).after.kept.astype(int).tolist() == [[1, 1, 0, 0, 0, 1, 0, 0]]
        masked = run(Layer("toy", Mask(kept)))
        assert masked.after.kept.astype(int).tolist() == [[1, 1, 0, 0, 0, 1, 0, 0]]
        assert masked.notes["weights chosen by"] == "position: the layer has no weights"

    def test_the_report_has_its_numbers(self) -> None:
        layer = noise(8, 16)
        layout = run(layer, permute="swap")
        numbers = report(layout, layer)
        assert (layout.status, numbers.blocks) == ("masked", 0)
        assert numbers.coverage == numbers.density_after == 0.5
        assert numbers.efficacy == layout.figures["efficacy"]
        assert report(run(layer), layer).efficacy == 0
        assert report(run(layer, n=4), layer).status == "dense"
        assert report(run(layer, n=4), layer).efficacy is None

    def test_settings_that_do_not_suit(self) -> None:
        with pytest.raises(SettingError, match="expected n up to m; got 3 of 2"):
            NM(n=3, m=2)
        with pytest.raises(SettingError, match="expected m up to 8; got 16: use permute=swap"):
            run(noise(4, 64), m=16, permute="stripe")


class TestEfficacy:
    def test_natural_is_0_and_unstructured_100(self) -> None:
        assert efficacy(10, 10, 20) == 0
        assert efficacy(15, 10, 20) == 50
        assert efficacy(20, 10, 20) == 100
        assert efficacy(10, 10, 10) is None

    @given(st.integers(1, 5), st.integers(1, 11), st.integers(0, 99), st.integers(1, 4), st.sampled_from([1, 2]))
    def test_the_bound_is_per_row_at_the_same_density(
        self, rows: int, channels: int, seed: int, n: int, area: int
    ) -> None:
        values = whole(rows * area, channels, seed)
        capacity = area * sum(min(n, min(4, channels - start)) for start in range(0, channels, 4))
        rows_of = values.reshape(rows, -1).numpy()
        assert unstructured_bound(values, rows, n, 4) == np.sort(rows_of)[:, ::-1][:, :capacity].sum()
        natural = keep_in_windows(values, np.arange(channels), n, 4)
        assert float(values[natural].sum()) == kept_sum(values, np.arange(channels), n, 4)

    @pytest.mark.parametrize(("permute", "least"), [("swap", 30.0), ("stripe", 36.0)])
    def test_published_size(self, permute: str, least: float) -> None:
        """128 x 64 standard normal, as in Pool & Yu: swaps to convergence 32, stripe groups of 12 columns 36.6 there."""
        layout = run(noise(128, 64, seed=7), permute=permute, escapes=0, permute_seconds=600)
        assert layout.notes["permutation ended by"] == "converged"
        assert layout.figures["efficacy"] >= least


class TestSearches:
    @settings(max_examples=40)
    @given(st.integers(1, 6), st.integers(1, 14), st.integers(0, 999), st.integers(1, 3), st.integers(3, 4))
    def test_swaps_end_where_no_pair_helps(self, rows: int, channels: int, seed: int, n: int, m: int) -> None:
        values = whole(rows, channels, seed)
        found = swap_search(values, n, m, Limit(60, SILENT))
        assert sorted(found.order.tolist()) == list(range(channels))
        assert found.stopped == "converged"
        reached = kept_sum(values, found.order, n, m)
        assert reached >= kept_sum(values, np.arange(channels), n, m)
        for i, j in itertools.combinations(range(channels), 2):
            other = found.order.copy()
            other[[i, j]] = other[[j, i]]
            assert kept_sum(values, other, n, m) <= reached

    @pytest.mark.parametrize(("n", "m", "windows"), [(1, 2, 2), (1, 2, 3), (2, 3, 3), (1, 3, 3), (3, 4, 2)])
    def test_stripes_of_all_windows_are_the_best_order_there_is(self, n: int, m: int, windows: int) -> None:
        for seed in range(3):
            values = whole(5, m * windows, seed)
            found = stripe_search(values, n, m, escapes=0, rng=np.random.default_rng(0), limit=Limit(60, SILENT))
            best = max(kept_sum(values, np.array(order), n, m) for order in _orders(tuple(range(m * windows)), m))
            assert kept_sum(values, found.order, n, m) == best

    @settings(max_examples=25)
    @given(st.integers(1, 5), st.integers(4, 26), st.integers(0, 999), st.integers(1, 3), st.integers(0, 4))
    def test_stripes_never_lose_and_leave_the_last_window(
        self, rows: int, channels: int, seed: int, n: int, escapes: int
    ) -> None:
        values = whole(rows, channels, seed)

        def search(count: int) -> np.ndarray:
            rng = np.random.default_rng(seed)
            return stripe_search(values, n, 4, escapes=count, rng=rng, limit=Limit(60, SILENT)).order

        orders = [np.arange(channels), search(0), search(escapes)]
        reached = [kept_sum(values, order, n, 4) for order in orders]
        assert reached == sorted(reached)
        for order in orders:
            assert sorted(order.tolist()) == list(range(channels))
            assert order[channels // 4 * 4 :].tolist() == list(range(channels // 4 * 4, channels))

    @pytest.mark.parametrize(("m", "windows", "ways"), [(2, 3, 15), (4, 2, 35), (4, 3, 5775), (6, 2, 462), (8, 2, 849)])
    def test_every_way_once_and_its_total(self, m: int, windows: int, ways: int) -> None:
        dealt = arrangements(m, windows, CPU)
        cut = {frozenset(frozenset(w.tolist()) for w in np.split(way, windows)) for way in dealt.ways}
        assert len(dealt.ways) == len(cut) == ways
        assert dealt.ways[0].tolist() == list(range(m * windows))
        values = whole(3, m * windows, 1)
        for n in (1, m - 1):
            totals = dealt.totals(values.T.contiguous(), n)
            for way in (0, ways // 2, ways - 1):
                assert float(totals[way]) == kept_sum(values, dealt.ways[way], n, m)

    @pytest.mark.parametrize("permute", ["swap", "stripe"])
    def test_a_cancel_returns_the_best_so_far(self, permute: str) -> None:
        asked = itertools.count()
        monitor = Monitor(cancelled=lambda: next(asked) > 12 and next(asked) < 100)
        found = NM(permute=permute).search(whole(16, 64, 3), np.random.default_rng(0), monitor)
        assert found.stopped == "cancel"
        assert sorted(found.order.tolist()) == list(range(64))
        assert found.changes > 0

    @pytest.mark.parametrize("permute", ["swap", "stripe"])
    def test_the_clock_is_looked_at(self, permute: str) -> None:
        values, limit = whole(16, 64, 3), Limit(-1, SILENT)
        if permute == "swap":
            found = swap_search(values, 2, 4, limit)
        else:
            found = stripe_search(values, 2, 4, escapes=9, rng=np.random.default_rng(0), limit=limit)
        assert (found.stopped, found.order.tolist()) == ("seconds", list(range(64)))

    @pytest.mark.gpu
    @pytest.mark.parametrize("permute", ["none", "swap", "stripe"])
    def test_cuda_finds_the_same(self, permute: str) -> None:
        layer, transform = noise(32, 32), NM(permute=permute, escapes=2, permute_seconds=600)
        here, there = (transform(layer, rng=np.random.default_rng(0), device=name) for name in ("cpu", "cuda"))
        assert here.after == there.after


def _orders(left: tuple[int, ...], m: int) -> list[list[int]]:
    """Every way to cut channels into windows of m."""
    if not left:
        return [[]]
    return [
        [left[0], *some, *rest]
        for some in itertools.combinations(left[1:], m - 1)
        for rest in _orders(tuple(c for c in left[1:] if c not in some), m)
    ]
