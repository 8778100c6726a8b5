"""Old work keeps opening: files and links of commit b015b54, made with its code by `make_fixtures.py`.

What it wrote holds, in today's code, what it held then: tickets, runs, stored latencies, saved modules, command lines with
the keys of their JSON, and links to the app. More keys may be added; none may go.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from sparselab.app.explore.details import TABS
from sparselab.app.latency.page import TABS as LATENCY_TABS
from sparselab.app.training.page import TABS as TRAINING_TABS
from sparselab.benchmarking.csv_table import read_csv
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.storage_paths import database_path
from sparselab.benchmarking.store import Store
from sparselab.cli import commands, main
from sparselab.core.errors import SparselabError
from sparselab.core.paths import runs_folder
from sparselab.core.settings import settings_of
from sparselab.formats import read_ticket
from sparselab.kernels import KERNELS
from sparselab.nn import convert
from sparselab.runtime.progress import SILENT
from sparselab.runtime.worker import Worker, WorkerTask
from sparselab.training.runs.queue import advance
from sparselab.training.runs.run import train
from sparselab.training.runs.views import RunView, list_runs, read_run
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import TASKS
from sparselab.transforms import TRANSFORMS, Regroup
from sparselab.workflows.compare import contenders
from tests.compatibility.documents import keys, layer_document, options_document, settings_document
from tests.compatibility.links import opened

OLD = Path(__file__).parent / "fixtures" / "b015b54"
ROOT = Path(__file__).resolve().parents[2]


def known(name: str) -> Any:
    return json.loads((OLD / f"{name}.json").read_text())


RUNS, TICKETS, COMMANDS, LINKS = known("runs"), known("tickets"), known("commands"), known("links")
FINISHED, STOPPED, QUEUED = ([run for run in RUNS if RUNS[run]["status"] == status] for status in
                             ("finished", "stopped", "queued"))  # fmt: skip
IMP = next(run for run in FINISHED if len(RUNS[run]["document"]["levels"]) == 2)
TICKET = OLD / "data" / "runs" / IMP / "tickets" / "level-01.safetensors"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The old user's data folder, copied: named by the variable as it was called then. One thread, as then."""
    monkeypatch.setenv("SPARSELAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SPARSELAB_ROOTS", str(OLD))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Path(shutil.copytree(OLD / "data", tmp_path / "data"))
    torch.set_num_threads(before)


@pytest.mark.parametrize("file", TICKETS)
def test_a_ticket_holds_the_same_masks_and_weights(file: str) -> None:
    assert [layer_document(layer) for layer in read_ticket(OLD / file)] == TICKETS[file]


def test_a_ticket_of_a_run_holds_rewound_weights_of_both_kinds_of_layer() -> None:
    layers = list(read_ticket(TICKET))
    assert {layer.kernel_shape for layer in layers} == {None, (3, 3)}
    assert all(layer.rewound is not None for layer in layers)


def test_every_run_is_listed_under_its_name_and_stands_where_it_stood() -> None:
    found = {run.run: run for run in list_runs(runs_folder())}
    assert found.keys() == RUNS.keys()
    for name, run in found.items():
        assert (run.status, run.done, run.total) == tuple(RUNS[name][key] for key in ("status", "done", "total"))
        assert run.folder.name == name


@pytest.mark.parametrize("run", FINISHED)
def test_a_finished_run_tells_the_same_results(run: str) -> None:
    view = read_run(runs_folder() / run)
    assert without_seconds(view) == RUNS[run]["document"]
    assert view.events()
    for stage in view.stages:
        kept = sum(layer.mask.count for layer in read_ticket(view.ticket(stage["stage"])))
        assert kept == stage["kept"]


