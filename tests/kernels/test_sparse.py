"""The exact kernel for any mask: its bundles, what is not a number, and the trials it makes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.kernels import KERNELS
from sparselab.kernels.base import TOLERANCES, Run, Work, max_error, random_input
from sparselab.kernels.native.bundles import bundled
from sparselab.kernels.native.single_packing import pack_single
from sparselab.kernels.native.sparse import compiled_run, single_run, windows_run
from sparselab.kernels.native.sparse_packing import Form, Used, pack
from sparselab.kernels.native.window_packing import pack_windows

FORMS = (Form(4, 16, 2), Form(4, 128, 4), Form(1, 50, 4, 3), Form(2, 9, 2, 2))


def masked(kept: np.ndarray, positions: int, seed: int = 0) -> Work:
    rng, mask = np.random.default_rng(seed), Mask(kept)
    weight, bias = (rng.standard_normal(size, np.float32) for size in (kept.shape, kept.shape[0]))
    return Work(Layout.masked(mask, mask, reason="anywhere"), weight, (kept.shape[1], positions), bias)


def all_runs(work: Work) -> dict[str, Run]:
    used = Used.of(work)
    runs = {str(form): compiled_run(pack(used, form), None, 2) for form in FORMS}
    return runs | {
        "windows": windows_run(pack_windows(used), None),
        **{f"single {gathers}": single_run(pack_single(used), None, gathers=gathers) for gathers in (True, False)},
    }


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 300), height=st.sampled_from([2, 4]))
def test_every_row_is_in_one_bundle_of_every_chunk(seed: int, rows: int, height: int) -> None:
    rng = np.random.default_rng(seed)
    found = bundled(rng.random((3, rows, 17)) < rng.random(), height)
    for bundles in found:
        members = bundles[bundles < rows]
        assert np.array_equal(np.sort(members), np.arange(rows))


def test_rows_that_are_alike_are_found() -> None:
    """Planted groups of four, shuffled: every column is loaded once for the four of them."""
    rng = np.random.default_rng(0)
    kept = np.repeat(rng.random((50, 64)) < 0.3, 4, axis=0)[rng.permutation(200)]
    (part,) = pack(Used.of(masked(kept, 64)), Form(4, 64, 4)).parts
    assert part.places.size <= 1.15 * kept.sum() / 4  # groups at the edge of a window are torn apart
    assert part.weights.size <= 1.05 * kept.sum()


@pytest.mark.parametrize("density", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_number_reaches_the_outputs_that_use_it(density: float, value: float) -> None:
    """Rows of a bundle have other columns and other numbers of them; none may touch a foreign X, not even with a weight of 0."""
    kept = np.random.default_rng(1).random((37, 90)) < density
    work = masked(kept, 70)
    x = random_input(work)
    x[40, 5], x[7, 69] = value, value
    exact = torch.from_numpy(np.where(kept, work.weight, 0))[:, [40, 7]]
    for name, run in all_runs(work).items():
        y = run(x)
        untouched = torch.ones(70, dtype=torch.bool)
        untouched[[5, 69]] = False
        assert y[:, untouched].isfinite().all(), name
        for column, at in ((0, 5), (1, 69)):
            uses = exact[:, column] != 0
            assert y[~uses, at].isfinite().all(), name
            assert torch.equal(y[uses, at].nan_to_num(nan=3.0), (exact[uses, column] * value).nan_to_num(nan=3.0)), name


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 150), cols=st.integers(1, 200), positions=st.integers(1, 150)
)
def test_every_form_gives_the_dense_product(seed: int, rows: int, cols: int, positions: int) -> None:
    rng = np.random.default_rng(seed)
    work = masked(rng.random((rows, cols)) < rng.choice([0.0, 0.03, 0.2, 0.6, 1.0]), positions, seed)
    x = random_input(work)
    for name, run in all_runs(work).items():
        assert max_error(work, x, run(x)) < TOLERANCES["float32"], name


def test_more_columns_than_offsets_of_16_bits_tell_apart() -> None:
    kept = np.random.default_rng(0).random((5, 140_000)) < 0.5
    for positions in (1, 3):
        work = masked(kept, positions)
        for run in (
            compiled_run(pack(Used.of(work), Form(4, 10**6, 2)), None, 1),
            single_run(pack_single(Used.of(work)), None, gathers=True),
        ):
            x = random_input(work)
            assert max_error(work, x, run(x)) < TOLERANCES["float32"]
    work = masked(np.random.default_rng(0).integers(0, 64, 70_000) == np.arange(64)[:, None], 1)
    run, x = windows_run(pack_windows(Used.of(work)), None), random_input(work)
    assert max_error(work, x, run(x)) < TOLERANCES["float32"]


def test_a_dropped_weight_that_is_no_number_stays_dropped() -> None:
    kept = np.random.default_rng(0).random((20, 30)) < 0.4
    work = masked(kept, 33)
    work.weight[~kept] = np.nan
    y = KERNELS["native-sparse"].prepare(work)(random_input(work))
    assert y.isfinite().all()
