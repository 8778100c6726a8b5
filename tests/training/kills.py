"""A tiny run, killed over and over in forked children, in a process of its own: python kills.py FOLDER HOW:METHOD ...

Forking is cheap only from a process that has imported everything and computed nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.numpy
import safetensors.torch
import sklearn.datasets
import torch

from sparselab.training.runs.run import train
from sparselab.training.settings import TrainSettings
from tests.training.own.examples import settings_of_example, write_example

# Imported here so that no child has to.
assert sklearn.datasets
assert safetensors.numpy
assert safetensors.torch
_MOST_CHANGES = 40
TINY = "train=96,validation=32,test=32,canvas=12"
IMP = TrainSettings(
    task_settings=TINY, width=0.5, levels=1, epochs=2, batch=32, rewind_epoch=0.5, threads=1, then="refill"
)
DSB = TrainSettings(
    task_settings=TINY,
    width=0.5,
    method="dsb",
    sparsity=0.5,
    epochs=2,
    batch=32,
    threads=1,
    update_every=1,
    keep_masks=1,
)
ADMM = TrainSettings(
    task_settings=TINY, width=0.25, method="admm", sparsity=0.5, epochs=2, batch=32, threads=1, reinitialise="1"
)
TIMES = {"anywhere": 20, "a few times": 4}
Training = Callable[[Path], None]
"""Trains in a folder, to the end, and goes on where something is there."""
TOP_KAST = TrainSettings(task_settings=TINY, width=0.5, method="top-kast", sparsity=0.5, epochs=2, batch=32, threads=1)


def fingerprint(folder: Path) -> dict[str, str]:
    """Return what a run leaves, times aside: models, tickets, results, events, the film, and the names of all files.

    (safetensors writes metadata in any order.)
    """
    found = {
        str(path.relative_to(folder)): _bytes_of(path)
        for part in ("models", "tickets", "checkpoints")
        for path in sorted((folder / part).iterdir())
    }
    results = json.loads((folder / "results.json").read_text())
    for entry in results["stages"]:
        del entry["seconds"], entry["events"]
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    film = folder / "masks.film"
    found["film"] = hashlib.sha256(film.read_bytes()).hexdigest() if film.exists() else ""
    found["files"] = json.dumps(sorted(str(path.relative_to(folder)) for path in folder.rglob("*")))
    return found | {"results": json.dumps(results), "events": json.dumps([_timeless(event) for event in events])}


def training_of(settings: TrainSettings, data: Path | None = None) -> Training:
    return lambda folder: train(settings, folder, resume=True, data=data)


def own(name: str, folder: Path) -> Training:
    """The training of an example of docs/own_network.md, written in `folder`."""
    write_example(name, folder)
    values = settings_of_example(name, folder, levels=1)
    return training_of(TrainSettings(**values), folder / {"photos": "photos", "book": "book.txt"}[name])


def child(work: Callable[[], None]) -> int:
    """Do `work` in a forked process; return its id."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    try:
        work()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def run(training: Training, folder: Path) -> None:
    """Train in a child, to the end."""
    _, status = os.waitpid(child(lambda: training(folder)), 0)
    assert status == 0


def everywhere(training: Training, folder: Path) -> int:
    """Kill the run inside every write point there is, each once; return how many there were."""
    done = folder.parent / "points"
    done.write_text("")
    while True:
        process = child(lambda: _die_at_new_points(training, folder, done))
        _, status = os.waitpid(process, 0)
        if status == 0:
            return len(done.read_text().splitlines())
        assert os.WIFSIGNALED(status), "the run failed instead of being killed"


def anywhere(training: Training, root: Path, times: int) -> tuple[list[Path], int]:
    """Kill runs at random moments, `times` times at least, each run until it has finished; return their folders and the kills."""
    rng, folders, killed = random.Random(0), [], 0
    while killed < times:
        folders.append(root / f"random{len(folders)}")
        status = -1
        while status != 0:
            process = child(lambda: training(folders[-1]))
            ended = _wait_for_changes(process, folders[-1], rng.randrange(_MOST_CHANGES))
            if ended is None:
                time.sleep(rng.uniform(0.0, 0.02))
                os.kill(process, signal.SIGKILL)
                _, ended = os.waitpid(process, 0)
            status = ended
            assert status in (0, signal.SIGKILL), "the run failed instead of being killed"
            killed += status != 0
    return folders, killed