@pytest.mark.parametrize("run", STOPPED)
def test_a_stopped_run_goes_on_to_its_end(run: str) -> None:
    """To the bit on one machine only; on any other it keeps as many weights of the same layers."""
    folder = runs_folder() / run
    train(read_run(folder).info.settings, folder, resume=True)
    view = read_run(folder)
    assert view.info.status == "finished"
    assert kept(without_seconds(view)) == kept(RUNS[run]["document"])
    level_0, *_ = without_seconds(view)["levels"]
    assert level_0 == RUNS[run]["document"]["levels"][0], "it was over when the run was stopped"


@pytest.mark.parametrize("run", [*RUNS])
def test_what_follows_a_run_weighs_as_it_did_then(run: str) -> None:
    settings = read_run(runs_folder() / run).info.settings
    assert all(item.transform().weigh == "count" for item in settings.follow_ups if item.name == "regroup")
    assert settings.digest == run, "and it keeps its name"
    assert all(item.transform().weigh is None for item in TrainSettings(then="regroup,shuffled-blocks").follow_ups)
    assert TrainSettings().digest == replace(TrainSettings(), weigh="count").digest


@pytest.mark.parametrize("run", QUEUED)
def test_a_waiting_run_has_its_turn(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Path] = []
    monkeypatch.setattr("sparselab.training.runs.queue._start", started.append)
    assert advance(runs_folder()) == (runs_folder() / run,)
    (folder,) = started
    train(read_run(folder).info.settings, folder, resume=True)
    assert read_run(folder).info.status == "finished"


def test_stored_latencies_are_the_same_from_every_file() -> None:
    document = known("session")
    session = Session.from_json(document)
    assert Store(database_path()).sessions() == (session,)
    assert read_csv(OLD / "latency-fixture.csv") == (session,)
    assert keys(session.as_json()) >= keys(document) - {".session"}
    assert {row.kernel for row in session.rows} >= {"dense", "gather-gemm", "csr"}
    for name in ("device", "protocol", "versions", "about"):
        assert getattr(session, name) == document[name]


def test_the_state_of_converted_modules_loads_and_answers_the_same() -> None:
    saved = torch.load(OLD / "modules.pt", weights_only=True)
    layers = {layer.name: layer for layer in read_ticket(TICKET)}
    model = torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(8, 10))
    run = Regroup(rows_per_group=4, grouper="natural", weigh="count")  # the default then
    places = {"0": "features.15", "2": "head"}
    layouts = {place: run(layers[name], rng=np.random.default_rng(0)) for place, name in places.items()}
    converted = convert(model, layouts)
    assert not torch.allclose(converted.model(saved["x"]), saved["y"], atol=1e-5)
    converted.model.load_state_dict(saved["state"])
    assert torch.allclose(converted.model(saved["x"]), saved["y"], atol=1e-5)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_line_prints_all_the_keys_it_printed(
    name: str, at_once: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"{ticket}": str(TICKET), "{out}": str(tmp_path / "run")}
    assert main([places.get(part, part) for part in COMMANDS[name]["arguments"]]) == 0
    printed = keys(json.loads(capsys.readouterr().out))
    assert printed >= set(COMMANDS[name]["keys"]), sorted(set(COMMANDS[name]["keys"]) - printed)


NEW_DEFAULTS = {("regroup", "rows_per_group"), ("regroup", "weigh"), ("shuffled-blocks", "weigh")}
"""32 rows have become None, which is 32 rows as before but 8 groups under the rules of the released code, as that code has it. To
weigh by count has become None, which is by energy where a layer has weights: better after retraining (docs/algorithms.md)."""


@pytest.mark.parametrize("registry", ["transforms", "tasks", "train"])
def test_every_setting_still_has_its_name_its_choices_and_its_default(registry: str) -> None:
    """A link or a command line leaves out what is at its default."""
    kinds = {
        "transforms": TRANSFORMS,
        "tasks": {name: task.settings for name, task in TASKS.items()},
        "train": {"train": TrainSettings},
    }[registry]
    for name, settings in known("names")[registry].items():
        now = settings_document(settings_of(kinds[name]))
        for setting, old in settings.items():
            assert set(now[setting]["choices"]) >= set(old["choices"]), (name, setting)
            assert (name, setting) in NEW_DEFAULTS or now[setting]["default"] == old["default"], (name, setting)


