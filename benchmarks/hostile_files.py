"""A folder of hostile files, each opened in the three ways there are: the library, the command line and the app.

    python -m benchmarks.hostile_files FOLDER [--canary PATH] [--csv]

FOLDER holds the files and index.json: [[kind, name, path, "refuse" | "ok" | "any"], ...]; a file lies in FOLDER under the last part of
its path. Kinds that begin with "bomb" may take ten seconds, all others two. PATH is what a file that is executed would make.

Every file is opened in a fork of this process, which has loaded every reader before; so are the limited processes of the app and of the
command line. Prints a line for each file that is not as it must be, then a JSON line a way; --csv writes results/hostile_files.csv.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

import sparselab
from benchmarks.forks import forked, in_fork
from sparselab.cli import main as command_line
from sparselab.core.csv_text import rows_csv
from sparselab.core.errors import LimitError, SparselabError
from sparselab.core.version import __version__
from sparselab.formats import FORMATS, UNTRUSTED_LIMITS, describe, limited, read_ticket, read_untrusted
from sparselab.runtime.limiting import limited as within
from tests.formats.good_files import good_file

RESULTS = Path(__file__).resolve().parent / "results" / "hostile_files.csv"
_CPU_SECONDS, _BOMB_CPU_SECONDS = 2.0, 10.0
_LONGEST_TEXT = 600

Outcome = dict[str, Any]
"""{"read": what a card says of each layer}, {"refused": a sentence, "limit": bool}, or {"fault": what is wrong}."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What came of one file in one way, with processor time and memory of all its processes beyond what was loaded."""

    outcome: Outcome
    cpu_seconds: float
    memory_mib: float


def library(path: Path, _folder: Path) -> Outcome:
    """`sparselab.open` and a card of what was found, within the limits of uploads."""
    with within(UNTRUSTED_LIMITS):
        return _read(describe(sparselab.open(path)))


def command(path: Path, _folder: Path) -> Outcome:
    """`sparselab inspect FILE`: what code in Python parses is read in a limited process and then here."""
    limited.run_isolated = forked  # type: ignore[attr-defined]
    limited.read_untrusted = partial(read_untrusted, run=forked)  # type: ignore[attr-defined]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = command_line(["inspect", str(path), "--json"])
    lines = err.getvalue().splitlines()
    if unprintable := next((line for line in [*lines, *out.getvalue().splitlines()] if not line.isprintable()), None):
        return {"fault": f"a line that is not printable: {unprintable[:100]!r}"}
    if status == 0:
        return _read(json.loads(out.getvalue()))
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if status != 2 or len(errors) != 1:
        return {"fault": f"exit status {status} with {len(errors)} sentences"}
    return _refused(errors[0])


def app(path: Path, folder: Path) -> Outcome:
    """What a page does with an upload: `read_untrusted` with a limited process."""
    out = folder / "layers.safetensors"
    try:
        return _read(read_untrusted(path, out, run=forked))
    finally:
        out.unlink(missing_ok=True)


WAYS: Mapping[str, Callable[[Path, Path], Outcome]] = MappingProxyType(
    {"library": library, "command line": command, "app": app}
)


def _read(card: Mapping[str, Any]) -> Outcome:
    told = json.dumps(card, ensure_ascii=False)
    if not told.isprintable() and any(not text.isprintable() for text in _texts(card)):
        return {"fault": "texts that are not printable"}
    return {"read": [[layer[name] for name in ("name", "shape", "count", "digest")] for layer in card["layers"]]}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for item in inside for text in _texts(item)]


def _refused(text: str, *, is_limit: bool = False) -> Outcome:
    if not text.isprintable() or not 0 < len(text) < _LONGEST_TEXT:
        return {"fault": f"a text of {len(text)} characters: {text[:100]!r}"}
    is_limit = is_limit or text.startswith(("stopped after", "this needs more memory")) or "needs more memory" in text
    return {"refused": " ".join(text.split()), "limit": is_limit}


