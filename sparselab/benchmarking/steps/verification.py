"""The kernels of a session of training steps, each checked against gradients in float64 before anything is timed."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparselab.benchmarking.verification import Participant, baseline_of, failure_text, without_zeros
from sparselab.core.errors import SparselabError, UnavailableError
from sparselab.kernels import DENSE, KERNELS
from sparselab.kernels.base import TOLERANCES, Work, error_against
from sparselab.kernels.steps import LayerStep
from sparselab.kernels.support.step_reference import step_reference
from sparselab.runtime.progress import Monitor

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class TimedStep:
    """A whole step as one call: Y, dX and dW of an X, for one slope and one set of values; it returns Y."""

    step: LayerStep
    values: torch.Tensor
    bias: torch.Tensor | None
    slope: torch.Tensor

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        y, _, _ = self.parts(x)
        return y

    def parts(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return Y, dX and the gradient of the values."""
        return (
            self.step.product(x, self.values, self.bias),
            self.step.input_gradient(self.slope, x, self.values),
            self.step.value_gradient(self.slope, x),
        )


def training_kernels(work: Work) -> tuple[str, ...]:
    """Return the kernels that train, but the dense one of the other kind of product."""
    dense = baseline_of(work)
    return tuple(name for name, kernel in KERNELS.items() if kernel.trains and (name == dense or name not in DENSE))


def verify_steps(
    work: Work, names: Sequence[str], x: torch.Tensor, *, seed: int, monitor: Monitor
) -> tuple[Participant, ...]:
    """Return the participants of a session of steps, checked: roles as `verification.verify` gives them, the exact product aside.

    An error is the largest of those of Y, dX and dW, each relative to its largest entry.
    Raises: UnavailableError when the dense step itself cannot run, or is wrong.
    """
    import torch

    dense = baseline_of(work)
    slope = torch.randn(work.output_shape, generator=torch.Generator().manual_seed(seed + 1)).to(x)
    full = without_zeros(work, seed)
    plan = [(dense, "baseline", work), (dense, "control", work), (dense, "full", full)]
    plan += [(name, "kernel", work) for name in names if name != dense]
    participants: list[Participant] = []
    exact: dict[int, tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}
    for done, (name, role, product) in enumerate(plan):
        monitor.progress(f"checking {name} against float64", done, len(plan))
        if id(product) not in exact:
            exact[id(product)] = step_reference(product, x, slope)
        participants.append(_checked(name, role, product, x, slope, exact[id(product)]))
        if role == "baseline" and participants[0].run is None:
            why = participants[0].obstacle or f"its error is {participants[0].error}"
            raise UnavailableError(f"expected a dense step of {work.dtype} on {work.device}; {name}: {why}")
    return tuple(participants)


def _checked(
    name: str,
    role: str,
    work: Work,
    x: torch.Tensor,
    slope: torch.Tensor,
    exact: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> Participant:
    kernel = KERNELS[name]
    obstacle = kernel.step_unsupported_reason(work)
    if obstacle:
        return Participant(name=name, role=role, obstacle=obstacle)
    start = time.perf_counter()
    try:
        step = kernel.step(work)
        prepare_ms = 1e3 * (time.perf_counter() - start)
        weight = work.masked_weight[step.places]
        run = TimedStep(step, work.tensor(weight), work.bias_tensor, slope)
        y, dx, dw = exact
        of_values = dw[tuple(torch_places(step))]
        pairs = zip((y, dx, of_values), run.parts(x), strict=True)
        error = max(error_against(right, found) for right, found in pairs if right.numel())
    except (SparselabError, RuntimeError, MemoryError) as failure:
        return Participant(name=name, role=role, obstacle=failure_text(failure))
    is_right = error <= TOLERANCES[work.dtype]
    known = error if math.isfinite(error) else None
    return Participant(name=name, role=role, run=run if is_right else None, error=known, prepare_ms=prepare_ms)


def torch_places(step: LayerStep) -> list[torch.Tensor]:
    """Return the places of a step's values as indices of torch."""
    import torch

    return [torch.from_numpy(places.copy()) for places in step.places]
