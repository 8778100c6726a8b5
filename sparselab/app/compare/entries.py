"""What a comparison found: a contender's row of the table, and the one sentence that answers the visitor's question."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparselab.transforms.contender import Contender


@dataclass(frozen=True)
class Entry:
    """A contender and what is known of it: its row of the table, or the error that stands in its place."""

    contender: Contender
    row: dict[str, Any]
    error: Exception | None = None

    @property
    def worth(self) -> float:
        """What is kept: of the energy where there are weights, of the kept weights otherwise; -1 where nothing was found."""
        found = (self.row[name] for name in ("energy", "coverage") if self.row[name] is not None)
        return float(next(found, -1.0))


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


def verdict(entries: Sequence[Entry]) -> str:
    """Answer the question a visitor came with, in one sentence; "" where no candidate found a structure."""
    racing = [entry for entry in entries if entry.contender.at_budget and entry.row["coverage"] is not None]
    winner = max(
        (each for each in racing if each.contender.role == "candidate"), key=lambda each: each.worth, default=None
    )
    if winner is None:
        return ""
    best = winner.row
    control = max(
        (each for each in racing if each.contender.role == "control"), key=lambda each: each.worth, default=winner
    )
    by_chance = [entry.row for entry in racing if entry.contender.by_chance and entry.row["block height"]]
    # Narrow groups alone gain much, so chance is asked at the same height.
    chance = min(by_chance, key=lambda row: abs(row["block height"] - (best["block height"] or 0)), default=None)
    place = "is the best candidate" if control.worth > winner.worth else "keeps most"
    text = f"**{best['contender']}** {place} at this budget: {100 * best['coverage']:.1f} % of the kept weights"
    if best["energy"] is not None:
        text += f", {100 * best['energy']:.1f} % of their energy"
    if control.worth > winner.worth:
        text += f"; {control.contender.title}, a control, keeps {100 * control.row['coverage']:.1f} %"
    if chance is not None:
        text += f". Random groups of {chance['block height']:.0f} rows keep {100 * chance['coverage']:.1f} %"
    return text + "."


def _png(picture: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(255 - picture).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
