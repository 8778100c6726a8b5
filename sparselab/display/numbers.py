"""The numbers beside the pictures, as people read them: on the pages and in saved files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sparselab.analysis.metrics import labels, meanings
from sparselab.core.mask import Mask

DECIDING = ("coverage", "energy", "density_after", "block_density", "fill_in", "blocks")
"""The numbers of a report that decide, in the order shown."""

STATUS_HEADLINES: Mapping[str, str] = MappingProxyType(
    {
        "unblocked": "No structure was found, and the mask is unchanged",
        "masked": "No blocks",
        "dense": "Every weight is kept",
    }
)
"""What is said before the reason of a layout that has no blocks to show, by its status."""


@dataclass(frozen=True)
class NumberRow:
    """One number as text, with its label and what it means."""

    number: str
    value: str
    meaning: str


def deciding_rows(report: Mapping[str, Any] | None) -> list[NumberRow]:
    """Return the numbers that decide; dashes while there is no report."""
    label_of, help_of = labels(), meanings()
    return [
        NumberRow(label_of[name], "–" if report is None else _text(name, report[name]), help_of[name])
        for name in DECIDING
    ]


def report_rows(report: Mapping[str, Any], notes: Mapping[str, str]) -> list[NumberRow]:
    """Return every number of a report (`Report.as_json`), the seconds per stage, and the notes of the transform."""
    label_of, help_of = labels(), meanings()
    rows = [
        NumberRow(label_of[name], _text(name, report[name]), meaning)
        for name, meaning in help_of.items()
        if name != "seconds"
    ]
    rows += [
        NumberRow(f"Seconds: {stage}", f"{spent:.3f} s", help_of["seconds"])
        for stage, spent in report["seconds"].items()
    ]
    return rows + [NumberRow(name, text, "a note of the transform") for name, text in notes.items()]


def mask_rows(mask: Mask) -> list[NumberRow]:
    """Return the numbers of a mask by itself."""
    return [
        NumberRow("Rows", f"{mask.rows:,}", "output channels"),
        NumberRow(
            "Columns", f"{mask.cols:,}", "inputs; of a convolution input channels x kernel height x kernel width"
        ),
        NumberRow("Weights kept", f"{mask.count:,}", "number of kept weights"),
        NumberRow("Density", _text("density", mask.density), "kept weights / all weights"),
        NumberRow("Sparsity", _text("sparsity", mask.sparsity), "1 - density"),
    ]


def _text(name: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return (
            f"{value:.1f}"
            if name.endswith("_mean") or name == "efficacy"
            else f"{100 * value:.{1 if value >= 0.1 else 2}f} %"
        )
    return f"{value:,}" if isinstance(value, int) else str(value)
