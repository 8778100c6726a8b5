"""The figures in docs/questions/, from commands and stored measurements: python -m benchmarks.question_tables writes them anew."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from sparselab.analysis.worth import worth_of
from sparselab.benchmarking.csv_table import stored_results
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.verdicts import Verdict
from sparselab.cli import main
from sparselab.formats import read_ticket
from sparselab.training.paired import in_points
from sparselab.training.runs.outcomes import study_outcomes
from sparselab.training.runs.points import points_of
from sparselab.workflows.compare import contenders, run_contender

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ROOT / "docs" / "questions"
_MARKED = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

_COMPARED = (
    "regroup-random",
    "regroup-jaccard-metis",
    "regroup-random-16",
    "regroup-jaccard-metis-16",
    "shuffled-blocks",
)
_LAYERS = (
    ("planted-noisy.npz", "conv.weight"),
    ("vgg-digits-imp-90.npz", "features.15.weight"),
    ("random.npz", "conv.weight"),
)
_SERIES = ("IMP (unstructured)", "Shuffled blocks", "Regroup", "Refill+", "Refill")


def compared() -> str:
    """Return what each of three sample layers keeps, by the measure of "best", under contenders at the layer's own budget."""
    rows = []
    layers = [read_ticket(ROOT / "sample_masks" / file)[name] for file, name in _LAYERS]
    for name in _COMPARED:
        row = [f"`{name}`"]
        for layer in layers:
            contender = next(each for each in contenders(layer.mask.density) if each.name == name)
            row.append(_percent(worth_of(run_contender(layer, contender, seed=0, device="cpu")[1])))
        rows.append(row)
    return _table(["contender", *(f"`{file}`" for file, _ in _LAYERS)], rows)


def inspected() -> str:
    """Return what `sparselab inspect` prints for a sample, as a block of code."""
    file = "sample_masks/vgg-digits-imp-90.npz"
    with contextlib.redirect_stdout(io.StringIO()) as answer:
        main(["inspect", str(ROOT / file)])
    return f"```text\n{answer.getvalue().replace(str(ROOT / file), file).strip()}\n```"


def latency_by_density() -> str:
    """Return the speedups of `native-blocks` for the layers of a ResNet-18 at 224 x 224, by density, from the stored sessions."""
    prefix = "ResNet-18 at 224: "
    sessions = [one for one in stored_results() if one.about.get("layer", "").startswith(prefix)]
    densities = (0.1, 0.26, 0.5, 0.75, 1.0)
    rows: dict[str, list[str]] = {}
    for session in sessions:
        row = rows.setdefault(session.about["layer"].removeprefix(prefix), [f"{session.shape[0]} x {session.shape[1]}"])
        row.append(_speedup(session, "native-blocks"))
    head = ["layer", "weight", *(f"density {density:.2f}" for density in densities)]
    return _table(head, [[name, *row] for name, row in rows.items()]) + _measured(sessions)


def latency_by_kernel() -> str:
    """Return the speedups of the kernels for one matrix product, by density, from the stored sessions."""
    about = {"transform": "random-groups", "group_rows": "32"}
    sessions = [one for one in stored_results() if dict(one.about) == about and one.input_shape == (4608, 1024)]
    kernels = list(dict.fromkeys(row.kernel for row in sessions[0].rows if row.role == "kernel"))
    rows = [[f"`{kernel}`", *(_speedup(session, kernel) for session in sessions)] for kernel in kernels]
    return _table(["kernel", *(f"density {one.density:.2f}" for one in sessions)], rows) + _measured(sessions)


def accuracy() -> str:
    """Return the study's accuracies beside the dense network's, by level."""
    points = points_of(study_outcomes())
    rows = []
    for series in _SERIES:
        found = [point for point in points if point.series == series and point.level in (3, 6, 9)]
        rows += [
            [
                series,
                str(one.level),
                _percent(one.density),
                f"{100 * one.mean:.2f} %",
                "" if one.to_dense is None else in_points(one.to_dense),
            ]
            for one in found
        ]
    return _table(["what", "level", "weights kept", "test accuracy", "to dense, points"], rows)


MADE: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "compared": compared,
        "inspected": inspected,
        "latency_by_density": latency_by_density,
        "latency_by_kernel": latency_by_kernel,
        "accuracy": accuracy,
    }
)
"""What a page may hold between `<!-- made: NAME -->` and `<!-- end -->`."""


def rewritten(text: str) -> str:
    """Return a page with everything that is made in it made anew. Raises: KeyError for a name that is none of `MADE`."""
    return _MARKED.sub(lambda mark: f"{mark[1]}{MADE[mark[2]]()}\n{mark[3]}", text)


def names(text: str) -> set[str]:
    """Return the names of what is made in a page."""
    return {mark[2] for mark in _MARKED.finditer(text)}


def pages() -> list[Path]:
    """Return the pages of questions."""
    return sorted(QUESTIONS.glob("*.md"))


def _speedup(session: Session, kernel: str) -> str:
    row = next(row for row in session.rows if row.kernel == kernel and row.role == "kernel")
    ratio = row.ratio
    if ratio is None or row.verdict is Verdict.NO_DIFFERENCE:
        found = str(row.verdict.value)
    else:
        found = f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
    return found + (" ~" if "noisy" in row.flags else "")


def _measured(sessions: Iterable[Session]) -> str:
    found = list(sessions)
    days, names = sorted({one.date[:10] for one in found}), sorted({str(one.device["name"]) for one in found})
    threads, dtypes = sorted({str(one.threads) for one in found}), sorted({one.dtype for one in found})
    figures = "Time of dense / time of the kernel, with its 99 % interval; ~ marks a noisy time (spread over a tenth)."
    return f"\n\n{figures} Measured on {', '.join(days)}: {', '.join(names)}, {', '.join(threads)} threads, {', '.join(dtypes)}."


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


if __name__ == "__main__":
    for page in pages():
        page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")
