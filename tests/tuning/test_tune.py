"""A tuning: three networks from one checkpoint, side by side; resumed it is the same; the converted model is what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sparselab.core.errors import Cancelled, FileError, SettingError
from sparselab.nn import largest_difference, load
from sparselab.runtime import messages
from sparselab.runtime.progress import Monitor
from sparselab.training.models import MODELS
from sparselab.training.runs.views import read_run
from sparselab.tuning import load_converted, tune
from sparselab.tuning.request import OFFERED, TuneRequest

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


def test_three_networks_side_by_side_and_the_converted_one_on_disk(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"

    def stop_in_the_middle() -> bool:
        return (folder / "masked" / "results.json").exists()

    with pytest.raises(Cancelled):
        tune(request(checkpoint), folder, seconds=0.1, monitor=Monitor(cancelled=stop_in_the_middle))
    with pytest.raises(FileError, match="resume it"):
        load_converted(network(), folder)
    told = tune(request(checkpoint), folder, resume=True, seconds=0.1)
    dense, masked, structured = told["result"]["forms"]
    assert [form["form"] for form in told["result"]["forms"]] == ["dense", "masked", "structured"]
    assert dense["kept"] == dense["size"] > masked["kept"]
    assert dense["before"] == masked["before"], "dropped weights are 0: the same function"
    ends = {entry["stage"]: entry for entry in read_run(folder / "masked").stages}
    assert masked["after"] == ends["level-00"]["test_accuracy"]
    assert structured["after"] == ends["level-00-regroup"]["test_accuracy"]
    assert all(form["ms"] > 0 for form in (dense, masked, structured))

    trained = network()
    trained.load_state_dict(read_run(folder / "masked").state_dict("level-00-regroup"))
    loaded = load_converted(network(), folder)
    assert largest_difference(loaded, trained, torch.randn(4, 1, 24, 24)) < 1e-4
    assert told["result"]["swapped"]
    as_older_versions_wrote_it(folder, tmp_path / "old")
    assert largest_difference(load_converted(network(), tmp_path / "old"), loaded, torch.randn(4, 1, 24, 24)) < 1e-6

    assert tune(request(checkpoint), folder, resume=True) == told, "nothing is done twice"
    with pytest.raises(SettingError, match="holds a tuning"):
        tune(request(checkpoint, minutes=1.0), folder, resume=True)
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
