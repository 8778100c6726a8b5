"""The kinds of task that a plan may have: one file each, listed here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.core.errors import SparselabError
from sparselab.workflows.sweeps.kinds.base import TaskKind
from sparselab.workflows.sweeps.kinds.timing import TimingKind
from sparselab.workflows.sweeps.kinds.training import TrainingKind
from sparselab.workflows.sweeps.kinds.transform import TransformKind
from sparselab.workflows.sweeps.point import Task

USUAL = "transform"
"""What a plan is that does not say its kind."""

KINDS: Mapping[str, TaskKind] = MappingProxyType(
    {USUAL: TransformKind(), "timing": TimingKind(), "training": TrainingKind()}
)
"""By the names that plans say."""


def kind_of(task: Task) -> TaskKind:
    """Return the kind of a task. Raises: SparselabError for one that no kind knows."""
    for kind in KINDS.values():
        if kind.mark in task:
            return kind
    raise SparselabError(
        f"expected a task of {', '.join(KINDS)}; got one of another kind: install the same sparselab here"
    )
