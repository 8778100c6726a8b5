"""What `transform` tells of its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sparselab.analysis.metrics import Report
from sparselab.analysis.worth import worth_of
from sparselab.core.groups import separate_in_words
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.workflows.chance import Chance
from sparselab.workflows.model import Done, NotDone


@dataclass
class TransformResults:
    """What is told of the layers when all are done; of their layouts no more than that, unless they are written."""

    keeps_layouts: bool
    chance_of: Callable[[str, Layout], Chance | None] | None = None
    chances: dict[str, Chance | None] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    failed: list[NotDone] = field(default_factory=list)
    layouts: dict[str, Layout] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _rows: list[dict[str, Any]] = field(default_factory=list)

    def taken(self, outcomes: Iterable[Done | NotDone]) -> Iterator[tuple[Layer, Layout, Report]]:
        """Take the outcomes over, one at a time; hand on those that are done."""
        for item in outcomes:
            if isinstance(item, NotDone):
                self.failed.append(item)
                continue
            name = item.layer.name
            separate = filter(None, [separate_in_words(item.layer.groups, item.layer.mask.rows)])
            self.reports[name], self.notes[name] = item.report, (*item.layer.notes, *separate)
            if self.keeps_layouts:
                self.layouts[name] = item.layout
            shape, digest = list(item.layer.mask.shape), item.layout.after.digest
            row = {"name": name, "shape": shape, **item.report.as_json(), "digest": digest}
            if self.chance_of is not None:
                found = self.chances[name] = self.chance_of(name, item.layout)
                row["chance"] = (
                    None if found is None else {**found.as_json(), "gain": found.gain(worth_of(item.report))}
                )
            self._rows.append(row)
            yield item.layer, item.layout, item.report

    def document(self) -> dict[str, Any]:
        not_done = [{"name": item.name, "reason": str(item.error)} for item in self.failed]
        return {"layers": self._rows, "not_done": not_done}
