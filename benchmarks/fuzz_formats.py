"""Fuzz the readers of every registered format: seeded mutations of good and hostile files, and of what reached new branches.

    python -m benchmarks.fuzz_formats --seconds 300 [--cases 3000] [--format npz] [--seed 0] [--keep FOLDER]

Formats take turns until the time is over and each has had its --cases. Prints one JSON line: hours, cases, the fewest of one format,
findings (each once by its text), steps between lines reached. The files of findings are written to the folder of --keep. --csv adds
a row to benchmarks/results/fuzz_formats.csv.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import numpy as np

import sparselab.formats
from benchmarks.forks import in_fork
from sparselab.core.csv_text import read_rows, rows_csv
from sparselab.core.version import __version__
from sparselab.formats import FORMATS
from sparselab.runtime.limiting import limited
from sparselab.runtime.pipes import Limits
from tests.formats.fuzzing import fault_of, mutated
from tests.formats.good_files import good_file
from tests.formats.hostile_files import HOSTILE
from tests.formats.libraries.hostile_sparse import SPARSE

RESULTS = Path(__file__).resolve().parent / "results" / "fuzz_formats.csv"
_CODE = str(Path(sparselab.formats.__file__).parent)
_TURN_SECONDS = 5.0
_MOST_KEPT = 2000
_LARGEST_KEPT = 2**20
_LARGEST_SEED = 2**16
_LIBRARY_SECONDS = 10
_JOINED = 0.1
"""The share of mutations that begin with two files in one."""

Edge = tuple[str, int, int]


@contextmanager
def edges_into(reached: set[Edge]) -> Iterator[None]:
    """Add to `reached` every step from one line to another in the code of formats that is run in the block."""

    def local(frame: FrameType, event: str, _: Any, last: dict[FrameType, int] = {}) -> Any:  # noqa: B006
        if event == "line":
            reached.add((frame.f_code.co_filename, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        elif event == "return":
            last.pop(frame, None)
        return local

    def calls(frame: FrameType, _event: str, _arg: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(_CODE) else None

    sys.settrace(calls)
    try:
        yield
    finally:
        sys.settrace(None)


class Fuzzer:
    """The inputs of one format that each reached something new, beginning with a good file and the hostile ones of the tests."""

    def __init__(self, form: str, folder: Path, seed: int) -> None:
        weight = np.random.default_rng(seed).standard_normal((6, 8)).round(1).astype(np.float32)
        weight[np.random.default_rng(seed + 1).random(weight.shape) < 0.6] = 0
        good = good_file(form, weight, folder)
        self.form, self.path = form, good.with_name(f"mutated{good.suffix}")
        self.inputs = [good.read_bytes(), *_hostile(FORMATS[form].suffixes)]
        self.rng = random.Random(f"{seed} {form}")
        self.edges: set[Edge] = set()
        self.cases = 0

    def step(self) -> tuple[str, bytes] | None:
        """Try one mutation; return its fault and content where it has one."""
        content = self.rng.choice(self.inputs)
        if self.rng.random() < _JOINED:
            content = joined(content, self.rng.choice(self.inputs), self.rng)
        content = mutated(content, self.rng)
        self.path.write_bytes(content)
        before = len(self.edges)
        fault = self._fault()
        self.cases += 1
        if len(self.edges) > before and len(self.inputs) < _MOST_KEPT and len(content) <= _LARGEST_KEPT:
            self.inputs.append(content)
        if fault is not None and fault.endswith("of processor time"):  # the tracing may be what took it
            fault = fault_of(self.path)
        return None if fault is None else (fault, content)

    def _fault(self) -> str | None:
        """Read the mutation and follow it. Nothing but the end of its process stops a library in C: that one runs in a fork."""

        def traced() -> dict[str, Any]:
            found: set[Edge] = set()
            with edges_into(found):
                fault = fault_of(self.path)
            return {"wrong": fault, "edges": [list(edge) for edge in found - self.edges]}

        if FORMATS[self.form].parsed_by != "library":
            told: dict[str, Any] | None = traced()
        else:
            told, _ = in_fork(lambda: _within(traced))
        if told is None:
            return f"never returns: stopped after {_LIBRARY_SECONDS} s"
        self.edges.update((file, start, end) for file, start, end in told["edges"])
        wrong: str | None = told["wrong"]
        return wrong


def _within(traced: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    with limited(Limits(cpu_seconds=_LIBRARY_SECONDS)):
        return traced()


def joined(first: bytes, second: bytes, rng: random.Random) -> bytes:
    """Return the beginning of one file with the end of another."""
    return first[: rng.randint(0, len(first))] + second[rng.randint(0, len(second)) :]


@cache
def _hostile_files() -> tuple[tuple[str, bytes], ...]:
    """The suffixes and contents of the hostile files of the tests, but for the large ones."""
    found = []
    with TemporaryDirectory(prefix="sparselab-fuzz-") as folder:
        for number, (make, _) in enumerate((HOSTILE | SPARSE).values()):
            place = Path(folder) / str(number)
            place.mkdir()
            path = make(place)
            if path.is_file() and 0 < path.stat().st_size <= _LARGEST_SEED:
                found.append((path.suffix.lower(), path.read_bytes()))
    return tuple(found)


def _hostile(suffixes: tuple[str, ...]) -> list[bytes]:
    return [content for suffix, content in _hostile_files() if suffix in suffixes]


def fuzz(forms: list[str], seconds: float, seed: int, keep: Path | None, cases: int = 0) -> dict[str, Any]:
    """Fuzz formats in turns; return what is printed."""
    begin = time.monotonic()
    findings: dict[str, str] = {}
    with TemporaryDirectory(prefix="sparselab-fuzz-") as folder:
        fuzzers = [Fuzzer(form, Path(folder), seed) for form in forms]
        turn = min(_TURN_SECONDS, seconds / len(fuzzers))
        while time.monotonic() - begin < seconds or any(fuzzer.cases < cases for fuzzer in fuzzers):
            is_over = time.monotonic() - begin >= seconds
            for fuzzer in (one for one in fuzzers if not is_over or one.cases < cases):
                end = time.monotonic() + turn
                while time.monotonic() < end:
                    found = fuzzer.step()
                    if found is None or f"{fuzzer.form}: {found[0]}" in findings:
                        continue
                    name = f"{fuzzer.form}-{hashlib.sha256(found[1]).hexdigest()[:12]}{fuzzer.path.suffix}"
                    findings[f"{fuzzer.form}: {found[0]}"] = name
                    if keep is not None:
                        (keep / name).write_bytes(found[1])
    return {
        "version": __version__,
        "seed": seed,
        "hours": round((time.monotonic() - begin) / 3600, 4),
        "formats": len(fuzzers),
        "cases": sum(fuzzer.cases for fuzzer in fuzzers),
        "fewest_cases": min(fuzzer.cases for fuzzer in fuzzers),
        "edges": len(set().union(*(fuzzer.edges for fuzzer in fuzzers))),
        "kept": sum(len(fuzzer.inputs) for fuzzer in fuzzers),
        "findings": findings,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz the readers of every registered format.")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--cases", type=int, default=0, help="the fewest mutations of every format, beyond the seconds")
    parser.add_argument("--format", choices=list(FORMATS), help="one format; all without it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the files of findings")
    parser.add_argument("--csv", action="store_true", help="add a row to the committed results")
    given = parser.parse_args()
    warnings.simplefilter("error")
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
    told = fuzz([given.format] if given.format else list(FORMATS), given.seconds, given.seed, given.keep, given.cases)
    print(json.dumps(told))
    if given.csv:
        row = {**told, "findings": len(told["findings"])}
        before = read_rows(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
        RESULTS.write_text(rows_csv(list(row), [*before, row]), encoding="utf-8")


if __name__ == "__main__":
    main()
