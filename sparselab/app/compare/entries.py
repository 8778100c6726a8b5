"""What a comparison found: a contender's row of the table, and the one sentence that answers the visitor's question."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparselab.analysis.worth import KEPT, best_of, measure_of, worth_of
from sparselab.transforms.contender import Contender

ROLE_WORDS: Mapping[str, str] = MappingProxyType({"bound": "bound: no structure", "control": "control"})
"""What stands beside a contender that is no candidate."""


@dataclass(frozen=True)
class Entry:
    """A contender and what is known of it: its row of the table, or the error that stands in its place; the settings it ran with."""

    contender: Contender
    row: dict[str, Any]
    error: Exception | None = None
    settings: Mapping[str, Any] | None = None

    @property
    def worth(self) -> float:
        """What is kept by the measure of "best"; -1 where nothing was found."""
        return worth_of(self.row)


def entry_of(contender: Contender, result: Any) -> Entry:
    """Return what is known of a contender from the result of its call, or from the error that it ended with."""
    failed = result if isinstance(result, Exception) else None
    return Entry(contender, row_of(contender, result), failed, None if failed else result["settings"])


def row_of(contender: Contender, result: Any) -> dict[str, Any]:
    """Return the row of the table that a contender's result gives."""
    if isinstance(result, Exception):
        return {"contender": contender.title, "at budget": contender.at_budget, "coverage": None, "energy": None}
    report = result["report"]
    before, after = result["picture"]
    names = (
        "coverage",
        "energy",
        "density_after",
        "block_density",
        "fill_in",
        "flops_ratio",
        "padding_waste",
        "blocks",
    )
    return {
        "contender": contender.title,
        "at budget": contender.at_budget,
        "before": _png(before),
        "after": _png(after),
        "difference": None,
        **{name: report[name] for name in names},
        "block height": report["rows_per_block_mean"],
        "block width": report["cols_per_block_mean"],
        "seconds": sum(report["seconds"].values()) if report["seconds"] else None,
        "budget there": result["rival"],
        "status": report["status"],
    }


def winners(entries: Sequence[Entry]) -> list[Entry]:
    """Return the best of those among whom it is sought on every page (`best_contenders`), all that are level; none where none found anything."""
    racing = [entry for entry in entries if entry.contender.per_layer and entry.row["coverage"] is not None]
    return [racing[place] for place in best_of([entry.row for entry in racing])]


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries, who keeps most by the measure of "best" first."""
    return sorted(entries, key=lambda entry: -entry.worth)


def roles(entries: Sequence[Entry]) -> dict[str, str]:
    """Return in words what each contender, by its name, is in the comparison; "" for one that is none of these."""
    best = [entry.contender.name for entry in winners(entries)]
    told = {name: "best" if len(best) == 1 else "best, level" for name in best}
    return {
        entry.contender.name: told.get(entry.contender.name, ROLE_WORDS.get(entry.contender.role, ""))
        for entry in entries
    }


def verdict(entries: Sequence[Entry]) -> str:
    """Answer the question a visitor came with, in words; "" where no candidate found a structure.

    Says by what measure, who is level with the winner, what chance keeps, and who keeps more without being a candidate for best.
    """
    if not (found := winners(entries)):
        return ""
    first, *level = found
    best, measure = first.row, measure_of(first.row)
    at_budget = [entry for entry in entries if entry.contender.at_budget and entry.row["coverage"] is not None]
    beaten_by = [entry for entry in at_budget if entry.contender.role != "bound" and entry.worth > first.worth]
    text = f"**{best['contender']}** {'is the best candidate' if beaten_by else 'keeps most'} at this budget: "
    text += f"{100 * best[measure]:.1f} % {KEPT[measure]}"
    if measure == "energy":
        text += f", {100 * best['coverage']:.1f} % of their number"
    if level:
        text += "; level with it: " + ", ".join(entry.contender.title for entry in level)
    for entry in sorted(beaten_by, key=lambda entry: -entry.worth)[:1]:
        text += f"; {entry.contender.title}, {_why_not(entry)}, keeps {100 * entry.worth:.1f} %"
    by_chance = [entry.row for entry in at_budget if entry.contender.by_chance and entry.row["block height"]]
    # Narrow groups alone gain much, so chance is asked at the same height.
    chance = min(by_chance, key=lambda row: abs(row["block height"] - (best["block height"] or 0)), default=None)
    if chance is not None:
        text += f". Random groups of {chance['block height']:.0f} rows keep {100 * worth_of(chance):.1f} %"
    return text + "."


def _why_not(entry: Entry) -> str:
    return "a control" if entry.contender.role == "control" else "a grouper that is not tried for every layer"


def _png(picture: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(255 - picture).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
