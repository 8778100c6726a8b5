"""Pruning criteria: signs by small worked examples, the largest are kept."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparselab.pruning.scores import CHANNEL_FEATURES, SCORES, synflow_densities


def test_magnitude_and_random() -> None:
    weight = np.array([[-3.0, 2.0]], dtype=np.float32)
    assert SCORES["magnitude"](weight=weight, gradient=None).tolist() == [[3, 2]]
    first, second = (SCORES["random"](weight=weight, rng=np.random.default_rng(seed)) for seed in (4, 4))
    assert first.shape == (1, 2)
    assert first.tolist() == second.tolist()


def test_snip_feels_both_signs() -> None:
    """L = (w x - y)^2 at w = (2, -1), x = (1, 3), y = 0: the output is -1, dL/dw = -2 * (1, 3), |w g| = (4, 6)."""
    weight = torch.tensor([2.0, -1.0], requires_grad=True)
    (weight @ torch.tensor([1.0, 3.0])).square().backward()
    assert weight.grad is not None
    scores = SCORES["snip"](weight=weight.detach().numpy(), gradient=weight.grad.numpy())
    assert scores.tolist() == [4, 6]


def test_grasp_keeps_what_the_gradient_flows_through() -> None:
    """L = a/2 * u^2 + v at (u, v) = (3, 5), a = 2: g = (6, 1), H g = (12, 0), so u scores 36 and v 0. Removing u leaves
    |g|^2 = 1 of 37, removing v leaves all: u must rank above v. With a = -2: g = (-6, 1) and H g = (12, 0), the same."""
    for curvature in (2.0, -2.0):
        point = torch.tensor([3.0, 5.0], requires_grad=True)
        loss = curvature / 2 * point[0] ** 2 + point[1]
        (gradient,) = torch.autograd.grad(loss, point, create_graph=True)
        (product,) = torch.autograd.grad(gradient @ gradient.detach(), point)
        scores = SCORES["grasp"](weight=point.detach().numpy(), hessian_gradient=product.numpy())
        assert scores.tolist() == [36, 0]


def test_grasp_is_signed() -> None:
    """A weight whose removal would let the gradient grow scores below zero: it goes first, however large |w * H g| is."""
    assert SCORES["grasp"](weight=np.array([2.0, 0.1]), hessian_gradient=np.array([-4.0, 1.0])).tolist() == [-8, 0.1]


def test_synflow_ignores_signs_and_sums_to_the_flow() -> None:
    """Two layers of one path each: R = |a| * |b|; every weight on the only path scores R, and each layer sums to R."""
    first, second = torch.tensor([[-2.0], [3.0]], dtype=torch.float64), torch.tensor([[4.0, -1.0]], dtype=torch.float64)
    absolute = [layer.abs().requires_grad_() for layer in (first, second)]
    flow = (absolute[1] @ absolute[0] @ torch.ones(1, dtype=torch.float64)).sum()
    flow.backward()
    scores = [
        SCORES["synflow"](weight=layer.numpy(), flow_gradient=part.grad.numpy())  # type: ignore[union-attr]
        for layer, part in zip((first, second), absolute, strict=True)
    ]
    assert scores[0].tolist() == [[8], [3]]
    assert scores[1].tolist() == [[8, 3]]
    assert scores[0].sum() == scores[1].sum() == float(flow.detach())


def test_synflow_falls_by_equal_factors() -> None:
    densities = synflow_densities(0.01)
    assert len(densities) == 100
    assert densities[-1] == 0.01
    assert densities[49] == pytest.approx(0.1)


@pytest.mark.parametrize("name", SCORES)
def test_every_score_says_what_it_is(name: str) -> None:
    score = SCORES[name]
    assert score.title
    assert score.source
    assert score.compute.__doc__
    assert "weight" in score.needs


@pytest.mark.parametrize("name", SCORES)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 6), cols=st.integers(2, 6))
def test_every_score_tells_weights_apart(name: str, seed: int, rows: int, cols: int) -> None:
    """One finite number a weight, the same for the same input; not all alike, or nothing could be chosen by it."""
    rng = np.random.default_rng(seed)
    given = {need: rng.standard_normal((rows, cols)) + 0.1 for need in SCORES[name].needs if need != "rng"}
    before = {need: value.copy() for need, value in given.items()}
    first, second = (SCORES[name](**given, rng=np.random.default_rng(4)) for _ in range(2))
    assert first.shape == (rows, cols)
    assert np.isfinite(first).all()
    assert np.array_equal(first, second)
    assert np.ptp(first) > 0
    assert all(np.array_equal(given[need], value) for need, value in before.items())


def test_channel_features_are_named_once() -> None:
    assert CHANNEL_FEATURES == ("feature-l1", "feature-l2", "saliency")
