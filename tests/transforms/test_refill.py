"""Refill and Refill+: whole channels only, exactly as many as promised, and the values that come back."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.transforms import Refill, RefillPlus
from sparselab.transforms.base import Transform
from sparselab.transforms.refill.channels import CHANNEL_SCORES, channel_scores, channels_paid_for
from sparselab.transforms.refill.regrown_weights import regrown_weights
from tests.strategies import layers

RNG = np.random.default_rng


def run(transform: Transform, layer: Layer) -> Layout:
    return transform(layer, rng=RNG(0))


def whole_rows(layout: Layout) -> list[int]:
    """The channels kept, after checking that none is half filled."""
    kept = layout.after.kept
    rows = kept.all(axis=1)
    assert np.array_equal(kept.any(axis=1), rows)
    return np.flatnonzero(rows).tolist()


@given(layers())
def test_as_many_channels_as_the_kept_weights_fill(layer: Layer) -> None:
    layout = run(Refill(score="count"), layer)
    rows = ceil(Fraction(layer.mask.count, layer.mask.cols))
    if layout.status == "unblocked":
        assert rows == 0
    else:
        assert len(whole_rows(layout)) == rows


@given(layers(), st.floats(0, 1), st.floats(0, 1))
def test_rho_runs_from_refill_to_dense(layer: Layer, less: float, more: float) -> None:
    less, more = sorted((less, more))
    counts = [channels_paid_for(layer.mask, rho) for rho in (0.0, less, more, 1.0)]
    assert counts == sorted(counts)
    assert counts[0] == ceil(Fraction(layer.mask.count, layer.mask.cols))
    assert counts[-1] == layer.mask.rows
    assert run(RefillPlus("count", rho=1.0), layer).status == "dense"
    assert run(RefillPlus("count", rho=0.0), layer).after == run(Refill("count"), layer).after
    chosen = [run(RefillPlus("count", rho=rho), layer) for rho in (less, more)]
    if chosen[0].status != "unblocked":
        assert set(whole_rows(chosen[0])) <= set(whole_rows(chosen[1]))


def test_counts_are_exact_in_decimals() -> None:
    """Ten empty channels: a tenth of them is one, though 0.1 in binary is a little more; three tenths are three."""
    mask = Mask(np.zeros((10, 7), bool))
    assert [channels_paid_for(mask, rho) for rho in (0.1, 0.3, 0.7, 0.71)] == [1, 3, 7, 8]
    kept = np.zeros((4, 4), bool)
    kept[0] = kept[1, 0] = True  # 5 weights of 4 columns: 1.25 channels; half of the other 2.75 more: 2.625
    assert [channels_paid_for(Mask(kept), rho) for rho in (0.0, 0.5)] == [2, 3]


def test_scores_by_hand() -> None:
    kept = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 1, 1, 0]], bool)
    weight = np.array([[0.1, -0.1, 0.1, 9.0], [-5.0, 9.0, 9.0, 9.0], [9.0, 1.0, -1.0, 9.0]])
    features = np.array([[1.0, 6.0, 0.1], [2.0, 5.0, 0.3], [3.0, 4.0, 0.2]])
    layer = Layer("toy", Mask(kept), weight=weight, features=features)
    expected = {
        "count": [3, 1, 2],
        "l1": [0.3, 5, 2],
        "feature-l1": [1, 2, 3],
        "feature-l2": [6, 5, 4],
        "saliency": [0.1, 0.3, 0.2],
    }
    assert set(expected) == set(CHANNEL_SCORES)
    for score, values in expected.items():
        assert channel_scores(layer, score).tolist() == pytest.approx(values)
        best = np.argsort(values)[::-1][:2]  # six kept weights of four columns: two channels
        assert whole_rows(run(Refill(score), layer)) == sorted(best.tolist())


def test_ties_stay_whole_and_go_to_the_lower_index() -> None:
    """Four equal channels share six weights' worth of 3 columns: channels 0 and 1, where the released code leaves ties
    unstructured."""
    kept = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1], [0, 0, 0]], bool)
    assert whole_rows(run(Refill("count"), Layer("toy", Mask(kept)))) == [0, 1]


@settings(max_examples=40)
@given(layers(), st.integers(0, 999))
def test_permuting_rows_permutes_the_answer(layer: Layer, seed: int) -> None:
    """For weights without ties."""
    rng = RNG(seed)
    weight = rng.uniform(1, 2, layer.mask.shape)
    order = rng.permutation(layer.mask.rows)
    here = run(Refill(), Layer("a", layer.mask, weight=weight))
    there = run(Refill(), Layer("b", layer.mask.permuted(order), weight=weight[order]))
    if np.unique((weight * layer.mask.kept).sum(axis=1)).size == layer.mask.rows:
        assert here.after.permuted(order) == there.after


class TestValues:
    kept = np.array([[True, False], [True, True], [False, False]])
    layer = Layer(
        "toy",
        Mask(kept),
        weight=np.array([[5, 0], [6, 7], [0, 0]], dtype=np.float32),
        rewound=np.array([[1, 2], [3, 4], [8, 9]], dtype=np.float32),
    )

    def test_rewound(self) -> None:
        refill = Refill("count")
        layout = run(refill, self.layer)
        assert refill.weights(layout, self.layer, RNG(0)).tolist() == [[5, 2], [6, 7], [0, 0]]
        assert refill.weights(layout, self.layer, RNG(0)).dtype == np.float32
        assert self.layer.weight is not None
        assert self.layer.weight.tolist() == [[5, 0], [6, 7], [0, 0]]

    def test_random_ones_are_the_seed_s(self) -> None:
        layout = run(RefillPlus("count", rho=1.0), self.layer)
        first, second, other = (regrown_weights(layout, self.layer, "random", RNG(seed)) for seed in (1, 1, 2))
        assert first.tolist() == second.tolist() != other.tolist()
        assert first[self.kept].tolist() == [5, 6, 7]
        assert (first[~self.kept] != 0).all()

    def test_random_ones_have_the_variance_of_their_fan_in(self) -> None:
        empty = Mask(np.zeros((400, 50), bool))
        layer = Layer("wide", empty, weight=np.zeros((400, 50)))
        layout = run(RefillPlus("count", rho=1.0), layer)
        assert regrown_weights(layout, layer, "random", RNG(0)).var() == pytest.approx(2 / 50, rel=0.05)

    def test_what_is_missing_is_told(self) -> None:
        bare = Layer("bare", self.layer.mask)
        partly = Layer("partly", self.layer.mask, weight=self.layer.weight)
        layout = run(Refill("count"), bare)
        for layer, how, words in (
            (bare, "random", "bare: expected weights"),
            (partly, "rewound", "partly has none: use regrow=random"),
            (partly, "zero", "regrow: expected one of rewound, random; got 'zero'"),
        ):
            with pytest.raises(SettingError, match=words):
                regrown_weights(layout, layer, how, RNG(0))


def test_scores_that_cannot_be_had_are_told() -> None:
    mask = Mask(np.ones((3, 2), bool))
    cases = [
        (Layer("toy", mask), "l1", "score=l1 needs weights, and toy is a mask alone: use score=count"),
        (Layer("toy", mask), "saliency", "score=saliency needs features, and toy has none"),
        (
            Layer("toy", mask, features=np.ones((2, 3))),
            "saliency",
            "expected features of 3 channels x 3; got \\(2, 3\\)",
        ),
        (Layer("toy", mask, features=np.full((3, 3), np.nan)), "saliency", "collect them with a loss"),
    ]
    for layer, score, words in cases:
        with pytest.raises(SettingError, match=words):
            run(Refill(score), layer)
    assert run(Refill("count"), Layer("none", Mask(np.zeros((3, 2), bool)))).reason == "the mask keeps no weight"
