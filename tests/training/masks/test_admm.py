"""ADMM: on quadratics it finds the best support where magnitude does not, and a run of it keeps exactly what it is told."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import sparselab.training
from sparselab.training.engine.optimizer import Sgd
from sparselab.training.network import Network
from sparselab.training.updaters import Admm, Step
from tests.training.tiny import tiny

FLAT, STEEP, RHO = 1.0, 10.0, 2.0


def network_of(values: torch.Tensor) -> Network:
    layer = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(values)
    return Network(nn.Sequential(layer), {"0": layer.weight}, torch.device("cpu"))


def quadratic(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a and c of the loss sum(a / 2 (w - c)^2) of six weights, `count` of them steep and smaller than the others.

    At a fixed point the kept w are c and the others' sums u are a c / rho: a support stays only where its smallest |c| is above
    the largest a |c| / rho outside of it. Here that holds for the steep ones alone.
    """
    source = torch.Generator().manual_seed(seed)
    places = torch.randperm(6, generator=source)
    steepness, best = torch.full((6,), FLAT), 0.9 + 0.1 * torch.rand(6, generator=source)
    steepness[places[:count]], best[places[:count]] = STEEP, 0.7 + 0.1 * torch.rand(count, generator=source)
    return steepness.reshape(2, 3), (best * torch.randn(6, generator=source).sign()).reshape(2, 3)


def trained(
    steepness: torch.Tensor, best: torch.Tensor, count: int, *, rho: float, steps: int, updates: int
) -> tuple[torch.Tensor, Admm]:
    network = network_of(best)
    updater = Admm(network, network.full, rho=rho, count=count, updates=updates, first=0, total=steps)
    sgd = Sgd(updater.weights, momentum=0.0, decay=0.0)
    for step in range(steps):
        gradient = steepness * (updater.weights[0].detach() - best)
        seen = Step(step, [gradient], sgd.velocities)
        assert updater.update(seen)
        sgd.step([gradient], 0.1)
        updater.after(seen)
    return updater.weights[0].detach(), updater


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [1, 2, 3])
def test_on_a_quadratic_it_ends_at_the_best_weights_of_that_number(count: int, seed: int) -> None:
    """Every support is tried; magnitude of the dense optimum picks a worse one. (With four ADMM can go in circles.)"""
    steepness, best = quadratic(count, seed)
    price = (steepness / 2 * best.square()).reshape(-1)
    costs = {kept: float(price.sum() - price[list(kept)].sum()) for kept in combinations(range(6), count)}
    cheapest = min(costs, key=costs.__getitem__)
    assert sorted(best.abs().reshape(-1).topk(count).indices.tolist()) != list(cheapest)
    weight, updater = trained(steepness, best, count, rho=RHO, steps=800, updates=80)
    kept = weight.abs().reshape(-1).topk(count).indices
    assert sorted(kept.tolist()) == list(cheapest)
    pruned = torch.zeros(6).index_copy_(0, kept, weight.reshape(-1)[kept]).reshape(2, 3)
    lost = float((steepness / 2 * (pruned - best).square()).sum())
    assert lost == pytest.approx(costs[cheapest], abs=1e-3), "what is kept is where it is best"
    news = updater.news()
    assert len(news) == 80
    assert news[-1]["distance"] < 1e-4 < news[0]["distance"]


@pytest.mark.parametrize("rho", [0.5, RHO, 6.0])
@pytest.mark.parametrize("seed", range(2))
def test_its_steps_are_those_of_the_method_with_the_least_loss_written_down(rho: float, seed: int) -> None:
    """On a quadratic the minimum over W is (a c + rho (Z - U)) / (a + rho); a hundred steps of the optimizer are as good."""
    steepness, best = (values.double().numpy().reshape(-1) for values in quadratic(3, seed))
    total, copy = np.zeros(6), kept_largest(best, 3)
    for _ in range(8):
        weight = (steepness * best + rho * (copy - total)) / (steepness + rho)
        copy = kept_largest(weight + total, 3)
        total = total + weight - copy
    found, updater = trained(*quadratic(3, seed), 3, rho=rho, steps=800, updates=8)
    state = updater.tensors()
    for mine, theirs in ((found, weight), (state["0.copy"], copy), (state["0.sum"], total)):
        assert np.allclose(mine.numpy().reshape(-1), theirs, atol=1e-4)


def kept_largest(values: np.ndarray, count: int) -> np.ndarray:
    kept = np.zeros_like(values)
    places = np.argsort(-np.abs(values), kind="stable")[:count]
    kept[places] = values[places]
    return kept


def test_without_a_pull_it_is_plain_training() -> None:
    steepness, best = quadratic(2, 0)
    weight, _ = trained(steepness, best, 2, rho=0.0, steps=50, updates=5)
    assert torch.equal(weight, best)


@pytest.mark.parametrize(("first", "total", "updates"), [(0, 10, 3), (4, 11, 7), (4, 11, 20), (0, 1, 1), (3, 100, 1)])
def test_updates_are_spread_over_the_training_and_the_last_is_at_its_end(first: int, total: int, updates: int) -> None:
    network = network_of(torch.ones(2, 3))
    updater = Admm(network, network.full, rho=1.0, count=2, updates=updates, first=first, total=total)
    found = [step for step in range(first, total) if updater.updates_at(step)]
    assert len(found) == min(updates, total - first)
    assert found[-1] == total - 1
    gaps = [after - before for before, after in pairwise(found)]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_a_checkpoint_holds_what_it_goes_on_with() -> None:
    _, one = trained(*quadratic(2, 0), 2, rho=RHO, steps=60, updates=6)
    network = network_of(one.weights[0].detach())
    other = Admm(network, network.full, rho=RHO, count=2, updates=6, first=0, total=60)
    other.load(network.full, one.tensors(), [torch.zeros(2, 3)])
    gradients = [torch.zeros(2, 3) for _ in range(2)]
    for updater, gradient in zip((one, other), gradients, strict=True):
        updater.update(Step(60, [gradient], [torch.zeros(2, 3)]))
    assert gradients[0].count_nonzero()
    assert torch.equal(*gradients)


def test_a_run_keeps_what_it_is_told_and_tells_its_distances(tmp_path: Path) -> None:
    given = vars(tiny(method="admm", sparsity=0.8, width=0.25, admm_updates=3, admm_rho=0.1, then="", rewind_epoch=0.5))
    view = sparselab.training.run(tmp_path / "run", **given)
    dense, ticket = view.stages
    assert (dense["kept"], ticket["kept"]) == (dense["size"], round(0.2 * dense["size"]))
    told = [event for event in view.events() if event["event"] == "admm"]
    assert [event["stage"] for event in told] == ["level-00"] * 3
