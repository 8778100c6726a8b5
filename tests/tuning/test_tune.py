"""A tuning: three networks from one checkpoint, side by side; resumed it is the same; the converted model is what was trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparselab.benchmarking.statistics import Ratio
from sparselab.core.errors import Cancelled, FileError, SettingError
from sparselab.nn import largest_difference, load
from sparselab.runtime import messages
from sparselab.runtime.progress import Monitor
from sparselab.training.models import MODELS
from sparselab.training.runs.views import read_run
from sparselab.tuning import load_converted, measuring, planning, steps, tune
from sparselab.tuning.forecast import CANDIDATES, Forecast, best_of, refusal
from sparselab.tuning.forms import EXAMPLES, FORMS
from sparselab.tuning.request import AUTO, OFFERED, TuneRequest

VALUES: dict[str, Any] = {
    "task": "digits",
    "task_settings": "train=96,validation=16,test=32",
    "width": 0.5,
    "batch": 32,
    "threads": 1,
}


def network() -> torch.nn.Module:
    return MODELS["vgg-small"].build(10, 1, 24, 0.5)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of which four fifths of every layer but the first and last are dropped, at random."""
    torch.manual_seed(0)
    model = network()
    path = tmp_path_factory.mktemp("pruned") / "pruned.pt"
    convolutions = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    with torch.no_grad():
        for module in convolutions[1:]:
            module.weight *= torch.rand_like(module.weight) < 0.2
    torch.save(model.state_dict(), path)
    return path


def request(path: Path, **changes: Any) -> TuneRequest:
    told = {"model": "vgg-small", "transform": "regroup:rows_per_group=8", "minutes": 0.002, "values": VALUES}
    return TuneRequest(**{"checkpoint": str(path), **told, **changes})


def test_three_networks_side_by_side_and_the_converted_one_on_disk(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tuned"

    def stop_in_the_middle() -> bool:
        return (folder / "masked" / "results.json").exists()

    with pytest.raises(Cancelled):
        tune(request(checkpoint), folder, anyway=True, seconds=0.1, monitor=Monitor(cancelled=stop_in_the_middle))
    with pytest.raises(FileError, match="resume it"):
        load_converted(network(), folder)

    def stop_at_the_timing() -> bool:
        return "structured" in (json.loads((folder / "tune.json").read_text())["before"] or {})

    with pytest.raises(Cancelled):
        tune(request(checkpoint), folder, resume=True, seconds=0.1, monitor=Monitor(cancelled=stop_at_the_timing))
    for name in ("transformed_layouts", "evaluate"):
        monkeypatch.setattr(measuring, name, _never_again)
    said: list[str] = []
    told = tune(request(checkpoint), folder, resume=True, seconds=0.1, say=said.append)
    assert told["result"]["batch"] < 32 < EXAMPLES, "of so few seconds less than a whole batch is timed, which is said"
    assert any("timing at" in text for text in told["left_out"])
    assert any("after training: dense" in text for text in said), "metrics are told before anything is timed"
    dense, masked, exact, structured = told["result"]["forms"]
    assert [form["form"] for form in told["result"]["forms"]] == list(FORMS)
    assert {name: exact[name] for name in ("kept", "before", "after")} == {
        name: masked[name] for name in ("kept", "before", "after")
    }, "the same weights, nothing dropped"
    assert dense["kept"] == dense["size"] > masked["kept"]
    assert dense["before"] == masked["before"], "dropped weights are 0: the same function"
    ends = {entry["stage"]: entry for entry in read_run(folder / "masked").stages}
    assert masked["after"] == ends["level-00"]["test_accuracy"]
    assert structured["after"] == ends["level-00-regroup"]["test_accuracy"]
    assert all(form["ms"] > 0 and form["examples"] == 32 for form in told["result"]["forms"])
    for form in (dense, structured):
        (low, high), gap = form["over_masked"], form["after"] - masked["after"]
        assert low <= gap <= high
        assert form["after_interval"][0] <= form["after"] <= form["after_interval"][1]

    trained = network()
    trained.load_state_dict(read_run(folder / "masked").state_dict("level-00-regroup"))
    loaded = load_converted(network(), folder)
    assert largest_difference(loaded, trained, torch.randn(4, 1, 24, 24)) < 1e-4
    assert told["result"]["swapped"]
    assert 0 < told["result"]["constant"] < 1
    assert told["forecast"]["transform"] == told["transform"] == "regroup:rows_per_group=8"
    assert 0 < told["forecast"]["retained"] <= 1
    as_older_versions_wrote_it(folder, tmp_path / "old")
    assert largest_difference(load_converted(network(), tmp_path / "old"), loaded, torch.randn(4, 1, 24, 24)) < 1e-6

    assert tune(request(checkpoint), folder, resume=True) == told, "nothing is done twice"
    for changes, difference in (
        ({"minutes": 1.0}, "minutes 0.002; got 1.0"),
        ({"values": {**VALUES, "batch": 16}}, "batch 32; got 16"),
        ({"values": {**VALUES, "seed": 1}}, "seed as by default; got 1"),
    ):
        with pytest.raises(SettingError, match=difference):
            tune(request(checkpoint, **changes), folder, resume=True)
    with pytest.raises(SettingError, match="holds a tuning"):
        tune(request(checkpoint), folder)


def as_older_versions_wrote_it(folder: Path, old: Path) -> None:
    """A state_dict by torch.save, and the layouts in a message."""
    old.mkdir()
    done = load(folder / "structured.safetensors", network())
    layouts = {name: done.model.get_submodule(name).layout.pack() for name in done.swapped}
    (old / "structured.layouts").write_bytes(messages.dump(layouts))
    torch.save(done.model.state_dict(), old / "structured.pt")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"minutes": 0.0}, "minutes: expected a number above 0"),
        ({"transform": "regroup,refill"}, "transform: expected one"),
        ({"transform": "regroup@0"}, "transform: expected one"),
        ({"transform": "nothing"}, "expected"),
        ({"checkpoint": "absent.pt"}, "checkpoint: expected a file"),
    ],
)
def test_what_cannot_be_tuned_is_said_before_anything_is_done(
    changes: dict[str, Any], expected: str, checkpoint: Path
) -> None:
    with pytest.raises((SettingError, FileError), match=expected):
        request(checkpoint, **changes)


