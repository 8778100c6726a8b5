"""What fits into the minutes of a tuning: epochs, and on how many examples the networks are judged. Times are seconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

NETWORKS = 3
"""Dense, masked, structured: each is trained, and judged before and after."""

_SHARE, _SHARE_BUSY = 0.85, 0.6
"""Of the time that is left, what is planned: the rest is checkpoints, and a machine that slows down, as one does on which others work."""

_JUDGING = 0.3
"""Of what is planned, what judging may take before examples are left out."""

_FEWEST_TEST, _FEWEST_VALIDATION = 64, 8
_LEAST_EPOCHS, MOST_EPOCHS = 0.01, 1000.0


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What was measured here. example: a network judged on one. step: of training. once: what epochs do not change (data read, grouping,
    conversion, timing). per_epoch: steps. validation, test: how many examples there are.
    """

    example: float
    step: float
    once: float
    per_epoch: int
    validation: int
    test: int


@dataclass(frozen=True, kw_only=True)
class TuningPlan:
    """Epochs of each network, the examples each is judged on, and what all of it is expected to take, of `left` seconds."""

    epochs: float
    validation: int
    test: int
    seconds: float
    left: float

    @property
    def holds(self) -> bool:
        """Whether that is no more than was left."""
        return self.seconds <= self.left

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def plan(left: float, costs: Costs, *, is_busy: bool = False) -> TuningPlan:
    """Return what fits into `left` seconds: examples are left out before epochs, of validation first, on which nothing here rests; of
    neither less than one step, 64 test and 8 validation examples.

    is_busy: whether others used the processor when that was measured; more is kept back then.

    A training of E epochs is judged on the validation examples ceil(E) + 1 times, on the test examples once, and once before it.

    Example: >>> costs = Costs(example=0.01, step=0.1, once=5.0, per_epoch=50, validation=1000, test=3000)
             >>> plan(3600.0, costs).test, plan(120.0, costs).test
             (3000, 472)
    """
    room = max(0.0, (_SHARE_BUSY if is_busy else _SHARE) * left - costs.once)
    most = _JUDGING * room / max(costs.example, 1e-12)
    fewest = min(_FEWEST_VALIDATION, costs.validation)
    test = _within((most - 3 * NETWORKS * fewest) / (2 * NETWORKS), _FEWEST_TEST, costs.test)
    validation = _within((most - 2 * NETWORKS * test) / (3 * NETWORKS), _FEWEST_VALIDATION, costs.validation)
    beside = 2 * NETWORKS * costs.example * (test + validation)
    an_epoch = max(NETWORKS * (costs.step * costs.per_epoch + costs.example * validation), 1e-12)
    least = max(_LEAST_EPOCHS, 1 / costs.per_epoch)
    epochs = min(max((room - beside) / an_epoch, least), MOST_EPOCHS)
    steps = max(1, int(epochs * costs.per_epoch))
    epochs = max(round(steps / costs.per_epoch, 6), _LEAST_EPOCHS)
    return TuningPlan(
        epochs=epochs,
        validation=validation,
        test=test,
        seconds=costs.once + _training(epochs, validation, test, costs),
        left=left,
    )


def _within(count: float, fewest: int, whole: int) -> int:
    return int(min(max(count, min(fewest, whole)), whole))


def _training(epochs: float, validation: int, test: int, costs: Costs) -> float:
    judged = 2 * test + (ceil(epochs) + 1) * validation
    return NETWORKS * (costs.step * costs.per_epoch * epochs + costs.example * judged)
