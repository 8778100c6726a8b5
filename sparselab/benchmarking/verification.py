"""The kernels of a session, each checked against the product in float64 before anything is timed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sparselab.benchmarking.opponents import OPPONENTS
from sparselab.core.errors import SparselabError, UnavailableError
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.kernels import DENSE, KERNELS, exact_kernel
from sparselab.kernels.base import TOLERANCES, Run, Work, error_against, reference
from sparselab.runtime.progress import Monitor

if TYPE_CHECKING:
    import torch

OPPONENT = "opponent"
"""The role of the dense product in another arithmetic or by another library."""

_LONGEST_FAILURE = 300


def baseline_of(work: Work) -> str:
    """Return the name of the dense kernel that a product is compared with."""
    return next(name for name in DENSE if work.product in KERNELS[name].products)


def kernels_for(work: Work) -> tuple[str, ...]:
    """Return every kernel but the dense one of the other kind of product."""
    dense = baseline_of(work)
    return tuple(name for name in KERNELS if name == dense or name not in DENSE)


@dataclass(frozen=True, kw_only=True)
class Participant:
    """A kernel in one role of a session: its run, or why there is none; and what is known of it before it is timed.

    `error` is `max_error` against the product in float64; None without an output, or where an output is not finite.
    """

    name: str
    role: str
    run: Run | None = None
    error: float | None = None
    prepare_ms: float | None = None
    obstacle: str = ""
    choice: str = ""


def verify(
    work: Work,
    names: Sequence[str],
    x: torch.Tensor,
    *,
    opponents: Sequence[str] = (),
    seed: int,
    monitor: Monitor,
) -> tuple[Participant, ...]:
    """Return the participants of a session, checked: the baseline, twice; the dense weight without zeros; the kernels; where the
    exact kernel is among them, that kernel on the mask before the transform; and the opponents.

    Raises: UnavailableError when the dense product itself cannot run, or is wrong: there is nothing to compare with.
    """
    dense = baseline_of(work)
    full = without_zeros(work, seed)
    plan = [(dense, "baseline", work), (dense, "control", work), (dense, "full", full)]
    plan += [(name, "kernel", work) for name in names if name != dense]
    if (before := _mask_before(work)) is not None:
        plan += [(name, "exact", before) for name in names if name == exact_kernel()]
    participants: list[Participant] = []
    answers: dict[int, torch.Tensor] = {}
    total = len(plan) + len(opponents)
    for done, (name, role, product) in enumerate(plan):
        monitor.progress(f"checking {name} against float64", done, total)
        if id(product) not in answers:
            answers[id(product)] = reference(product, x)
        participants.append(_checked_kernel(name, role, product, x, answers[id(product)]))
        if role == "baseline" and participants[0].run is None:
            why = participants[0].obstacle or f"its error is {participants[0].error}"
            raise UnavailableError(f"expected a dense product of {work.dtype} on {work.device}; {name}: {why}")
    for done, name in enumerate(opponents, start=len(plan)):
        monitor.progress(f"preparing {name}, checked against float64", done, total)
        participants.append(_checked_opponent(name, work, x, answers[id(work)]))
    return tuple(participants)


def _checked_kernel(name: str, role: str, work: Work, x: torch.Tensor, exact: torch.Tensor) -> Participant:
    obstacle = KERNELS[name].unsupported_reason(work)
    if obstacle:
        return Participant(name=name, role=role, obstacle=obstacle)
    return _checked(name, role, lambda: KERNELS[name].prepare(work), x, exact, TOLERANCES[work.dtype])


def _checked_opponent(name: str, work: Work, x: torch.Tensor, exact: torch.Tensor) -> Participant:
    opponent = OPPONENTS[name]
    obstacle = opponent.unavailable(work)
    if obstacle is not None:
        return Participant(name=name, role=OPPONENT, obstacle=obstacle)
    return _checked(name, OPPONENT, lambda: opponent.prepare(work, x), x, exact, opponent.tolerance)


def _checked(
    name: str, role: str, prepare: Callable[[], Run], x: torch.Tensor, exact: torch.Tensor, tolerance: float
) -> Participant:
    start = time.perf_counter()
    try:
        run = prepare()
        prepare_ms = 1e3 * (time.perf_counter() - start)
        error = error_against(exact, run(x))
    except (SparselabError, RuntimeError, MemoryError) as failure:
        # A library may refuse what it is given, for want of memory or of a code path; that ends no session.
        return Participant(name=name, role=role, obstacle=failure_text(failure))
    return Participant(
        name=name,
        role=role,
        run=run if error <= tolerance else None,
        error=error if math.isfinite(error) else None,
        prepare_ms=prepare_ms,
        choice=getattr(run, "told", ""),
    )


def failure_text(failure: Exception) -> str:
    """Return what is said of a kernel that failed, in one line."""
    told = " ".join(str(failure).split())[:_LONGEST_FAILURE]
    return f"it failed: {told or type(failure).__name__}"


def _mask_before(work: Work) -> Work | None:
    """Return the product of the mask that a transform was given; None where it is no other, or no sparse one."""
    mask = work.layout.before
    if not 0 < mask.count < mask.kept.size or np.array_equal(mask.kept, work.layout.after.kept):
        return None
    return replace(work, layout=Layout.masked(mask, mask, reason="the mask before the transform"))


def without_zeros(work: Work, seed: int) -> Work:
    """Return the same product with every weight kept and none of them zero: normal ones, as large as the kept ones."""
    whole = Mask(np.ones(work.layout.after.shape, bool))
    weight = work.masked_weight
    kept = weight[weight != 0]
    scale = float(np.sqrt(np.mean(np.square(kept, dtype=np.float64)))) if kept.size else 1.0
    noise = np.random.default_rng(seed).standard_normal(weight.shape, dtype=np.float32).astype(weight.dtype)
    filled = np.where(weight == 0, scale * noise, weight).astype(weight.dtype)
    return replace(work, layout=Layout.masked(whole, whole, reason=""), weight=filled)
