"""Tasks and networks of one's own: the document's examples keep the laws of training, and what fails says where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

import sparselab.training
from sparselab.cli import main
from sparselab.core.errors import Cancelled, SettingError
from sparselab.formats import read_ticket
from sparselab.runtime.progress import Monitor
from sparselab.training.engine.checkpoint import read_checkpoint
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.views import RunView, list_runs, read_run
from tests.training.kills import fingerprint
from tests.training.own.examples import COMMANDS, arguments, block_of, write_example
from tests.training.tiny import TASK, tiny

EXAMPLES = ("photos", "book")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = (list(sys.path), set(sys.modules))
    yield
    assert sys.path == before[0], "a run leaves Python's path as it was"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both examples, trained by the document's commands."""
    found = {}
    here = Path.cwd()
    for name in EXAMPLES:
        folder = write_example(name, tmp_path_factory.mktemp(name))
        os.chdir(folder)
        assert main(arguments(name, levels=2)) == 0
        found[name] = folder
    os.chdir(here)
    return found


def view_of(done: dict[str, Path], name: str) -> RunView:
    return read_run(done[name] / "runs" / name)


@pytest.mark.parametrize("name", EXAMPLES)
def test_levels_keep_what_they_should_and_masks_only_shrink(done: dict[str, Path], name: str) -> None:
    view = view_of(done, name)
    levels = [entry for entry in view.stages if entry["then"] is None]
    assert [entry["kept"] for entry in levels] == [round(0.8**k * levels[0]["size"]) for k in range(3)]
    tickets = [read_ticket(view.ticket(entry["stage"])) for entry in levels]
    for before, after in pairwise(tickets):
        assert all((new.mask - old.mask).count == 0 for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_ticket_holds_the_weights_of_the_rewind_step_bit_for_bit(done: dict[str, Path], name: str) -> None:
    view = view_of(done, name)
    early = read_checkpoint(RunPaths(view.info.folder).model("rewind")).part("model")
    for entry in view.stages:
        for layer in read_ticket(view.ticket(entry["stage"])):
            weight = early[f"{layer.name}.weight"] if f"{layer.name}.weight" in early else early[layer.name]
            assert layer.rewound is not None
            assert torch.equal(torch.from_numpy(layer.rewound.copy()), weight.reshape(layer.rewound.shape))


@pytest.mark.parametrize("name", EXAMPLES)
def test_stopped_again_and_again_and_resumed_ends_bit_for_bit_the_same(
    done: dict[str, Path], name: str, tmp_path: Path
) -> None:
    write_example(name, tmp_path)
    settings = view_of(done, name).info.settings
    given = vars(settings) | {kind: getattr(settings, kind).rpartition("/")[2] for kind in ("task", "model")}
    folder, stops = tmp_path / "run", 0
    data = {"photos": "photos", "book": "book.txt"}[name]
    while not folder.exists() or read_run(folder).info.status != "finished":
        looks: list[int] = []

        def asked(looks: list[int] = looks, most: int = 10 + 4 * stops) -> bool:
            looks.append(1)
            return len(looks) > most

        try:
            sparselab.training.run(folder, resume=True, data=data, monitor=Monitor(cancelled=asked), **given)
        except Cancelled:
            stops += 1
    assert stops > 1
    assert fingerprint(folder) == fingerprint(done[name] / "runs" / name)


def test_the_metric_of_a_task_stands_under_its_name(done: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    book, photos = view_of(done, "book"), view_of(done, "photos")
    for entry in book.stages:
        assert (entry["metric"], entry["higher_is_better"]) == ("bits per character", False)
        assert "test_accuracy" not in entry
    assert all(0 <= entry["test_accuracy"] <= 1 for entry in photos.stages)
    assert main(["train", "--out", str(book.info.folder), "--resume"]) == 0
    assert "bits per character" in capsys.readouterr().out


def test_the_regrouped_transformer_runs_its_blocks_as_the_document_says(
    done: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(done["book"])
    program = block_of("import sparselab\nfrom pathlib").replace("level-04", "level-02").replace("size=len(weights[\"places\"])",
                       'size=len(weights["places"]), wide=16, depth=1, heads=2')  # fmt: skip
    check = (
        "\nimport torch\nfrom sparselab.nn import largest_difference\n"
        "inputs = torch.randint(5, (4, 8))\nprint(largest_difference(model, fast.model, inputs))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program + check], capture_output=True, text=True, check=False, env=python_path()
    )
    assert said.returncode == 0, said.stderr
    swapped, difference = said.stdout.splitlines()
    assert "blocks.0.mix" in swapped
    assert float(difference) < 1e-4


def python_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(sparselab.__file__).parents[1])}


def test_the_documents_commands_are_for_its_files() -> None:
    assert len(COMMANDS) == 3
    assert {word.partition(".py")[0] for words in COMMANDS for word in words if ".py:" in word} == set(EXAMPLES)


# what a run remembers of code


def test_changed_code_is_refused_until_it_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_example("photos", tmp_path)
    words = arguments("photos", levels=1)
    assert main(words) == 0
    (tmp_path / "photos.py").write_text((tmp_path / "photos.py").read_text() + "\n# another line\n")
    go_on = ["train", "--out", "runs/photos", "--resume", "--levels", "2"]
    capsys.readouterr()
    assert main(go_on) == 2
    assert "photos.py has changed since" in capsys.readouterr().err
    config = json.loads((tmp_path / "runs/photos/config.json").read_text())
    assert config["settings"]["levels"] == 1
    assert main([*go_on, "--accept-changed-code"]) == 0
    after = json.loads((tmp_path / "runs/photos/config.json").read_text())
    assert (after["code_before"], after["run"]) == ([config["code"]], config["run"])
    assert main(["train", "--out", "runs/photos", "--resume"]) == 0


def test_a_module_beside_the_file_counts_as_its_code(tmp_path: Path) -> None:
    (tmp_path / "parts_of_it.py").write_text("from torch import nn\nWIDE = 8\n")
    (tmp_path / "net.py").write_text(
        "import parts_of_it\nfrom torch import nn\n"
        "def net(classes, channels, size):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, parts_of_it.WIDE),"
        " nn.Linear(parts_of_it.WIDE, classes))\n"
    )
    own: dict[str, Any] = {"model": "net.py:net", "task_settings": TASK, "epochs": 1, "batch": 32, "threads": 1}
    run = sparselab.training.run(tmp_path / "run", levels=0, **own)
    assert set(json.loads((tmp_path / "run/config.json").read_text())["code"]) == {
        str(tmp_path / "net.py"),
        str(tmp_path / "parts_of_it.py"),
    }
    assert run.info.status == "finished"
    (tmp_path / "parts_of_it.py").write_text("WIDE = 9\n")
    with pytest.raises(SettingError, match="parts_of_it"):
        sparselab.training.run(tmp_path / "run", resume=True, levels=1)


def test_a_run_that_is_extended_ends_as_if_it_had_been_planned_so(tmp_path: Path) -> None:
    given = vars(tiny(then="refill", levels=1))
    sparselab.training.run(tmp_path / "run", **given)
    longer = sparselab.training.run(tmp_path / "run", resume=True, levels=2)
    sparselab.training.run(tmp_path / "whole", **given | {"levels": 2})
    assert longer.info.status == "finished"
    found, wanted = fingerprint(tmp_path / "run"), fingerprint(tmp_path / "whole")
    assert found == wanted
    with pytest.raises(SettingError, match="levels"):
        sparselab.training.run(tmp_path / "run", resume=True, levels=1)


# what fails

NET = """import torch
from torch import nn


def net(classes, channels, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, 8), nn.ReLU(), nn.Linear(8, classes))
"""
WRONG: dict[str, tuple[str, str]] = {
    "no file": ("", r"expected a file .*net\.py; it cannot be read"),
    "no name": (NET.replace("def net", "def other"), r"expected net\.py to define net; it defines other"),
    "syntax": (NET + "def (\n", r"line 7 of net\.py raised SyntaxError"),
    "import": ("import nothing_of_this_name\n" + NET, r"line 1 of net\.py raised ModuleNotFoundError"),
    "top": (NET + "1 / 0\n", r"line 7 of net\.py raised ZeroDivisionError"),
    "exit": (NET + "import sys\nsys.exit(3)\n", r"line 8 of net\.py raised SystemExit"),
    "call": (NET.replace("    return", "    return 1 / 0 +"), r"line 6 of net\.py raised ZeroDivisionError"),
    "type": (NET.replace("return nn.Sequential", "return list"), r"line 6 of net\.py raised TypeError"),
    "value": (NET + "net = lambda: 3\n", r"net of net\.py: expected it to return a torch module; it returned int"),
    "module": (NET + "net = net(2, 1, 4)\n", r"expected a function that returns a network with fresh weights"),
    "argument": (
        NET.replace("(classes, channels, size)", "(classes, channels, size, depth)"),
        r"depth is not: give it",
    ),
    "shape": (NET.replace("size * size", "size"), r"mat1 and mat2"),
    "outputs": (NET.replace("nn.Linear(8, classes)", "nn.Linear(8, 3)"), "expected classes from 0 to 2"),
    "rows": (NET.replace("nn.Linear(8, classes)", "nn.Linear(8, classes), nn.Flatten(0)"), "expected outputs of shape"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_fails_is_one_sentence_and_leaves_no_folder(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, said = WRONG[case]
    if text:
        (tmp_path / "net.py").write_text(text)
    words = ["train", "--out", "run", "--model", "net.py:net", "--task-settings", TASK, "--batch", "32"]
    assert main(words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    with pytest.raises(SettingError, match=said):
        raise SettingError(error)
    assert not (tmp_path / "run").exists()


def test_a_start_that_fails_on_its_data_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--out", "run", "--task", "cifar10", "--data", "nowhere"]) == 2
    assert "data_batch_1.bin" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_code_that_fails_in_the_middle_says_the_line_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "flag").touch()
    late = NET + (
        "\n\nclass Late(nn.Module):\n    def __init__(self, classes, channels, size):\n        super().__init__()\n"
        "        self.inner, self.steps = net(classes, channels, size), 0\n\n    def forward(self, x):\n"
        "        self.steps += self.training\n        import os\n        if self.steps > 4 and os.path.exists('flag'):\n"
        "            raise KeyError('tired')\n        return self.inner(x)\n"
    )
    (tmp_path / "net.py").write_text(late)
    own: dict[str, Any] = {
        "model": "net.py:Late",
        "task_settings": TASK,
        "epochs": 3,
        "batch": 32,
        "threads": 1,
        "levels": 0,
    }
    with pytest.raises(SettingError, match=r"line 18 of net\.py raised KeyError: 'tired'"):
        sparselab.training.run(tmp_path / "run", **own)
    (tmp_path / "flag").unlink()
    assert sparselab.training.run(tmp_path / "run", resume=True).info.status == "finished"


def test_to_read_runs_runs_no_code(done: dict[str, Path], tmp_path: Path) -> None:
    folder = done["photos"] / "runs" / "photos"
    text = (done["photos"] / "photos.py").read_text()
    (done["photos"] / "photos.py").write_text("raise RuntimeError('run')\n")
    try:
        assert [run.folder for run in list_runs(folder.parent)] == [folder]
        assert read_run(folder).info.settings.task.endswith("photos.py:photos")
    finally:
        (done["photos"] / "photos.py").write_text(text)


# from Python


def linear(classes: int, channels: int, size: int) -> torch.nn.Module:
    inner = channels * size * size
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(inner, 8), torch.nn.Linear(8, classes))


def test_a_function_is_known_by_its_file_and_resumed_by_reference(tmp_path: Path) -> None:
    own: dict[str, Any] = {"task_settings": TASK, "epochs": 1, "batch": 32, "threads": 1}
    view = sparselab.training.run(tmp_path / "run", model=linear, levels=0, **own)
    assert view.info.settings.model == f"{__name__}:linear"
    code = json.loads((tmp_path / "run/config.json").read_text())["code"]
    assert str(Path(__file__)) in code
    assert sparselab.training.run(tmp_path / "run", resume=True, levels=1, model=linear).info.status == "finished"
    with pytest.raises(SettingError, match="expected settings of a run"):
        sparselab.training.run(tmp_path / "other", learning_rate=0.1)
