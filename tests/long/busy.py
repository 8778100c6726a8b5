"""Run the tests again and again beside processes that keep the machine busy; say which failed in which run.

    python tests/long/busy.py [--runs 10] [--busy 2] [what pytest is told, all tests by default]

A test that fails here and not alone waits for a time instead of a condition. Exit status: 0 when nothing failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that do nothing as fast as they can, as long as the block runs."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def failures(arguments: list[str]) -> list[str]:
    """Run pytest once; return the names of the tests that failed, or what it said where it got to none."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        cases = ElementTree.parse(report).iter("testcase") if report.exists() else ()
        bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    names = [f"{case.get('classname')}::{case.get('name')}" for case in bad]
    return names or ([f"pytest ended with {done.returncode}: {done.stdout[-500:]}"] if done.returncode else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--busy", type=int, default=2, help="processes beside it")
    known, arguments = parser.parse_known_args()
    found: dict[str, list[int]] = {}
    with busy(known.busy):
        for run in range(1, known.runs + 1):
            bad = failures(arguments)
            print(f"run {run} of {known.runs}: {len(bad)} failed", flush=True)
            for name in bad:
                found.setdefault(name, []).append(run)
    for name, runs in sorted(found.items()):
        print(f"{name}: failed in {len(runs)} of {known.runs}: run {', '.join(map(str, runs))}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
