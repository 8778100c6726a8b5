"""What is known of each layer of a network by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparselab.app.shell.faults import fault_text
from sparselab.runtime.broker import JobList

Parts = Sequence[tuple[str, ...]]
"""The layers of each call, by name."""

Rows = Mapping[str, Mapping[str, Any]]
"""By layer: a row of `stored_model_rows`, or {"error"}."""


@dataclass(frozen=True)
class Known:
    """rows: what a transform made of layers. looks: layers as they are in the file (`layer_cards.first_looks`). speeds: how fast
    layers were measured to be, in words, by the digest of their masks after."""

    rows: Rows = field(default_factory=dict)
    looks: Rows = field(default_factory=dict)
    speeds: Mapping[str, str] = field(default_factory=dict)


def by_layer(parts: Parts, jobs: JobList) -> dict[str, Mapping[str, Any]]:
    """Return the results of a list of calls, one a part, by layer; a call that failed is an error of each of its layers."""
    found: dict[str, Mapping[str, Any]] = {}
    for index, result in jobs.results.items():
        failed = isinstance(result, Exception)
        rows = [{"error": fault_text(result)} for _ in parts[index]] if failed else result
        found |= zip(parts[index], rows, strict=True)
    return found
