"""The folder of a sweep: what is done, what failed, what is left. It needs no engine, and several may write it at once.

plan.json             what is swept
results/DIGEST.json   a task and its result, or the reason why there is none: nothing in it differs from run to run
failed/DIGEST.json    a task that a machine could not do, and why: another may
times/HOST-ID.jsonl   a line a result: its seconds, and when, whether it was found in the cache, and the figures of a timing; outside
                      every comparison
waiting/HOST-ID.txt   what a run waits for, written anew while it does
runs/DIGEST/          what a task has begun that goes on where it was, such as a training
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sparselab.core.atomic_files import DAY_SECONDS, atomic_path, sweep
from sparselab.core.errors import FileError, SettingError, SparselabError
from sparselab.core.version import __version__
from sparselab.runtime.results import code_digest
from sparselab.workflows.sweeps.kinds import kind_of
from sparselab.workflows.sweeps.plan import Plan
from sparselab.workflows.sweeps.point import PlannedPoint
from sparselab.workflows.sweeps.standing import Origins

PLAN = "plan.json"
_MOST_BYTES = 2**20
_NAME_LENGTH = 64
_LONGEST_REASON, _STALE_SECONDS = 1000, 60.0
"""Of what a run waits for: a run that was killed leaves it."""


@dataclass(frozen=True)
class SweepFolder:
    """A folder of results. Files are whole or absent."""

    path: Path

    def begin(self, plan: Plan) -> None:
        """Make the folder and keep the plan there, or see that it is the one that is there.

        Raises: SettingError where another sweep lies there; FileError where nothing can be written.
        """
        if (plan.version, plan.code) != (__version__, code_digest()):
            raise SettingError(
                f"expected a plan of this sparselab, {__version__} with the code {code_digest()[:12]}; got one of {plan.version} with the "
                f"code {plan.code[:12]}: install that one, or plan anew"
            )
        try:
            for name in ("results", "failed", "times"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
                sweep(self.path / name, older_than=DAY_SECONDS)
            if self.plan_path.exists():
                if self.plan_path.read_text(encoding="utf-8") != plan.text():
                    raise SettingError(
                        f"expected in {self.path} the same sweep, or none; got another plan: go on without FILE, or choose another --out"
                    )
                return
            _write(self.plan_path, plan.text())
        except OSError as error:
            raise FileError(f"expected a folder that can be written; {self.path}: {error.strerror}") from None

    @property
    def plan_path(self) -> Path:
        return self.path / PLAN

    def done(self) -> set[str]:
        """Return the digests of the tasks that are done: with a result, with the reason why there is none, or failed."""
        return {digest for name in ("results", "failed") for digest in _digests(self.path / name)}

    def without_result(self) -> set[str]:
        """Return the digests of the tasks that are done and have no result, or one that cannot be read."""
        return self.done() - {digest for digest, told in self.read() if "result" in told}

    def put(self, point: PlannedPoint, outcome: Mapping[str, Any], *, is_cached: bool = False) -> None:
        """Keep what `compute` returned, or {"failure"} with the reason why a machine could not. Raises: FileError.

        is_cached: it was found among answers that were computed before.
        """
        told = {"schema": 1, "version": __version__, "code": code_digest(), "task": point.task}
        name = f"{point.digest}.json"
        kind, key = (
            ("failed", "failure") if "failure" in outcome else ("results", "error" if "error" in outcome else "result")
        )
        try:
            _write(self.path / kind / name, _one_line({**told, key: outcome[key]}))
            if kind == "results":
                (self.path / "failed" / name).unlink(missing_ok=True)
                self._keep_time(point.digest, outcome, is_cached)
        except OSError as error:
            raise FileError(f"expected a folder that can be written; {self.path}: {error.strerror}") from None

    def forget_failures(self, tasks: Collection[str]) -> None:
        """Let those of the tasks that have no result count as not done: those that a machine could not do, and the others."""
        for digest in self.without_result().intersection(tasks):
            for name in ("results", "failed"):
                (self.path / name / f"{digest}.json").unlink(missing_ok=True)

    def read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the digest and the content of every result and failure that can be read, in the order of their names."""
        for name in ("results", "failed"):
            for digest in sorted(_digests(self.path / name)):
                with contextlib.suppress(OSError):
                    path = self.path / name / f"{digest}.json"
                    is_file = path.is_file()  # a pipe would be waited for
                    told = read_result(path.read_bytes() if is_file and path.stat().st_size <= _MOST_BYTES else b"")
                    if told is not None:
                        yield digest, told

    def figures(self) -> dict[str, list[dict[str, Any]]]:
        """Return by digest what was measured, with host and time, in the order of the files' names."""
        found: dict[str, list[dict[str, Any]]] = {}
        for told in self._lines():
            if isinstance(told.get("figures"), dict):
                found.setdefault(str(told["task"]), []).append(told)
        return found

    def origins(self, among: Collection[str]) -> Origins:
        """Return where the results of these tasks come from, as far as the times say: a folder of earlier versions does not."""
        found: dict[str, bool] = {}
        for told in self._lines():
            if isinstance(told.get("cached"), bool) and (digest := str(told["task"])) in among:
                found[digest] = told["cached"] and found.get(digest, True)
        cached = sum(found.values())
        return Origins(len(found) - cached, cached)

    def tell_waiting(self, reason: str) -> None:
        """Say what this run waits for, "" where it goes on, to whoever looks at the folder. Raises: FileError."""
        path = self.path / "waiting" / f"{self._run}.txt"
        try:
            if reason:
                path.parent.mkdir(exist_ok=True)
                _write(path, reason)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise FileError(f"expected a folder that can be written; {self.path}: {error.strerror}") from None

    def waiting(self) -> str:
        """Return what a run waits for that said so within the last minute; "" where none does."""
        for path in sorted((self.path / "waiting").glob("*.txt")):
            with contextlib.suppress(OSError):
                if path.is_file() and time.time() - path.stat().st_mtime < _STALE_SECONDS:
                    with path.open("rb") as file:
                        return " ".join(file.read(_LONGEST_REASON).decode("utf-8", "replace").split())
        return ""

    def _lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of all times, in the order of the files' names; what cannot be read is left out."""
        for path in sorted((self.path / "times").glob("*.jsonl")):
            if not path.is_file():
                continue
            with contextlib.suppress(OSError), path.open("rb") as lines:
                while line := lines.readline(_MOST_BYTES):
                    with contextlib.suppress(ValueError, RecursionError):
                        told = json.loads(line)
                        if isinstance(told, dict) and "task" in told:
                            yield told

    def workplace(self, point: PlannedPoint) -> str:
        """Return the folder of its own of a point."""
        return str(self.path.absolute() / "runs" / point.digest)

    def _keep_time(self, digest: str, outcome: Mapping[str, Any], is_cached: bool) -> None:
        told = {key: outcome[key] for key in ("figures",) if key in outcome}
        seconds = outcome.get("seconds")
        host = outcome.get("host", socket.gethostname())  # whoever computed need not be who writes
        line = {
            "task": digest,
            "seconds": seconds,
            "host": host,
            "at": round(time.time(), 3),
            "cached": is_cached,
            **told,
        }
        with (self.path / "times" / f"{self._run}.jsonl").open("a", encoding="utf-8") as file:
            file.write(_one_line(line))

    @cached_property
    def _run(self) -> str:
        return f"{socket.gethostname()}-{os.getpid()}"


def read_result(content: bytes) -> dict[str, Any] | None:
    """Return what a result's file holds, or None where it is damaged: a task, and a result, an error or a failure, of plain values."""
    try:
        found: dict[str, Any] = json.loads(content)
        return found if kind_of(found["task"]).is_whole(found) else None
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, SparselabError):
        return None


def _digests(folder: Path) -> Iterator[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            stem, _, suffix = entry.name.partition(".")
            if suffix == "json" and len(stem) == _NAME_LENGTH and not set(stem) - set("0123456789abcdef"):
                yield stem


def _write(path: Path, text: str) -> None:
    with atomic_path(path, is_remakeable=True) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _one_line(told: Mapping[str, Any]) -> str:
    return json.dumps(told, sort_keys=True, allow_nan=False, separators=(",", ":")) + "\n"
