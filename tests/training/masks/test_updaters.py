"""Masks that move, by hand: the two sets and the regulariser of Top-KAST, and the norms that bound a gradient."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
import torch
from torch import nn

from sparselab.core.layout import Block
from sparselab.training.engine.optimizer import Sgd
from sparselab.training.network import Network
from sparselab.training.updaters import BlockPruneAndGrow, PruneAndGrow, Step, TopKast, UpdateSchedule
from sparselab.training.updaters.norms import Norms

DECAY = 0.01
WEIGHTS = [5.0, -4.0, 3.0, -2.0, 1.0, -0.5, 0.25, 0.125]


@pytest.fixture
def network() -> Network:
    """One linear layer of 2 x 4, its weights those above in order of size."""
    layer = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(WEIGHTS).reshape(2, 4))
    return Network(nn.Sequential(layer), {"0": layer.weight}, torch.device("cpu"))


def test_top_kast_goes_forward_on_a_and_learns_on_b(network: Network) -> None:
    """Two of eight forward (D = .25), a quarter more backward: A = {5, -4}, B = {5, -4, 3, -2}.

    With gradients of 1 everywhere: 1 + decay * w on A, 1 + decay / .25 * w on B without A, 0 outside.
    """
    updater = TopKast(network, [2], backward_extra=0.25, decay=DECAY)
    updater.before(0)
    weight = network.weights["0"].detach()
    assert weight.reshape(-1).tolist() == [5.0, -4.0, 0, 0, 0, 0, 0, 0]
    gradient, velocity = torch.ones(2, 4), torch.full((2, 4), 7.0)
    assert updater.update(Step(0, [gradient], [velocity]))
    expected = [1 + 0.01 * 5, 1 - 0.01 * 4, 1 + 0.04 * 3, 1 - 0.04 * 2, 0, 0, 0, 0]
    assert gradient.reshape(-1).tolist() == pytest.approx(expected)
    assert velocity.reshape(-1).tolist() == [7.0] * 4 + [0.0] * 4
    assert weight.reshape(-1).tolist() == WEIGHTS, "the optimizer steps on every weight there is"


def test_top_kast_remembers_what_it_does_not_use_and_takes_it_up_again(network: Network) -> None:
    """The third weight, 3, is learned on though no forward pass uses it; when it passes 4 it takes its place in A."""
    updater = TopKast(network, [2], backward_extra=0.25, decay=0.0)
    sgd = Sgd(updater.weights, momentum=0.0, decay=0.0)
    updater.before(0)
    gradient = torch.zeros(2, 4)
    gradient[0, 2] = -15.0
    assert updater.update(Step(0, [gradient], sgd.velocities))
    sgd.step([gradient], 0.1)
    updater.finish()
    weight = network.weights["0"].detach()
    assert weight.reshape(-1).tolist() == [5.0, 0, 4.5, 0, 0, 0, 0, 0]
    updater.finish()
    assert weight.reshape(-1).tolist() == [5.0, 0, 4.5, 0, 0, 0, 0, 0], "to look twice changes nothing"
    updater.before(1)
    assert updater.update(Step(1, [torch.zeros(2, 4)], sgd.velocities))
    assert weight.reshape(-1).tolist() == [5.0, -4.0, 4.5, *WEIGHTS[3:]]


@pytest.mark.parametrize("extra", [0.0, 0.1, 1.0])
def test_top_kast_reaches_as_many_as_there_are(network: Network, extra: float) -> None:
    updater = TopKast(network, [2], backward_extra=extra, decay=DECAY)
    updater.before(0)
    gradient = torch.ones(2, 4)
    updater.update(Step(0, [gradient], [torch.zeros(2, 4)]))
    assert int(gradient.count_nonzero()) == min(8, 2 + ceil(extra * 8))


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Conv2d(4, 6, 3, padding=1), (5, 4, 7, 7)),
        (nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), (5, 4, 8, 8)),
        (nn.Conv2d(4, 6, (1, 3), padding=(0, 1), dilation=(1, 2)), (5, 4, 7, 9)),
        (nn.Conv2d(4, 6, 3, groups=2), (5, 4, 7, 7)),
        (nn.Conv2d(4, 6, 3, padding="same"), (5, 4, 7, 7)),
        (nn.Conv1d(4, 6, 3, padding=1), (5, 4, 9)),
        (nn.Conv1d(4, 6, 3, stride=2, dilation=2, groups=2), (5, 4, 9)),
        (nn.Linear(9, 4), (6, 9)),
        (nn.Linear(9, 4), (2, 3, 9)),
    ],
)
def test_norms_bound_every_gradient(module: nn.Module, shape: tuple[int, ...]) -> None:
    """|dL/dw_ij| <= s_i * s_j (Cauchy and Schwarz), and s_i and s_j are those written down."""
    rng = torch.Generator().manual_seed(0)
    weight = next(module.parameters())
    norms = Norms([module])
    norms.listen()
    inputs = torch.randn(shape, generator=rng)
    output = module(inputs)
    slopes = torch.randn(output.shape, generator=rng)
    output.backward(slopes)
    rows, cols = norms.of(0)
    gradient = weight.grad
    assert gradient is not None
    matrix = gradient.reshape(gradient.shape[0], -1).abs()
    assert cols.shape == matrix.shape[1:]
    assert (matrix <= torch.outer(rows, cols) * (1 + 1e-5)).all()
    over = [
        axis for axis in range(slopes.dim()) if axis != (1 if not isinstance(module, nn.Linear) else slopes.dim() - 1)
    ]
    assert torch.allclose(rows, slopes.square().sum(dim=over).sqrt(), rtol=1e-5)
    if isinstance(module, nn.Linear):
        assert torch.allclose(cols, inputs.reshape(-1, 9).square().sum(dim=0).sqrt(), rtol=1e-5)


def test_norms_are_exact_where_one_example_and_one_position_make_a_gradient() -> None:
    layer = nn.Linear(5, 3, bias=False)
    norms = Norms([layer])
    norms.listen()
    inputs, slopes = torch.tensor([[1.0, -2, 3, 0, 4]]), torch.tensor([[2.0, 0, -1]])
    layer(inputs).backward(slopes)
    assert layer.weight.grad is not None
    assert torch.allclose(torch.outer(*norms.of(0)), layer.weight.grad.abs())


def test_hushed_norms_leave_no_hooks() -> None:
    layer = nn.Linear(2, 2)
    norms = Norms([layer])
    norms.listen()
    norms.listen()
    assert len(layer._forward_hooks) == 1
    norms.hush()
    assert not layer._forward_hooks


@pytest.mark.parametrize(("how", "steps"), [("set", True), ("rigl", False)])
def test_set_exchanges_after_the_optimizers_step_and_rigl_instead_of_it(
    network: Network, how: str, steps: bool
) -> None:
    """Four of eight weights kept, half of them exchanged: at rate .1 a gradient of 10 takes 5 to 4, and -4 to -5."""
    kept = torch.tensor([True] * 4 + [False] * 4).reshape(2, 4)
    updater = PruneAndGrow(
        network, {"0": kept}, how=how, update_schedule=UpdateSchedule(every=1, until=100, alpha=0.5), seed=0
    )
    sgd = Sgd(updater.weights, momentum=0.0, decay=0.0)
    gradients = [torch.full((2, 4), 10.0)]
    step = Step(1, gradients, sgd.velocities)
    if updater.update(step):
        sgd.step(gradients, 0.1)
        updater.after(step)
    weight = network.weights["0"].detach().reshape(-1)
    largest = weight[weight.abs() >= 4].tolist()
    assert largest == ([4.0, -5.0] if steps else [5.0, -4.0])
    (news,) = updater.news()
    assert news["kept"] == 4
    assert int(updater.masks[0].sum()) == 4
    # Of 5, -4, 3, -2, or after the step 4, -5, 2, -3. The two smallest go, but those that come back at once are no loss.
    before = [4.0, -5.0, 2.0, -3.0] if steps else [5.0, -4.0, 3.0, -2.0]
    gone = [value for value, here in zip(before, weight.tolist(), strict=False) if not here]
    assert news["dropped"] == len(gone)
    assert news["energy_lost"] == pytest.approx(sum(value**2 for value in gone) / 54)


def test_dsb_takes_the_released_number_of_candidates_or_the_rounded_one(network: Network) -> None:
    """One block of 2 x 2 for a density that asks for three weights: the fourth is a candidate beside the half of all."""
    counts = {}
    for densities in (None, [3 / 8]):
        updater = BlockPruneAndGrow(
            network,
            [(Block(np.arange(2), np.arange(2)),)],
            update_schedule=UpdateSchedule(every=1, until=100, alpha=0.5),
            block_size=2,
            grow="gradient",
            seed=0,
            densities=densities,
        )
        counts[densities is None] = updater._candidates(0, updater.masks[0], 0.5)
    assert counts == {True: 2, False: 4 - (3 - 2)}