def _wait_for_changes(process: int, folder: Path, count: int) -> int | None:
    """Wait until the run's files were seen to change `count` times, so that it gets somewhere however slow the machine is.

    Returns: the child's status where it ended before, else None.
    """
    seen: object = None
    while count >= 0:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return status
        if (now := _state(folder)) != seen:
            seen, count = now, count - 1
        time.sleep(0.001)
    return None


def _state(folder: Path) -> list[tuple[str, int]]:
    """The names and sizes of a run's files."""
    found = []
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            with contextlib.suppress(FileNotFoundError):
                found.append((f"{place}/{name}", os.stat(f"{place}/{name}").st_size))
    return found


def _die_at_new_points(training: Training, folder: Path, done: Path) -> None:
    """Train, and die in the first write point whose name is not in `done`: in the middle of it where that can be."""
    known = set(done.read_text().splitlines())

    def die_in(name: str, halfway: Callable[[], Any]) -> None:
        if name not in known:
            halfway()
            with done.open("a") as file:
                file.write(name + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

    fsync, replace, write, unlink, truncate = os.fsync, os.replace, os.write, os.unlink, os.ftruncate
    last = [""]

    def killing_fsync(handle: int) -> None:
        if os.readlink(f"/proc/self/fd/{handle}").endswith(".part"):
            size = os.fstat(handle).st_size
            die_in(f"half of the file after {last[0]}", lambda: truncate(handle, size // 2))
        fsync(handle)

    def killing_replace(source: str, target: str) -> None:
        last[0] = Path(target).name
        die_in(f"before {last[0]} takes its name, {_count(folder)}", lambda: None)
        replace(source, target)
        die_in(f"after {last[0]} took its name, {_count(folder)}", lambda: None)

    def killing_write(handle: int, line: bytes) -> int:
        if os.readlink(f"/proc/self/fd/{handle}").endswith("events.jsonl"):
            die_in(f"half a line, {line.split(b'time')[0]!r}", lambda: write(handle, line[: len(line) // 2]))
        return write(handle, line)

    def killing_unlink(path: Any, *arguments: Any, **more: Any) -> None:
        if Path(path).is_relative_to(folder) and not str(path).endswith(".part"):
            die_in(f"before {Path(path).name} goes", lambda: None)
        unlink(path, *arguments, **more)

    os.fsync, os.replace, os.write, os.unlink = killing_fsync, killing_replace, killing_write, killing_unlink
    training(folder)


def _bytes_of(path: Path) -> str:
    tensors = safetensors.numpy.load_file(path)
    return hashlib.sha256(b"".join(name.encode() + tensors[name].tobytes() for name in sorted(tensors))).hexdigest()


def _count(folder: Path) -> int:
    """How many results there are: results.json is written once for each."""
    path = folder / "results.json"
    return len(json.loads(path.read_text())["stages"]) if path.exists() else -1


def _timeless(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "time"}


def case(how: str, training: Training, root: Path) -> int:
    """Kill runs of a training, see that they leave what one left alone leaves, and return how often."""
    root.mkdir(parents=True, exist_ok=True)
    run(training, root / "whole")
    wanted = fingerprint(root / "whole")
    if how == "everywhere":
        folders, kills = [root / "killed"], everywhere(training, root / "killed")
    else:
        folders, kills = anywhere(training, root, TIMES[how])
    for folder in folders:
        found = fingerprint(folder)
        assert found.keys() == wanted.keys(), sorted(found.keys() ^ wanted.keys())
        different = [name for name in wanted if found[name] != wanted[name]]
        assert not different, different
    return kills


def main() -> None:
    """Print how often each case was killed, or what went wrong with it."""
    known = {"imp": IMP, "dsb": DSB, "top-kast": TOP_KAST, "admm": ADMM}
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)  # loads much
    told: dict[str, int | str] = {}
    for name in sys.argv[2:]:
        how, method = name.split(":")
        try:
            root = Path(sys.argv[1]) / name
            told[name] = case(how, training_of(known[method]) if method in known else own(method, root / "code"), root)
        except AssertionError as error:
            told[name] = f"{error!r}"
    print(json.dumps(told))


if __name__ == "__main__":
    main()
