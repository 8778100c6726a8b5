"""A sweep: which points it has, and that each is what the transform and chance say there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparselab.analysis.metrics import report
from sparselab.core.settings import settings_of
from sparselab.formats import ReadOptions, read_ticket
from sparselab.runtime import messages
from sparselab.transforms import TRANSFORMS, Regroup
from sparselab.workflows.chance import chance_of
from sparselab.workflows.stored_sweep import stored_sweep_row
from sparselab.workflows.sweep import sweep_of, sweep_row


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("density", [0.003, 0.2, 0.8, 1.0])
def test_every_transform_sweeps_or_says_why_not(name: str, density: float) -> None:
    kind = TRANSFORMS[name]
    ladders = [each for each in settings_of(kind) if each.ladder]
    found = sweep_of(kind, {}, density)
    if isinstance(found, str):
        assert not ladders
        assert found.startswith(kind.title)
        return
    assert found.knob == ladders[0]
    assert [point.settings for point in found.points] == [
        {found.knob.name: value, **({found.budget.name: spent} if found.budget else {})}
        for spent in found.densities
        for value in found.knob.ladder
        if name != "n-m" or value >= kind().n  # type: ignore[attr-defined]
    ]
    assert None in found.densities
    assert {found.knob.name, *([found.budget.name] if found.budget else [])} >= kind.spending(1.0).keys()
    told = [density if spent is None else spent for spent in found.densities]
    assert told == sorted(told), "ascending, the mask's own among them"
    assert len(told) == (5 if density <= 0.5 else 4 if density < 0.71 else 3) or not found.budget
    for point in found.points:
        assert kind(**point.settings)


def test_a_knob_or_a_budget_that_does_not_count_is_not_swept() -> None:
    said = sweep_of(Regroup, {"groups": 8}, 0.2)
    assert isinstance(said, str)
    assert "Number of groups" in said
    own = sweep_of(Regroup, {"rule": "ratio"}, 0.2)
    assert not isinstance(own, str)
    assert own.budget is None
    assert [dict(point.settings) for point in own.points] == [
        {"rule": "ratio", "rows_per_group": value} for value in own.knob.ladder
    ]


@pytest.mark.parametrize("weights", [False, True])
def test_a_point_is_what_the_transform_and_chance_say_there_and_is_computed_once(
    weights: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    kept, path = rng.random((48, 64)) < 0.3, str(tmp_path / "net.npz")
    np.savez(path, fc=np.where(kept, rng.standard_normal(kept.shape), 0).astype(np.float32) if weights else kept)
    layer, settings = read_ticket(path)["fc"], {"rows_per_group": 8, "density": 0.15}
    run = Regroup(**settings)  # type: ignore[arg-type]
    layout = run(layer, rng=3, device="cpu")
    chance = chance_of(layer, layout, run, device="cpu")
    assert chance is not None
    asked = (path, "fc", "regroup", settings, 3, ReadOptions())
    row = messages.load(messages.dump(sweep_row(*asked, "cpu")))
    assert without_seconds(row["report"]) == without_seconds(report(layout, layer).as_json())
    assert row["chance"] == chance.as_json()
    assert row["repeatable"]
    store = str(tmp_path / "store")
    first = stored_sweep_row(*asked, store, "cpu")
    monkeypatch.setattr("sparselab.workflows.stored_sweep.sweep_row", None)
    again = stored_sweep_row(*asked, store, "cpu")
    assert without_seconds(again["report"]) == without_seconds(first["report"])
    assert again["chance"] == first["chance"] == row["chance"]


def without_seconds(told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "seconds": {}}
