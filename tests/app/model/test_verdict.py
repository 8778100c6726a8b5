"""The sentence about a whole network, and what its cards say: sums and not means of shares, chance in the same measure."""

from __future__ import annotations

from typing import Any

from sparselab.app.model.cards import cards
from sparselab.app.model.results import Known
from sparselab.app.model.verdict import verdict

LAYERS = [
    {"name": "a", "shape": (10, 10), "density": 0.2},
    {"name": "b", "shape": (10, 30), "density": 0.2},
]


def row(
    kept: float | None, whole: float = 1.0, chance: float | None = None, *, energy: bool = True, after: float = 0.2
) -> dict[str, Any]:
    report = {
        "status": "unblocked" if kept is None else "blocked",
        "reason": "no group found",
        "density_before": 0.2,
        "density_after": after,
        "coverage": kept,
        "energy": kept if energy else None,
    }
    drawn = None if chance is None else {"mean": chance, "low": chance - 0.01, "high": chance + 0.01, "draws": 8}
    return {
        "contender": "regroup",
        "report": report,
        "chance": drawn,
        "whole": {"energy": whole if energy else None, "coverage": whole},
        "pictures": {"before": {}, "after": {}},
        "after": "digest",
    }


def test_shares_are_of_sums_over_the_layers() -> None:
    said = verdict(LAYERS, {"a": row(0.9, 100.0, 0.5), "b": row(0.5, 300.0, 0.3)})
    assert said.startswith(
        "Over 2 layers **60.0 %** of the weights' energy (sum of w squared) is kept at the same density (20.0 %)"
    )
    assert "random groups would keep 35.0 %" in said


def test_without_weights_it_is_their_number() -> None:
    said = verdict(LAYERS, {"a": row(0.5, 20, 0.4, energy=False), "b": row(0.5, 60, 0.4, energy=False)})
    assert "50.0 %** of the kept weights" in said
    assert "random groups would keep 40.0 %" in said


def test_measures_are_never_mixed() -> None:
    said = verdict(LAYERS, {"a": row(0.5, 20, 0.4), "b": row(0.5, 60, 0.4, energy=False)})
    assert "of the kept weights" in said
    assert "random groups" not in said


def test_what_found_nothing_and_what_failed_is_counted_and_not_averaged_in() -> None:
    said = verdict(LAYERS, {"a": row(0.5, 20.0), "b": row(None)})
    assert "Over 1 layer **50.0 %**" in said
    assert "In 1 layer nothing was found." in said
    assert "1 layer could not be done" in verdict(LAYERS, {"a": row(0.5), "b": {"error": "no room"}})
    assert verdict(LAYERS, {"a": row(None), "b": {"error": "no room"}}) == ""


def test_another_density_is_said() -> None:
    assert "at a density of 10.0 % instead of 20.0 %" in verdict(LAYERS, {"a": row(0.5, after=0.1)})


def test_no_more_than_chance_is_said() -> None:
    rows = {"a": row(0.9, 1.0, 0.5), "b": row(0.4, 1.0, 0.4)}
    assert "In 1 layer it is no more than chance" in verdict(LAYERS, rows)
    first, second = cards(LAYERS, Known(rows))
    assert first.chance.startswith("+40.0 points over chance")
    assert second.chance.startswith("no more than chance")


def test_every_card_says_where_its_layer_stands() -> None:
    told = {"a": row(0.5), "b": {"error": "no room"}}
    assert [card.state for card in cards(LAYERS, Known(told, {}, {"digest": "fast"}))] == ["found", "failed"]
    assert cards(LAYERS, Known(told, {}, {"digest": "fast"}))[0].speed == "fast"
    assert [card.state for card in cards(LAYERS, Known({"a": row(None)}))] == ["nothing", "waiting"]
