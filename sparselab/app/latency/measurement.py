"""What one visit measures: which list of calls was asked for last, how far it is, and what earlier ones gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

from sparselab.runtime.broker import Call

Results = Mapping[int, Any]
"""What each call gave, by its place in the list: a `Measured` as plain values, or the exception that came instead."""

MOST_KEPT = 12
"""Of so many lists of calls the results are kept, the newest."""


class State(Enum):
    """How far a list of calls is: without results and not at work, at work, with results."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class MeasurementPlan:
    """A list of calls that a tab offers to measure; equal lists have equal keys. threads: of the process that measures."""

    tab: str
    key: str
    calls: Sequence[Call]
    threads: int


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The measurements of a visit, of which one runs at a time.

    tab, key: of the plan asked for last; None before the first. number: how many were asked for, because asking for the same
    again is another measurement. is_running: the last one has not ended. kept: results by key, the newest last.
    """

    tab: str | None = None
    key: str | None = None
    number: int = 0
    is_running: bool = False
    kept: Mapping[str, Results] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """What sets the measurement asked for last apart from all others of the visit."""
        return f"{self.number} {self.key}"

    def asked(self, plan: MeasurementPlan) -> Measurement:
        """Return what follows when `plan` is asked for."""
        return replace(self, tab=plan.tab, key=plan.key, number=self.number + 1, is_running=True)

    def ended(self, results: Results) -> Measurement:
        """Return what follows when the one asked for last has ended or was stopped; without results nothing is kept of it."""
        if self.key is None or not results:
            return replace(self, is_running=False)
        older = [(key, known) for key, known in self.kept.items() if key != self.key]
        kept = dict([*older, (self.key, dict(results))][-MOST_KEPT:])
        return replace(self, is_running=False, kept=MappingProxyType(kept))

    def is_of(self, plan: MeasurementPlan) -> bool:
        """Whether `plan` is what was asked for last."""
        return (self.tab, self.key) == (plan.tab, plan.key)

    def is_outdated_by(self, plan: MeasurementPlan) -> bool:
        """Whether the same tab asked last for something else: a setting has changed since."""
        return self.tab == plan.tab and self.key != plan.key

    def state_of(self, plan: MeasurementPlan) -> State:
        """Return how far `plan` is."""
        if self.is_running and self.is_of(plan):
            return State.RUNNING
        return State.DONE if plan.key in self.kept else State.IDLE
