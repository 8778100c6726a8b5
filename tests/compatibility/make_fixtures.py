"""Makes fixtures/b015b54, the files that a user of commit b015b54 has; run with that commit's code, never with today's.

In a checkout of that commit:

    PYTHONPATH=. python TODAY/tests/compatibility/make_fixtures.py TODAY/tests/compatibility/fixtures/b015b54

The imports below are that commit's: they stay as they are when modules are moved.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from documents import keys, layer_document, options_document, settings_document
from links import ADDRESSES, opened
from sparselab.errors import Cancelled
from sparselab.latency.store import Store
from sparselab.latency.table import as_csv
from sparselab.monitor import Monitor
from sparselab.settings import settings_of
from sparselab.training.paths import RunPaths
from sparselab.training.queue import submit
from sparselab.training.run import train

from sparselab.cli import commands
from sparselab.cli import main as command_line
from sparselab.formats import FORMATS, WRITERS, read_ticket
from sparselab.kernels import KERNELS
from sparselab.nn import convert
from sparselab.training.runs import read_run
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import TASKS
from sparselab.transforms import TRANSFORMS, Regroup

COMMIT = "b015b54"
TASK = "train=96,validation=32,test=32,canvas=12"
COMMON: dict[str, Any] = {"task_settings": TASK, "width": 0.06, "epochs": 2, "batch": 32, "threads": 1, "device": "cpu"}
IMP = TrainSettings(**COMMON, levels=1, prune_head=True, then="refill,regroup:rows_per_group=4,grouper=natural")
STOPPED = TrainSettings(**COMMON, levels=1, then="refill", seed=1)
DSB = TrainSettings(**COMMON, method="dsb", sparsity=0.5, block_size=2, update_every=1)
QUEUED = TrainSettings(**COMMON, method="rigl", sparsity=0.5, seed=2)
LOOKS_BEFORE_STOPPING = 20  # in the middle of level 1
FLAGS = ("--rows-per-group", "4", "--grouper", "natural")
COMMANDS: dict[str, list[str]] = {
    "inspect": ["inspect", "{ticket}", "--json"],
    "transform": ["transform", "{ticket}", "regroup", *FLAGS, "--seed", "3", "--json"],
    "compare": ["compare", "{ticket}", "--layer", "features.15", "--density", "0.3", "--json"],
    "bench": [
        *("bench", "{ticket}", "--layer", "features.15", "--transform", "regroup", *FLAGS, "--kernels", "gather-gemm,csr"),
        *("--positions", "16", "--rounds", "8", "--seconds", "0.1", "--threads", "1", "--device", "cpu", "--json"),
    ],
    "train": [
        *("train", "--out", "{out}", "--task-settings", TASK, "--width", "0.06", "--levels", "1", "--epochs", "1"),
        *("--batch", "32", "--threads", "1", "--then", "refill", "--json"),
    ],
}  # fmt: skip


def make(root: Path) -> None:
    """Write all fixtures below `root`."""
    data = root / "data"
    os.environ["SPARSELAB_DATA"] = str(data)
    expected = make_runs(data / "runs")
    ticket = data / "runs" / IMP.digest / "tickets" / "level-01.safetensors"
    write(root / "runs.json", expected)
    (root / "tickets").mkdir()
    for form in WRITERS:
        out = root / "tickets" / f"regrouped{FORMATS[form].suffixes[0]}"
        answer("transform", str(ticket), "regroup", *FLAGS, "--out", str(out), "--json")
    np.save(root / "tickets" / "flat.npy", read_ticket(ticket)["features.15"].mask.kept)
    files = [ticket, *sorted((root / "tickets").iterdir())]
    write(
        root / "tickets.json",
        {str(path.relative_to(root)): [layer_document(layer) for layer in read_ticket(path)] for path in files},
    )
    write(
        root / "names.json",
        {
            "transforms": {name: settings_document(settings_of(kind)) for name, kind in TRANSFORMS.items()},
            "tasks": {name: settings_document(settings_of(task.settings)) for name, task in TASKS.items()},
            "train": {"train": settings_document(settings_of(TrainSettings))},
            "kernels": sorted(KERNELS),
            "options": options_document(commands),
        },
    )
    make_modules(ticket, root / "modules.pt")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["SPARSELAB_DATA"] = scratch
        places = {"{ticket}": str(ticket), "{out}": f"{scratch}/run"}
        documents = {name: answer(*(places.get(part, part) for part in call)) for name, call in COMMANDS.items()}
        calls = {name: {"arguments": COMMANDS[name], "keys": sorted(keys(documents[name]))} for name in COMMANDS}
        write(root / "commands.json", calls)
        (session,) = Store(Path(scratch) / "latency.sqlite3").sessions()
    session = dataclasses.replace(session, device={**session.device, "name": "fixture"})
    Store(data / "latency.sqlite3").add(session)
    (root / "latency-fixture.csv").write_text(as_csv([session]))
    write(root / "session.json", {"session": session.key, **session.as_json()})
    tidy(data)
    with tempfile.TemporaryDirectory() as scratch:
        # Without the file `queued`: the page would start the run that waits.
        shutil.copytree(data, Path(scratch) / "data", ignore=shutil.ignore_patterns("queued"))
        os.environ |= {"SPARSELAB_DATA": f"{scratch}/data", "SPARSELAB_ROOTS": str(root)}
        places = {"ticket": f"{root}/tickets/regrouped.npz", "flat": f"{root}/tickets/flat.npy", "run": IMP.digest}
        links = [{"page": page, "address": a, "shows": opened(page, a, places)} for page, a in ADDRESSES]
        write(root / "links.json", links)


def make_runs(runs: Path) -> dict[str, Any]:
    """Leave four runs in their folders; return what each is, and what the stopped one came to in another folder."""
    for settings in (IMP, DSB):
        train(settings, submit(runs, settings), resume=True)
    stopped, looks = submit(runs, STOPPED), iter(range(LOOKS_BEFORE_STOPPING))
    with contextlib.suppress(Cancelled):
        train(STOPPED, stopped, resume=True, monitor=Monitor(cancelled=lambda: next(looks, None) is None))
    assert RunPaths(stopped).checkpoints("level-01"), "expected a run that stopped in level 1"
    submit(runs, QUEUED)
    expected = {}
    for settings in (IMP, DSB, STOPPED, QUEUED):
        info = read_run(runs / settings.digest).info
        expected[info.run] = {"status": info.status, "done": info.done, "total": info.total}
    with tempfile.TemporaryDirectory() as scratch:
        ended = Path(shutil.copytree(stopped, Path(scratch) / "run"))
        train(STOPPED, ended, resume=True)
        for folder in (runs / IMP.digest, runs / DSB.digest, ended):
            view = read_run(folder)
            expected[view.info.run]["document"] = {**view.document(), "seconds": 0}
    return expected


def make_modules(ticket: Path, out: Path) -> None:
    """Save the state_dict of a converted model, an input and its answer."""
    torch.manual_seed(0)
    layers = {layer.name: layer for layer in read_ticket(ticket)}
    model = torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(8, 10))
    run = Regroup(rows_per_group=4, grouper="natural")
    layouts = {
        place: run(layers[name], rng=np.random.default_rng(0)) for place, name in (("0", "features.15"), ("2", "head"))
    }
    converted = convert(model, layouts).model
    x = torch.randn(2, 8, 1, 1)
    torch.save({"state": dict(converted.state_dict()), "x": x, "y": converted(x).detach()}, out)


def answer(*arguments: str) -> Any:
    """Run a command; return the JSON that it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert command_line(list(arguments)) == 0, arguments
    return json.loads(printed.getvalue())


def tidy(data: Path) -> None:
    """Remove locks, which name this machine, and folders that git would not keep."""
    for path in sorted(data.rglob("*"), reverse=True):
        if path.name in (RunPaths(path.parent).lock.name, "queue.lock"):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    here = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    assert here.startswith(COMMIT), f"expected the code of {COMMIT}; got {here}"
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    Path(sys.argv[1]).mkdir(parents=True)
    torch.set_num_threads(1)
    make(Path(sys.argv[1]).resolve())