def test_what_a_tuning_decides_itself_is_no_option() -> None:
    names = {setting.name for setting in OFFERED}
    assert {"task", "lr", "batch", "threads", "seed"} <= names
    assert not names & {"method", "epochs", "then", "from_file", "levels", "model"}


def foreseen(
    over: float, *, transform: str = "regroup", speedup: float = 2.0, retained: float = 0.5, rival: str = "exact"
) -> Forecast:
    """What a transform comes to: `over` times as fast as its rival, known to one in a hundred."""
    ratio = Ratio(over, 0.99 * over, 1.01 * over)
    plain = Ratio(speedup, 0.99 * speedup, 1.01 * speedup)
    return Forecast(
        transform=transform, retained=retained, dense_ms=1.0, exact=plain, structured=plain, structured_ms=1 / speedup,
        rival=rival, over=ratio, rounds=100,
    )  # fmt: skip


@given(st.floats(0.05, 20.0), st.sampled_from(["dense", "exact"]))
def test_a_structure_that_is_no_faster_is_not_trained_and_one_that_is_pays(over: float, rival: str) -> None:
    found = foreseen(over, rival=rival)
    assert not (found.pays and found.cannot_pay)
    assert found.cannot_pay or over > 1 / 1.05
    assert found.pays or over < 1.05
    assert f"{over:.2f}x" in refusal(found, 9.0, [])


def test_the_refusal_names_what_pays_or_what_is_there_without_training() -> None:
    slow, fast = (
        foreseen(0.9, transform="regroup:rows_per_group=8"),
        foreseen(1.4, transform="regroup:rows_per_group=64"),
    )
    assert "--transform regroup:rows_per_group=64 pays here" in refusal(slow, 9.0, [fast])
    told = refusal(slow, 9.0, [foreseen(0.8)])
    assert "none pays" in told
    assert "sparselab.convert(model) gives 2.00x now, with nothing dropped" in told


def test_of_equally_fast_transforms_the_one_that_keeps_most_is_taken() -> None:
    low, high, slow = foreseen(1.2, retained=0.8), foreseen(1.2, speedup=2.05), foreseen(1.0, speedup=1.2, retained=0.9)
    assert best_of([high, low, slow]) is low


def test_what_cannot_pay_is_said_before_training_and_auto_takes_what_was_fastest(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def never_pays(settings: Any, *_rest: Any, **_more: Any) -> Forecast:
        tried.append(settings.then)
        return foreseen(0.9, transform=settings.then, speedup=float(len(tried)))

    monkeypatch.setattr(planning, "forecast", never_pays)
    with pytest.raises(SettingError, match="--anyway trains all the same"):
        tune(request(checkpoint, minutes=5.0), tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    assert tried == ["regroup:rows_per_group=8", *CANDIDATES]
    tried.clear()
    monkeypatch.setattr(planning, "step_seconds", _stop)
    for resume in (False, True):
        with pytest.raises(Cancelled):
            tune(request(checkpoint, minutes=5.0, transform=AUTO), tmp_path / "auto", anyway=True, resume=resume)
        assert tried == list(CANDIDATES), "what was tried is not tried again"


@pytest.mark.parametrize("example", [0.0, 1.0, 1e6])
def test_what_does_not_fit_into_the_minutes_is_left_out_or_refused(
    example: float, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = tmp_path / "slow", list[str]()
    values = {**VALUES, "task_settings": "train=96,validation=100,test=1000"}
    monkeypatch.setattr(planning, "example_seconds", lambda *_: example)
    monkeypatch.setattr(planning, "step_seconds", lambda *_: 1.0)
    monkeypatch.setattr(planning, "forecast", lambda *_, **more: foreseen(1.4))
    monkeypatch.setattr(steps, "train", _stop_before_training)
    asked = request(checkpoint, minutes=60.0, values=values)
    with pytest.raises(SettingError if example > 1 else Cancelled, match="minutes: expected" if example > 1 else None):
        tune(asked, folder, say=said.append)
    assert folder.exists() == (example <= 1)
    if example <= 1:
        told = json.loads((folder / "tune.json").read_text())
        assert told["plan"]["seconds"] <= told["plan"]["left"] <= 3600
        assert (told["plan"]["test"] < 1000) == bool(example)
        assert any("test examples" in text for text in told["left_out"]) == bool(example)
        assert [text for text in said if text.startswith("left out")] == [f"left out: {t}" for t in told["left_out"]]


def _stop_before_training(*_rest: Any, **_more: Any) -> None:
    raise Cancelled


def _never_again(*_rest: Any, **_more: Any) -> None:
    raise AssertionError("done a second time")


def _stop(settings: Any, *_rest: Any) -> Any:
    assert settings.then == CANDIDATES[-1]
    raise Cancelled
