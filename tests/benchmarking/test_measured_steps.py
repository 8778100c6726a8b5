"""A session of training steps: gradients checked before anything is timed, and never taken for a forward pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from sparselab.benchmarking.break_even import random_groups
from sparselab.benchmarking.measurement import measure
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.steps.verification import training_kernels
from sparselab.benchmarking.tradeoff import product_shown
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Kernel, Work
from sparselab.kernels.native.block_step import BlockStep
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.torch_ops.gather_gemm import GatherGemm

pytestmark = pytest.mark.usefixtures("quick")


def work() -> Work:
    layout = random_groups(32, 64, 8, 0.3)
    return Work(layout, np.random.default_rng(0).standard_normal(layout.after.shape, np.float32), (64, 40))


def measured(kernels: tuple[str, ...] | None = None) -> Session:
    return measure(work(), kernels, rounds=8, seconds=0.05, threads=1, backward=True)


def test_every_kernel_that_trains_is_measured_beside_the_dense_step() -> None:
    session = measured()
    names = set(training_kernels(work()))
    assert {row.kernel for row in session.rows} == names
    assert all(row.median_ms is not None or row.obstacle for row in session.rows)
    forward = measure(work(), (), rounds=8, seconds=0.05, threads=1)
    assert session.is_step
    assert not forward.is_step
    assert session.flops_dense == 3 * forward.flops_dense
    assert Session.from_json(session.as_json()) == session
    assert product_shown(session) != product_shown(forward)


def test_a_kernel_without_a_step_says_so() -> None:
    name = next(name for name, kernel in KERNELS.items() if kernel.runs_any_mask and not kernel.trains)
    (row,) = [row for row in measured((name,)).rows if row.kernel == name]
    assert "trains nothing" in row.obstacle


@dataclass(frozen=True)
class Wrong(GatherGemm):
    """Steps whose gradient of the values, or of X, is off."""

    part: str = "value_gradient"
    trains: ClassVar[bool] = True

    def step(self, work: Work) -> LayerStep:
        step = BlockStep(work.layout, work.conv)
        right: Any = getattr(step, self.part)

        def off(*given: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = right(*given)
            return found * 1.01

        setattr(step, self.part, off)
        return step


@pytest.mark.parametrize("part", ["product", "input_gradient", "value_gradient"])
def test_a_wrong_gradient_is_never_timed(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    builtin: dict[str, Kernel] = {**KERNELS.builtin, "wrong": Wrong(part)}
    monkeypatch.setattr(KERNELS, "builtin", builtin)
    rows = [row for row in measured(("wrong",)).rows if row.kernel == "wrong"]
    assert [row.flags for row in rows] == [("wrong",)]
    assert rows[0].median_ms is None
