"""The staged cases and the healthy ones, really run: python -m benchmarks.doctor_cases [NAME...] writes what the doctor printed into docs/.

The network with which the document begins is one more case, `example`: its report is also the example of the page Why not faster?. About
ten minutes on two cores; names run those alone and leave the others as they are. A machine with nothing else to do is asked for.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import sparselab
from sparselab.core.data_files import DOCTOR_EXAMPLE
from sparselab.diagnosis import CAUSES, Diagnosis
from sparselab.diagnosis.causes.base import ms_shown
from tests.diagnosis.cases import ALSO, STAGED, Case, one_thread
from tests.diagnosis.healthy import HEALTHY

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "why_not_faster.md"
EVERY = {**STAGED, **ALSO}
EXAMPLE = "example"
_PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
_MARKED = re.compile(r"(<!-- made: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WIDTH = 118


def run(case: Case, seconds: float = 2.0) -> Diagnosis:
    """Return what the doctor says of a case."""
    torch.manual_seed(0)
    model, x = case.make()
    with case.around():
        return sparselab.doctor(model, x, target=case.target, seconds=seconds, try_compile=False)


def run_example() -> Diagnosis:
    """Return what the doctor says of the network with which the document begins, asked as it asks there."""
    torch.manual_seed(0)
    found: dict[str, Any] = {}
    with TemporaryDirectory() as folder, chdir(folder):  # the second block writes a file
        for block in _PYTHON.findall(DOCUMENT.read_text(encoding="utf-8"))[:2]:
            exec(block, found)
    with one_thread():
        return sparselab.doctor(found["model"].eval(), torch.randn(4, 3, 32, 32), seconds=5.0)


def shown(report: Diagnosis) -> str:
    """Return what was printed, as a block of the document."""
    lines = [part for line in report.text.splitlines() for part in _wrapped(line)]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def causes_table() -> str:
    """Return the causes of the registry, in the order in which equals are listed."""
    rows = [f"| `{name}` | {cause.title} | {', '.join(cause.targets)} |" for name, cause in CAUSES.items()]
    return "\n".join(["| cause | what it says | for |", "|---|---|---|", *rows]) + "\n"


def healthy_table(reports: Mapping[str, Diagnosis]) -> str:
    """Return what was found in the healthy models, and how long a pass took."""
    rows = []
    for name, report in reports.items():
        found = ", ".join(f"`{finding.cause}`" for finding in report.findings) or "none"
        took = ms_shown(report.evidence.total_ms) if report.evidence.total_ms else "not timed"
        rows.append(f"| {HEALTHY[name].about} | {took} | {found} |")
    return "\n".join(["| model | one pass | findings |", "|---|---|---|", *rows]) + "\n"


def replaced(text: str, made: Mapping[str, str]) -> str:
    """Return the document with the marked parts named in `made` in place of what stands there."""
    return _MARKED.sub(
        lambda found: found[1] + made.get(found[2], found[0][len(found[1]) : -len(found[3])]) + found[3], text
    )


def main(names: Iterable[str]) -> int:
    """Run the cases that are named, or all; return 1 where a cause was not the expected one."""
    wanted = tuple(names)
    made = {"causes": causes_table()}
    wrong = []
    for name, case in EVERY.items():
        if not wanted or name in wanted:
            report = run(case)
            wrong += [name] if report.cause != case.cause else []
            print(f"{name}: {report.cause or 'nothing'}, expected {case.cause}", flush=True)
            made[name] = shown(report)
    if not wanted or EXAMPLE in wanted:
        report = run_example()
        made[EXAMPLE] = shown(report)
        DOCTOR_EXAMPLE.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    if not wanted or "healthy" in wanted:
        reports = {}
        for name, case in HEALTHY.items():
            reports[name] = report = run(case, 1.0)
            wrong += [name] if report.findings else []
            print(f"healthy, {name}: {report.cause or 'nothing'}", flush=True)
        made["healthy"] = healthy_table(reports)
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8"), made), encoding="utf-8")
    print(f"{len(wrong)} not as expected: {', '.join(wrong) or 'none'}")
    return int(bool(wrong))


def _wrapped(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + (2 if line.lstrip().startswith("- ") else 0))
    return textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