def test_every_kernel_and_every_option_still_has_its_name() -> None:
    names = known("names")
    assert set(names["kernels"]) <= KERNELS.keys()
    now = options_document(commands)
    for command, options in names["options"].items():
        assert {option for option in options if option.startswith("--")} <= set(now[command]), command


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers answer in this process: what they answer is looked at here; that they are processes, elsewhere."""

    def begin(_worker: Worker, function: Any, args: Any, kwargs: Any = None, limits: Any = None) -> WorkerTask:
        task = WorkerTask(0, lambda _: None)
        try:
            task._finish(function(*args, monitor=SILENT, **(kwargs or {})))
        except SparselabError as error:
            task._finish(error=error)
        return task

    monkeypatch.setattr(Worker, "_start", lambda _worker: None)
    monkeypatch.setattr(Worker, "begin", begin)


NOW_CALLED = {
    **{("tab", name): tab.label for name, tab in TABS.items()},
    **{("latency_tab", name): label for name, label in LATENCY_TABS.items()},
    **{("training_tab", name): label for name, label in TRAINING_TABS.items()},
    **{("baseline", item.title): item.name for item in contenders(0.5)},
}
"""What a picker's state is today where a link holds the value on the left."""


@pytest.mark.parametrize("link", LINKS, ids=[f"{number}-{link['page']}" for number, link in enumerate(LINKS)])
def test_a_link_opens_the_view_it_was_copied_from(
    link: dict[str, Any], at_once: None, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for waiting in data.rglob("queued"):
        waiting.unlink()  # or the page would start it
    monkeypatch.chdir(ROOT)
    places = {"ticket": str(OLD / "tickets" / "regrouped.npz"), "flat": str(OLD / "tickets" / "flat.npy"), "run": IMP}
    address, old = link["address"], link["shows"]
    if address.get("rule") in ("ratio", "legacy") and "groups" not in address:
        address = address | {"rows_per_group": "32"}  # the one default that has changed: see NEW_DEFAULTS
    if "weigh" in settings_shown(address):
        address = {"weigh": "count"} | address  # another default that has changed
    shows = opened(link["page"], address, places)
    assert {name: shows["knobs"][name] for name in old["knobs"]} == {
        name: NOW_CALLED.get((name, value), value) for name, value in old["knobs"].items()
    }
    assert shows["figures"] == old["figures"]


def settings_shown(address: dict[str, Any]) -> set[str]:
    """The settings of the transform that an address of Explore or Latency opens with."""
    if "sample" not in address:
        return set()
    settings = settings_of(TRANSFORMS[address.get("transform", "regroup")])
    values = {setting.name: address.get(setting.name, setting.default) for setting in settings}
    return {setting.name for setting in settings if setting.counts(values)}


def test_every_page_has_the_address_it_had() -> None:
    def told() -> None:
        import streamlit as st

        from sparselab.app.shell.navigation import pages

        st.json([page.url_path for page in pages()])

    paths = json.loads(AppTest.from_function(told).run().json[0].value)
    assert {path or "explore" for path in paths} >= {link["page"] for link in LINKS}


def test_the_fixtures_name_no_machine() -> None:
    for path in OLD.rglob("*"):
        assert path.name not in ("lock", "queue.lock", "process.json")
        if path.is_file():
            content = path.read_bytes()
            assert not [place for place in (b"/tmp/", b"/home/", b"/root/", str(ROOT).encode()) if place in content]


def without_seconds(view: RunView) -> dict[str, Any]:
    return {**view.document(), "seconds": 0}


def kept(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Of every ticket its level, and how many weights of how many it keeps; of transforms that may differ, their names."""
    told: list[tuple[Any, ...]] = []
    for level in document["levels"]:
        told.append((level["level"], level["kept"], level["size"]))
        told += [(then["label"], then["size"]) for then in level["then"]]
    return told