def opened(way: Callable[[Path, Path], Outcome], path: Path, folder: Path) -> Opened:
    """Open one file in one way, and measure it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def answer() -> Outcome:
        try:
            return way(path, folder)
        except (SparselabError, OSError) as error:
            return _refused(str(error), is_limit=isinstance(error, LimitError))
        except MemoryError:
            return _refused("this needs more memory than it may use")

    told, used = in_fork(answer)
    memory = max(0.0, (used.ru_maxrss - before) / 1024)
    died = {"refused": "stopped after its limit", "limit": True}
    return Opened(outcome=told or died, cpu_seconds=used.ru_utime + used.ru_stime, memory_mib=memory)


def load_every_reader(folder: Path) -> None:
    """Read a good file of every format, so that no fork has anything to load."""
    torch.set_num_threads(1)
    weight = np.where(np.arange(48).reshape(6, 8) % 3, 0.5, 0.0).astype(np.float32)
    for form in FORMATS:
        describe(read_ticket(good_file(form, weight, folder)), count=True)
    torch.zeros(2, 2).to_sparse().coalesce()


def measure(folder: Path, canary: Path | None) -> list[dict[str, Any]]:
    """Return a row for each way; print what is not as it must be."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    found: dict[str, list[Opened]] = {way: [] for way in WAYS}
    rows = []
    with TemporaryDirectory(prefix="sparselab-hostile-") as own:
        load_every_reader(Path(own))
        for way, open_it in WAYS.items():
            found[way] = [opened(open_it, folder / Path(path).name, Path(own)) for _, _, path, _ in index]
            rows.append(_row(way, index, found[way], found["library"]))
            rows[-1]["canaries"] = int(canary is not None and canary.exists())
    return rows


def _differ(one: Outcome, other: Outcome) -> bool:
    """Whether two ways say different things. Who counts every layer, as the app does, may reach a limit that others do not."""
    if one.get("limit") or other.get("limit"):
        return False
    if "read" not in one or "read" not in other or len(one["read"]) != len(other["read"]):
        return one != other
    pairs = zip(one["read"], other["read"], strict=True)
    return any(a != b and (a[:2] != b[:2] or None not in (a[2], b[2])) for a, b in pairs)


def _row(
    way: str, index: Sequence[Sequence[str]], found: Sequence[Opened], library: Sequence[Opened]
) -> dict[str, Any]:
    faults = differ = slow = limits = unexpected = 0
    for (kind, name, _, expect), one, first in zip(index, found, library, strict=True):
        most = _BOMB_CPU_SECONDS if kind.startswith("bomb") else _CPU_SECONDS
        wrong = []
        if "fault" in one.outcome:
            faults += 1
            wrong.append(one.outcome["fault"])
        if _differ(one.outcome, first.outcome):
            differ += 1
            wrong.append(f"differs: {str(one.outcome)[:300]} and {str(first.outcome)[:300]}")
        if one.cpu_seconds > most:
            slow += 1
            wrong.append(f"{one.cpu_seconds:.1f} s of processor time")
        if (expect == "ok") != ("read" in one.outcome) and expect != "any":
            unexpected += 1
            wrong.append(f"expected {expect}; got {str(one.outcome)[:200]}")
        limits += bool(one.outcome.get("limit"))
        for text in wrong:
            print(f"{way} | {kind} | {name} | {text}", flush=True)
    timed = [(one.cpu_seconds, kind, name) for (kind, name, *_), one in zip(index, found, strict=True)]
    worst = max((item for item in timed if not item[1].startswith("bomb")), default=(0.0, "", ""))
    bomb = max((item for item in timed if item[1].startswith("bomb")), default=(0.0, "", ""))
    return {
        "version": __version__,
        "way": way,
        "files": len(index),
        "read": sum("read" in one.outcome for one in found),
        "refused": sum("refused" in one.outcome for one in found),
        "faults": faults,
        "differ_from_library": differ,
        "unexpected": unexpected,
        "reached_a_limit": limits,
        "too_slow": slow,
        "worst_cpu_s": round(worst[0], 2),
        "worst_file": worst[2],
        "worst_bomb_cpu_s": round(bomb[0], 2),
        "worst_memory_mib": round(max(one.memory_mib for one in found)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Open every hostile file of a folder in every way.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--canary", type=Path, help="what a file that is executed makes")
    parser.add_argument("--csv", action="store_true", help="write the committed results")
    given = parser.parse_args()
    rows = measure(given.folder, given.canary)
    for row in rows:
        print(json.dumps(row))
    if given.csv:
        RESULTS.write_text(rows_csv(list(rows[0]), rows), encoding="utf-8")


if __name__ == "__main__":
    main()
