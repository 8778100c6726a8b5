"""A layer's card of the wall: what is said of it, and the numbers it is sorted by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparselab.analysis.worth import Measure, measure_of, worth_of
from sparselab.app.model.results import Known
from sparselab.display.wall_message import LayerCard, State
from sparselab.workflows.chance import Chance

_OF: Mapping[Measure, str] = {"energy": "of the energy kept", "coverage": "of the weights kept"}


def cards(layers: Sequence[Mapping[str, Any]], known: Known) -> list[LayerCard]:
    """Return the cards of all layers, in the network's order. layers: as the file's card shows them."""
    return [_card(place, layer, known) for place, layer in enumerate(layers)]


def _card(place: int, layer: Mapping[str, Any], known: Known) -> LayerCard:
    name, (height, width) = layer["name"], layer["shape"]
    row, look = known.rows.get(name), known.looks.get(name, {})
    density = layer["density"]
    if density is None:
        density = look.get("density") if row is None or "error" in row else row["report"]["density_before"]
    shape = f"{height:,} x {width:,}"
    common: dict[str, Any] = {
        "name": name,
        "place": place,
        "shape": shape,
        "size": height * width,
        "facts": shape if density is None else f"{shape}, density {100 * density:.1f} %",
        "before": look.get("picture"),
    }
    if row is None:
        return LayerCard(**common, words=f"not read: {look['error']}" if "error" in look else "")
    if "error" in row:
        return LayerCard(**common, state="failed", words=f"not done: {row['error']}")
    pictures = row["pictures"]
    common |= {"before": common["before"] or pictures["before"], "after": pictures["after"]}
    return LayerCard(**common, **_outcome(row, known.speeds.get(row["after"], "")))


def _outcome(row: Mapping[str, Any], speed: str) -> dict[str, Any]:
    report = row["report"]
    worth = worth_of(report)
    state: State = "found" if worth >= 0 else "nothing"
    if state == "nothing":
        return {"state": state, "words": f"nothing found: {report['reason']}", "structure": row["contender"]}
    chance = None if row["chance"] is None else Chance(**row["chance"])
    after = f", density {100 * report['density_after']:.1f} %" if _moved(report) else ""
    return {
        "state": state,
        "kept": worth,
        "words": f"{100 * worth:.1f} % {_OF[measure_of(report)]}",
        "structure": f"{row['contender']}{after}",
        "gain": None if chance is None else chance.gain(worth),
        "mark": None if chance is None else {"low": chance.low, "high": chance.high},
        "chance": "" if chance is None else _chance_in_words(chance, worth),
        "speed": speed,
    }


def _moved(report: Mapping[str, Any]) -> bool:
    return bool(abs(report["density_after"] - report["density_before"]) > 0.0005)


def _chance_in_words(chance: Chance, worth: float) -> str:
    spread = f"random groups: {100 * chance.low:.1f} to {100 * chance.high:.1f} %"
    if chance.explains(worth):
        return f"no more than chance ({spread})"
    return f"{100 * chance.gain(worth):+.1f} points over chance ({spread})"
