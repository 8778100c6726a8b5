"""The one sentence of the Compare page: the best candidate, what chance keeps, and whether a control keeps more."""

from __future__ import annotations

from sparselab.app.compare.entries import Entry, verdict, winners
from sparselab.transforms.contender import Contender


def entry(
    title: str, coverage: float | None, height: float = 32.0, *, energy: float | None = None, **facts: object
) -> Entry:
    facts = {"per_layer": facts.get("role") is None and facts.get("at_budget") is None} | facts
    contender = Contender(title, title, "regroup", **facts)  # type: ignore[arg-type]
    return Entry(contender, {"contender": title, "coverage": coverage, "energy": energy, "block height": height})


CHANCE = {"role": "control", "by_chance": True}


def test_the_best_candidate_is_named_whatever_the_bound_and_the_controls_keep() -> None:
    entries = [entry("bound", 1.0, role="bound"), entry("a", 0.5), entry("b", 0.6), entry("own", 0.9, at_budget=False)]
    assert verdict(entries) == "**b** keeps most at this budget: 60.0 % of the kept weights."


def test_energy_decides_where_there_are_weights() -> None:
    text = verdict([entry("a", 0.5, energy=0.9), entry("b", 0.6, energy=0.8)])
    assert (
        text
        == "**a** keeps most at this budget: 90.0 % of the weights' energy (sum of w squared), 50.0 % of their number."
    )


def test_chance_is_asked_at_the_height_of_the_best() -> None:
    entries = [entry("wide", 0.2, 32, **CHANCE), entry("narrow", 0.3, 16, **CHANCE), entry("best", 0.6, 16)]
    assert verdict(entries).endswith("Random groups of 16 rows keep 30.0 %.")


def test_a_control_that_keeps_more_is_not_passed_over() -> None:
    text = verdict([entry("natural", 0.9, role="control"), entry("best", 0.6)])
    assert "**best** keeps most" not in text
    assert "natural" in text


def test_who_keeps_more_but_is_not_tried_elsewhere_is_named_and_does_not_win() -> None:
    entries = [entry("slow", 0.7, per_layer=False), entry("best", 0.6)]
    assert [one.contender.name for one in winners(entries)] == ["best"]
    assert "slow" in verdict(entries)
    assert "**best** keeps most" not in verdict(entries)


def test_ties_are_named() -> None:
    entries = [entry("a", 0.6), entry("b", 0.6), entry("c", 0.5)]
    assert [one.contender.name for one in winners(entries)] == ["a", "b"]
    assert "level with it: b" in verdict(entries)
    assert "c" not in verdict(entries).split(": ", 2)[2]


def test_nothing_is_said_where_no_candidate_found_anything() -> None:
    assert verdict([entry("a", None), entry("chance", 0.3, **CHANCE)]) == ""
