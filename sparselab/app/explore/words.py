"""What a picture of Explore shows, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparselab.analysis.worth import measure_of, worth_of
from sparselab.core.mask import Mask
from sparselab.display.numbers import STATUS_HEADLINES
from sparselab.workflows.chance import Chance


def sentence(report: Mapping[str, Any], *, grouped: bool, chance: Chance | None, is_drawing: bool = False) -> str:
    """Return what became of a layer, as Markdown, for every status.

    Args:
        report: `Report.as_json`.
        grouped: rows were put together by the columns they use.
        chance: what random groups keep, by the measure of "best". is_drawing: that is being found out.
    """
    if report["status"] == "unblocked":
        return f"**{STATUS_HEADLINES['unblocked']}**: {report['reason']}."
    if report["status"] == "dense":
        return f"**{STATUS_HEADLINES['dense']}**: {report['reason']}."
    if report["coverage"] is None:
        return f"**The mask keeps no weight**: {report['reason']}."
    kept = f"**{100 * report['coverage']:.0f} of 100 kept weights**"
    if report["status"] == "masked":
        return f"Weights were chosen, but not in blocks ({report['reason']}): {kept} are still there."
    energy = f" with **{100 * report['energy']:.0f} %** of their energy" if measure_of(report) == "energy" else ""
    blocks = f"{report['blocks']:,} dense block{'s' * (report['blocks'] != 1)}"
    if not grouped:
        return f"{kept}{energy} lie in {blocks}; the others were dropped, and the blocks are filled up."
    text = f"Rows that use the same columns were put together: {kept}{energy} fit into {blocks}"
    if is_drawing:
        return f"{text}; what random groups would keep is being counted."
    return text + ("." if chance is None else f"; {_beside(worth_of(report), chance, energy=bool(energy))}.")


def sentence_before(mask: Mask) -> str:
    """Return what is seen of a layer while nothing was made of it yet."""
    return f"The layer as it is in the file: **{100 * mask.density:.0f} of 100 weights** are kept."


def _beside(worth: float, chance: Chance, *, energy: bool) -> str:
    keep = f"{100 * chance.mean:.0f}" + (" % of the energy" if energy else "")
    if chance.explains(worth):
        return f"random groups keep as much ({keep}), so these rows have no groups to be found"
    return f"random groups would keep {keep}"
