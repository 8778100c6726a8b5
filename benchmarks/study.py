"""What structure costs in accuracy: about 117 trainings on `digits`, any of which can be killed and resumed.

    python -m benchmarks.study --out FOLDER [--jobs 2] [--minutes 120] [--seeds 3] [--model vgg-small] [--epochs E]

Per seed: IMP to level 10; at levels 3, 6 and 9 Refill, Refill+, Regroup and shuffled blocks, both with and without refine,
rewound and trained again; 2:4 and 1:4 of the dense network; RigL, SET, DSB and SSB at .6 and .9. Every run is a process of one
thread, `--jobs` of them side by side, and a folder in FOLDER: the same command goes on where it was stopped.

Writes into sparselab/data, where the app reads: study.csv (a row a training), study_updates.csv (what moved in the dynamic runs of
the first seed) and study/ (the masks of the first seed; IMP's at the levels that were transformed with their weights, as float16).
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from sparselab.core.csv_text import rows_csv
from sparselab.core.data_files import DATA, STUDY, STUDY_TICKETS, STUDY_UPDATES
from sparselab.core.errors import FileError
from sparselab.core.settings import settings_of
from sparselab.core.ticket import ticket_of
from sparselab.formats import read_ticket, write_own
from sparselab.training.runs.views import RunView, read_run
from sparselab.training.settings import TrainSettings

LEVELS, TRANSFORMED = 10, (3, 6, 9)
SPARSITIES = (0.6, 0.9)
DYNAMIC = ("rigl", "set", "dsb", "ssb")
POLL_SECONDS, SAY_SECONDS = 0.5, 30.0


@dataclass(frozen=True)
class Planned:
    """A run of the study: the name of its folder, and its settings."""

    name: str
    settings: TrainSettings


def follow_ups() -> str:
    """Return what becomes of IMP's tickets, as one line."""
    levels = "+".join(map(str, TRANSFORMED))
    return ",".join(
        (
            f"refill@{levels}",
            f"refill-plus@{levels}:rho=0.25",
            f"regroup@{levels}",
            f"regroup@{levels}:refine=true",
            f"shuffled-blocks@{levels}",
            f"shuffled-blocks@{levels}:refine=true",
            "n-m@0:n=2,m=4",
            "n-m@0:n=1,m=4",
        )
    )


def planned(seeds: int, base: TrainSettings) -> list[Planned]:
    """Return the runs, the long ones first."""
    found = []
    for seed in range(seeds):
        settings = replace(base, seed=seed, method="imp", levels=LEVELS, then=follow_ups())
        found.append(Planned(f"seed{seed}-imp", settings))
    for seed in range(seeds):
        for method in DYNAMIC:
            for sparsity in SPARSITIES:
                settings = replace(base, seed=seed, method=method, sparsity=sparsity)
                found.append(Planned(f"seed{seed}-{method}-{round(100 * sparsity)}", settings))
    return found


def start(run: Planned, folder: Path) -> subprocess.Popen[bytes]:
    """Start or resume a run in a process of its own; what it says goes into output.txt of its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = [
        part
        for setting in settings_of(TrainSettings)
        if (value := getattr(run.settings, setting.name)) != setting.default
        for part in (setting.flag, str(value).lower() if isinstance(value, bool) else str(value))
    ]
    command = [sys.executable, "-m", "sparselab", "train", "--out", str(folder), "--resume", *flags]
    with (folder / "output.txt").open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)


def look(runs: Sequence[Planned], out: Path) -> dict[str, RunView]:
    """Return the runs that have begun, by name."""
    found = {}
    for run in runs:
        try:
            found[run.name] = read_run(out / run.name)
        except FileError:
            continue
    return found


def work(runs: Sequence[Planned], out: Path, jobs: int, minutes: float) -> bool:
    """Run what is not finished, `jobs` at a time, until all is done or the minutes are over. Returns: whether all is done."""
    deadline = time.monotonic() + 60 * minutes
    waiting = [run for run in runs if not finished(out / run.name)]
    busy: dict[str, subprocess.Popen[bytes]] = {}
    said = begun = time.monotonic()
    before = sum(view.info.done for view in look(runs, out).values())
    try:
        while (waiting or busy) and time.monotonic() < deadline:
            while waiting and len(busy) < jobs:
                run = waiting.pop(0)
                busy[run.name] = start(run, out / run.name)
                print(f"{run.name} begins", flush=True)
            time.sleep(POLL_SECONDS)
            for name in [name for name, process in busy.items() if process.poll() is not None]:
                if busy.pop(name).returncode:
                    raise SystemExit(
                        f"{name} failed; the end of its output:\n{(out / name / 'output.txt').read_text()[-2000:]}"
                    )
                print(f"{name} is done", flush=True)
            if time.monotonic() - said > SAY_SECONDS:
                said = time.monotonic()
                print(standing(runs, out, before, said - begun), flush=True)
    finally:
        for process in busy.values():
            process.send_signal(signal.SIGTERM)
        for process in busy.values():
            process.wait()
    return not waiting and not busy


def standing(runs: Sequence[Planned], out: Path, before: int, seconds: float) -> str:
    """Return where the study stands, and how long it will take at the pace of this session."""
    views = look(runs, out)
    trainings = sum(len(view.stages) for view in views.values())
    totals = {run.name: expected_steps(run, views) for run in runs}
    done = sum(view.info.done for view in views.values())
    pace = (done - before) / seconds
    if not pace or not all(totals.values()):
        return f"{trainings} trainings, {done} steps; too early to say how long it will take"
    left = (sum(totals.values()) - done) / pace / 60
    return f"{trainings} trainings, {done} of {sum(totals.values())} steps; about {left:.0f} minutes left"


def expected_steps(run: Planned, views: Mapping[str, RunView]) -> int:
    """Return the steps of a run: its own plan's, else as many as those of a run of its kind that has begun."""
    if run.name in views and views[run.name].info.total:
        return views[run.name].info.total
    imp = run.settings.method == "imp"
    known = [view.info for view in views.values() if (view.info.settings.method == "imp") == imp and view.info.total]
    if known:
        return known[0].total
    some = next((view.info.total for view in views.values() if view.info.total), 0)
    return some if imp else some // 31


