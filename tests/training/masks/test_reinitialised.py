"""Tickets trained from weights drawn anew: the same masks, other weights, the same for the ticket and what became of it."""

from __future__ import annotations

import pytest
import torch

import sparselab.training
from sparselab.core.errors import SettingError
from sparselab.formats import read_ticket
from sparselab.training.engine.checkpoint import read_checkpoint
from sparselab.training.methods import DYNAMIC
from sparselab.training.runs.outcomes import outcomes_of
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.views import RunView
from sparselab.training.settings import TrainSettings
from tests.training.tiny import tiny


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> RunView:
    given = vars(tiny(levels=2, then="refill@2,regroup@0", reinitialise="0+2", epochs=1, width=0.25))
    return sparselab.training.run(tmp_path_factory.mktemp("runs") / "run", **given)


def test_each_ticket_of_a_named_level_has_a_control_with_its_masks(view: RunView) -> None:
    by_stage = {entry["stage"]: entry for entry in view.stages}
    controls = [stage for stage in by_stage if stage.endswith("-reinitialised")]
    assert controls == [f"{stage}-reinitialised" for stage in ("level-00-regroup", "level-02", "level-02-refill")]
    for stage in controls:
        ticket, control = by_stage[stage.removesuffix("-reinitialised")], by_stage[stage]
        measured = ("kept", "size", "channels", "blocks", "mask_digest", "layers")
        assert {name: control.get(name) for name in measured} == {name: ticket.get(name) for name in measured}
        assert control["then"]["reinitialised"]
    assert view.dense is not None
    assert [entry["stage"] for entry in view.stages if entry["then"] is None] == ["level-00", "level-01", "level-02"]
    assert [len(level["then"]) for level in view.document()["levels"]] == [2, 0, 3]


def test_its_weights_are_fresh_and_its_own(view: RunView) -> None:
    """A level's controls start from the same weights, which are none of the run's and none of another level's."""
    early = read_checkpoint(RunPaths(view.info.folder).model("rewind")).part("model")
    fresh = {}
    for stage in ("level-00-regroup", "level-02", "level-02-refill"):
        layers = read_ticket(view.ticket(f"{stage}-reinitialised"))
        fresh[stage] = {
            layer.name: torch.from_numpy(layer.rewound.copy()) for layer in layers if layer.rewound is not None
        }
        assert fresh[stage]
    for name, weight in fresh["level-02"].items():
        assert torch.equal(weight, fresh["level-02-refill"][name])
        assert not torch.equal(weight, fresh["level-00-regroup"][name])
        assert not torch.equal(weight, early[f"{name}.weight"].reshape(weight.shape))
        assert 0.5 < float(weight.std() / early[f"{name}.weight"].std()) < 2, "drawn as the network draws them"


def test_it_trains_from_the_first_step_to_the_end_and_has_a_line_of_its_own(view: RunView) -> None:
    starts = {event["stage"]: (event["start"], event["stop"]) for event in view.events() if event["event"] == "stage"}
    stop = starts["level-02"][1]
    assert starts["level-02"][0] > 0
    assert starts["level-02-reinitialised"] == starts["level-02-refill-reinitialised"] == (0, stop)
    series = {outcome.stage: outcome.series for outcome in outcomes_of(view)}
    assert series["level-02-reinitialised"] == "IMP (unstructured), re-initialised"
    assert series["level-02-refill-reinitialised"] == "Refill, re-initialised"


@pytest.mark.parametrize("text", ["3", "x", "1,2", "+", "1+", "-1", "\u0661"])
def test_levels_that_are_not_there_are_refused(text: str) -> None:
    with pytest.raises(SettingError, match="reinitialise: expected levels"):
        tiny(levels=2, reinitialise=text)


@pytest.mark.parametrize("method", DYNAMIC)
def test_masks_that_move_have_no_control(method: str) -> None:
    with pytest.raises(SettingError, match="move with the weights"):
        TrainSettings(method=method, reinitialise="1")
