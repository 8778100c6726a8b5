"""Who takes part in a session, and whether their answers are right: nobody is timed before."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sparselab.errors import SparselabError, UnavailableError
from sparselab.kernels import DENSE, KERNELS
from sparselab.kernels.base import TOLERANCES, Run, Work, error_against, reference
from sparselab.layout import Layout
from sparselab.mask import Mask
from sparselab.monitor import Monitor

if TYPE_CHECKING:
    import torch

_LONGEST_FAILURE = 300


def baseline_of(work: Work) -> str:
    """Return the name of the dense kernel that a product is compared with."""
    return next(name for name in DENSE if work.product in KERNELS[name].products)


def kernels_for(work: Work) -> tuple[str, ...]:
    """Return every kernel but the dense one of the other kind of product."""
    dense = baseline_of(work)
    return tuple(name for name in KERNELS if name == dense or name not in DENSE)


@dataclass(frozen=True)
class Entry:
    """One that takes part: its run, or why there is none; and what is known of it before it is timed.

    `error` is `max_error` against the oracle; None where there is no answer, or where it holds what is no number.
    """

    name: str
    role: str
    run: Run | None = None
    error: float | None = None
    prepare_ms: float | None = None
    obstacle: str = ""
    choice: str = ""


def line_up(work: Work, names: Sequence[str], x: torch.Tensor, *, seed: int, monitor: Monitor) -> tuple[Entry, ...]:
    """Return everybody who takes part, checked: the baseline, twice; the dense weight without zeros; the kernels.

    Raises: UnavailableError when the dense product itself cannot run, or is wrong: there is nothing to compare with.
    """
    dense = baseline_of(work)
    full = _without_zeros(work, seed)
    plan = [(dense, "baseline", work), (dense, "control", work), (dense, "full", full)]
    plan += [(name, "kernel", work) for name in names if name != dense]
    entries: list[Entry] = []
    answers: dict[int, torch.Tensor] = {}
    for done, (name, role, product) in enumerate(plan):
        monitor.progress(f"checking {name} against float64", done, len(plan))
        if id(product) not in answers:
            answers[id(product)] = reference(product, x)
        entries.append(_checked(name, role, product, x, answers[id(product)]))
        if role == "baseline" and entries[0].run is None:
            why = entries[0].obstacle or f"its error is {entries[0].error}"
            raise UnavailableError(f"expected a dense product of {work.dtype} on {work.device}; {name}: {why}")
    return tuple(entries)


def _checked(name: str, role: str, work: Work, x: torch.Tensor, exact: torch.Tensor) -> Entry:
    obstacle = KERNELS[name].obstacle(work)
    if obstacle:
        return Entry(name, role, obstacle=obstacle)
    start = time.perf_counter()
    try:
        run = KERNELS[name].prepare(work)
        prepare_ms = 1e3 * (time.perf_counter() - start)
        error = error_against(exact, run(x))
    except (SparselabError, RuntimeError, MemoryError) as failure:
        # A library may refuse what it is given, for want of memory or of a code path; that ends no session.
        told = " ".join(str(failure).split())[:_LONGEST_FAILURE]
        return Entry(name, role, obstacle=f"it failed: {told or type(failure).__name__}")
    right = error <= TOLERANCES[work.dtype]
    found = run if right else None
    return Entry(
        name, role, found, error if math.isfinite(error) else None, prepare_ms, choice=getattr(run, "told", "")
    )


def _without_zeros(work: Work, seed: int) -> Work:
    """Return the same product with every weight kept and none of them zero: normal ones, as large as the kept ones."""
    whole = Mask(np.ones(work.layout.after.shape, bool))
    weight = work.masked_weight
    kept = weight[weight != 0]
    scale = float(np.sqrt(np.mean(np.square(kept, dtype=np.float64)))) if kept.size else 1.0
    noise = np.random.default_rng(seed).standard_normal(weight.shape, dtype=np.float32).astype(weight.dtype)
    filled = np.where(weight == 0, scale * noise, weight).astype(weight.dtype)
    return replace(work, layout=Layout.masked(whole, whole, reason=""), weight=filled)