def finished(folder: Path) -> bool:
    """Whether the run in `folder` has all its results."""
    try:
        return read_run(folder).info.status == "finished"
    except FileError:
        return False


def rows(runs: Iterable[Planned], views: Mapping[str, RunView]) -> list[dict[str, Any]]:
    """Return a row a training that is done."""
    found = []
    for run in runs:
        if run.name not in views:
            continue
        for entry in views[run.name].stages:
            then = entry["then"] or {"label": "", "transform": "", "settings": {}}
            found.append(
                {
                    "seed": run.settings.seed,
                    "run": run.name,
                    "method": run.settings.method,
                    "level": entry["level"],
                    "transform": then["transform"],
                    "settings": json.dumps(then["settings"], sort_keys=True) if then["settings"] else "",
                    "sparsity": round(entry["sparsity"], 6),
                    "kept": entry["kept"],
                    "size": entry["size"],
                    "channels": entry["channels"],
                    "channels_size": entry["channels_size"],
                    "blocks": entry.get("blocks", ""),
                    "test_accuracy": round(entry["test_accuracy"], 6),
                    "validation_accuracy": round(entry["validation_accuracy"], 6),
                    "seconds": round(entry["seconds"], 1),
                    "stage": entry["stage"],
                    "mask_digest": entry["mask_digest"][:16],
                    "unsuited": sum(layer.get("status") == "unblocked" for layer in entry["layers"]),
                }
            )
    return found


def updates(runs: Iterable[Planned], views: Mapping[str, RunView]) -> list[dict[str, Any]]:
    """Return a row an update of the masks of the first seed's dynamic runs."""
    names = ("step", "dropped", "grown", "kept", "blocks")
    chosen = [run for run in runs if run.settings.seed == 0 and run.name in views]
    return [
        {"run": run.name, **{name: event.get(name, "") for name in names}}
        for run in chosen
        for event in views[run.name].events()
        if event["event"] == "exchange"
    ]


def ship(runs: Iterable[Planned], views: Mapping[str, RunView], folder: Path) -> None:
    """Write the tickets of the first seed, small: masks, and weights as float16 where IMP's tickets were transformed."""
    weighty = {f"level-{level:02}" for level in TRANSFORMED}
    for run in runs:
        if run.settings.seed or run.name not in views:
            continue
        (folder / run.name).mkdir(parents=True, exist_ok=True)
        for entry in views[run.name].stages:
            layers = []
            for layer in read_ticket(views[run.name].ticket(entry["stage"])):
                heavy = entry["stage"] in weighty and run.settings.method == "imp" and layer.weight is not None
                weight = layer.weight.astype(np.float16) if heavy and layer.weight is not None else None
                layers.append(replace(layer, weight=weight, rewound=None))
            write_own(ticket_of(layers), folder / run.name / f"{entry['stage']}.safetensors")


def write_csv(path: Path, found: Sequence[dict[str, Any]], facts: Mapping[str, Any]) -> None:
    """Write rows with the facts beside each."""
    if not found:
        return
    path.write_text(rows_csv([*found[0], *facts], [{**row, **facts} for row in found]), encoding="utf-8")
    print(f"wrote {len(found)} rows to {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs; the same one goes on")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side, one thread each")
    parser.add_argument("--minutes", type=float, default=120.0, help="stop after so many; the same command goes on")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--model", default=TrainSettings.model, help="resnet20, say, where there is a GPU")
    parser.add_argument("--epochs", type=float, default=TrainSettings.epochs)
    parser.add_argument("--task-settings", default="", help="settings of digits, such as train=1000 for a rehearsal")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--results", type=Path, default=DATA, help="folder for the tables and the tickets")
    options = parser.parse_args()
    base = TrainSettings(
        weigh="count",  # as study.csv was made
        task_settings=options.task_settings,
        model=options.model,
        epochs=options.epochs,
        device=options.device,
        threads=1,
    )
    runs = planned(options.seeds, base)
    complete = work(runs, options.out, options.jobs, options.minutes)
    views = look(runs, options.out)
    here = {name: value for name, value in machine().items() if name not in ("threads", "load", "cores")}
    same = {name: asdict(base)[name] for name in ("task", "model", "epochs", "batch", "lr", "threads")}
    options.results.mkdir(parents=True, exist_ok=True)
    write_csv(options.results / STUDY.name, rows(runs, views), same | here)
    write_csv(options.results / STUDY_UPDATES.name, updates(runs, views), {})
    ship(runs, views, options.results / STUDY_TICKETS.name)
    print("complete" if complete else "not complete: the same command goes on")


if __name__ == "__main__":
    main()
