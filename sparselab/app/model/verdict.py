"""What a transform made of a whole network, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparselab.analysis.worth import Measure, worth_of
from sparselab.app.model.results import Rows
from sparselab.workflows.chance import Chance

_OF: Mapping[Measure, str] = {"energy": "of the weights' energy (sum of w squared)", "coverage": "of the kept weights"}


def verdict(layers: Sequence[Mapping[str, Any]], rows: Rows) -> str:
    """Say what share of the whole network is kept, at which density, and what random groups would keep; "" where nothing was found.

    Shares of sums over the layers, not means of their shares: of energy where every layer found has weights, else of the number of
    weights. Chance is spoken of in that measure alone, over the layers whose rows were grouped.
    """
    found = [row for row in rows.values() if "error" not in row and worth_of(row["report"]) >= 0]
    if not found:
        return ""
    measure: Measure = "energy" if all(_has_energy(row) for row in found) else "coverage"
    text = f"Over {_counted(len(found))} **{100 * _share(found, measure):.1f} %** {_OF[measure]} is kept {_density(layers, rows, found)}"
    # A layer of which every weight is kept has no chance to be measured against: random groups keep all of it too.
    grouped = [row for row in found if row["chance"] is not None or row["report"]["status"] == "dense"]
    if any(row["chance"] is not None for row in grouped) and (
        measure == "energy" or not any(_has_energy(row) for row in found)
    ):
        text += _against_chance(found, grouped, measure)
    text += "."
    if unfound := sum("error" not in row and worth_of(row["report"]) < 0 for row in rows.values()):
        text += f" In {_counted(unfound)} nothing was found."
    if failed := sum("error" in row for row in rows.values()):
        text += f" {_counted(failed).capitalize()} could not be done."
    return text


def _against_chance(found: Sequence[Mapping[str, Any]], grouped: Sequence[Mapping[str, Any]], measure: Measure) -> str:
    whole = sum(row["whole"][measure] for row in grouped)
    by_chance = (
        sum((1.0 if row["chance"] is None else row["chance"]["mean"]) * row["whole"][measure] for row in grouped)
        / whole
    )
    if len(grouped) == len(found):
        text = f"; random groups would keep {100 * by_chance:.1f} %"
    else:
        text = f"; in the {_counted(len(grouped))} with groups of rows it is {100 * _share(grouped, measure):.1f} %, and random groups would keep {100 * by_chance:.1f} %"
    drawn = [row for row in grouped if row["chance"] is not None]
    level = sum(Chance(**row["chance"]).explains(worth_of(row["report"])) for row in drawn)
    return text + (f". In {_counted(level)} it is no more than chance" if level else "")


def _share(rows: Sequence[Mapping[str, Any]], measure: Measure) -> float:
    kept = sum(row["report"][measure] * row["whole"][measure] for row in rows)
    return float(kept / sum(row["whole"][measure] for row in rows))


def _density(layers: Sequence[Mapping[str, Any]], rows: Rows, found: Sequence[Mapping[str, Any]]) -> str:
    sizes = {layer["name"]: layer["shape"][0] * layer["shape"][1] for layer in layers}
    counted = [(sizes[name], row["report"]) for name, row in rows.items() if any(row is one for one in found)]
    whole = sum(size for size, _ in counted)
    before, after = (
        sum(size * report[f"density_{when}"] for size, report in counted) / whole for when in ("before", "after")
    )
    same = abs(after - before) < 0.0005
    return (
        f"at the same density ({100 * before:.1f} %)"
        if same
        else f"at a density of {100 * after:.1f} % instead of {100 * before:.1f} %"
    )


def _has_energy(row: Mapping[str, Any]) -> bool:
    return row["report"]["energy"] is not None and row["whole"]["energy"] is not None


def _counted(count: int) -> str:
    return f"{count} layer{'s' * (count != 1)}"
