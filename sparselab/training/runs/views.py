"""Runs as their readers see them: what a folder says, without torch and without a lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sparselab.core.errors import FileError, SparselabError
from sparselab.training.runs.events import read_events, read_tail
from sparselab.training.runs.judging import judgement_fields
from sparselab.training.runs.lock import is_locked
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.process import holder_of
from sparselab.training.runs.records import read_json
from sparselab.training.settings import TrainSettings, read_settings

Status = Literal["finished", "running", "queued", "stopped"]


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """A run in a list: its folder, name, settings and where it stands. `done` and `total` count steps of all its trainings.

    `code`: the files and plug-ins of its task and network that are not sparselab's, with their SHA-256 or version.
    """

    folder: Path
    run: str
    settings: TrainSettings
    status: Status
    done: int
    total: int
    changed: float
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run in full.

    `stages` are its results, as `mask_measures` and the accuracies name them, the rewind step's left out. `seconds` were
    spent, `seconds_left` is an estimate from the steps left, None before there is anything to judge by. `tail` are the last
    events.
    """

    info: RunInfo
    stages: tuple[Mapping[str, Any], ...]
    seconds: float
    seconds_left: float | None
    tail: tuple[Mapping[str, Any], ...] = field(repr=False)
    output: str = field(repr=False)

    @property
    def dense(self) -> Mapping[str, Any] | None:
        """The result of level 0, where the run has one."""
        return next((entry for entry in self.stages if entry["level"] == 0 and entry["then"] is None), None)

    def ticket(self, stage: str) -> Path:
        """Return where a stage's ticket lies."""
        return RunPaths(self.info.folder).ticket(stage)

    def state_dict(self, stage: str) -> dict[str, Any]:
        """Return the weights and buffers with which a stage ended, as torch tensors by name, 0 outside its masks.

        Raises: FileError when their file is not there or damaged.
        """
        from sparselab.training.engine.checkpoint import read_checkpoint  # loads torch

        return read_checkpoint(RunPaths(self.info.folder).model(stage)).part("model")

    def events(self) -> tuple[dict[str, Any], ...]:
        """Return all events of the run."""
        return read_events(RunPaths(self.info.folder).events)

    def document(self) -> dict[str, Any]:
        """Return what `train --json` prints: levels with what became of their tickets."""
        levels = [_entry(item) for item in self.stages if item["then"] is None]
        for level in levels:
            level["then"] = [
                {**item["then"], **_entry(item)}
                for item in self.stages
                if item["then"] is not None and item["level"] == level["level"]
            ]
        return {
            "run": self.info.run,
            "levels": levels,
            "seconds": round(self.seconds, 3),
            "threads": self.info.settings.threads,
        }


def list_runs(root: Path) -> tuple[RunInfo, ...]:
    """Return the runs in the folders of `root`, the last changed first; a folder that holds none is passed over."""
    if not root.is_dir():
        return ()
    found = []
    for folder in root.iterdir():
        try:
            found.append(_read(folder)[0])
        except (SparselabError, OSError):
            continue
    return tuple(sorted(found, key=lambda info: info.changed, reverse=True))


def threads_at_work(root: Path) -> int:
    """Return how many threads the runs of `root` that are at work now take together, by their settings."""
    if not root.is_dir():
        return 0
    taken = 0
    for folder in root.iterdir():
        with suppress(SparselabError, OSError):
            if is_at_work(folder):
                taken += _read(folder)[0].settings.threads or 1
    return taken


def read_run(folder: Path) -> RunView:
    """Return the run in `folder`. Raises: FileError when there is none, or its files are damaged."""
    try:
        info, results = _read(folder)
    except OSError as error:
        raise FileError(f"expected a run in {folder}; its files cannot be read ({error.strerror})") from None
    paths = RunPaths(folder)
    tail = read_tail(paths.events)
    with _whole(folder):
        spent = sum(entry["seconds"] for entry in results["stages"])
        ended = sum(_steps(results).get(entry["stage"], 0) for entry in results["stages"])
        left = info.total - info.done
        seconds_left = spent / ended * left if ended else _first_estimate(tail, left)
        stages = tuple(entry for entry in results["stages"] if "then" in entry)
        for entry in stages:
            _entry(entry)
    output = paths.output.read_text(encoding="utf-8", errors="replace")[-2000:] if paths.output.exists() else ""
    return RunView(info=info, stages=stages, seconds=spent, seconds_left=seconds_left, tail=tail, output=output)


def is_at_work(folder: Path) -> bool:
    """Whether a process writes the run in `folder`, or was started to: it holds no lock yet."""
    return is_locked(RunPaths(folder).lock) or holder_of(folder) is not None


@contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """What is not where a run writes it makes the run a damaged one."""
    try:
        yield
    except (KeyError, TypeError):
        raise FileError(f"expected the files of a run in {folder}; they are damaged") from None


def _read(folder: Path) -> tuple[RunInfo, dict[str, Any]]:
    paths = RunPaths(folder)
    config = read_json(paths.config)
    with _whole(folder):
        settings, run = read_settings(config["settings"]), str(config["run"])
        results = read_json(paths.results) if paths.results.exists() else {"finished": False, "plan": [], "stages": []}
        status: Status = "stopped"
        if results["finished"]:
            status = "finished"
        elif paths.queued.exists():
            status = "queued"
        elif is_at_work(folder):
            status = "running"
        done, total = _progress(results, read_tail(paths.events))
        code = {str(name): str(told) for name, told in dict(config.get("code", {})).items()}
    changed = max(path.stat().st_mtime for path in (paths.config, paths.results, paths.events) if path.exists())
    info = RunInfo(
        folder=folder, run=run, settings=settings, status=status, done=done, total=total, changed=changed, code=code
    )
    return info, results


def _steps(results: Mapping[str, Any]) -> dict[str, int]:
    return {stage["stage"]: stage["stop"] - stage["start"] for stage in results["plan"]}


def _progress(results: Mapping[str, Any], tail: tuple[Mapping[str, Any], ...]) -> tuple[int, int]:
    """Return the steps taken, of finished stages and of the one under way, and those of the whole plan."""
    steps, ended = _steps(results), {entry["stage"] for entry in results["stages"]}
    starts = {stage["stage"]: stage["start"] for stage in results["plan"]}
    done = sum(steps.get(stage, 0) for stage in ended)
    last = next((event for event in reversed(tail) if event["event"] == "loss"), None)
    if last is not None and last["stage"] in starts.keys() - ended:
        done += last["step"] - starts[last["stage"]]
    return done, sum(steps.values())


def _first_estimate(tail: tuple[Mapping[str, Any], ...], left: int) -> float | None:
    looks = [event for event in tail if event["event"] == "loss"]
    if len(looks) < 2 or looks[-1]["step"] <= looks[0]["step"]:
        return None
    pace = (looks[-1]["time"] - looks[0]["time"]) / (looks[-1]["step"] - looks[0]["step"])
    return float(pace * left)


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    names = ("level", "sparsity", "kept", "size", "channels", "channels_size")
    told = {**{name: item[name] for name in names}, **judgement_fields(item)}
    return {**told, "blocks": item.get("blocks"), "mask_digest": item["mask_digest"]}
