"""What a density allows at best, and what was measured: stored sessions, each with its device and date."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from typing_extensions import Doc

from sparselab.benchmarking.csv_table import stored_results
from sparselab.benchmarking.records import Row, Session
from sparselab.core.errors import SettingError
from sparselab.kernels import KERNELS
from sparselab.lessons import svg
from sparselab.lessons.phrases import phrase
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.layers import check_layer, transform_of
from sparselab.lessons.views.mask import Knobs
from sparselab.lessons.words import Fact, Facts

_MOST = 6
_BARS, _LETTER = 240, 8.2
"""Pixels: of the longest bar, and of a letter of its name."""


@dataclass(frozen=True)
class LatencyView(LessonView):
    """Stored sessions side by side, each a product of one layer on one device, as `sparselab/data/latency-*.csv` has them.

    Facts of session 1: density_1, bound_1 (1 / density), rows_1, cols_1, group_rows_1 (where it has groups), layer_1, dense_ms_1; the
    share of the kept weights in blocks: coverage_1 (where it is known); fastest kernel: fastest_1, speedup_1, ms_1; the exact product of all kept
    weights: exact_1, exact_ms_1; and of every kernel, such as csr: csr_1 (how many times as fast as dense), csr_ms_1. Of
    all: device, date, threads.
    """

    kind: ClassVar[str] = "latency"

    sessions: Annotated[tuple[str, ...], Doc("one to six sessions by their keys")]
    sample: Annotated[str, Doc("the sample that the page Latency is opened on, to measure here")] = "vgg-digits-imp-80"
    layer: Annotated[str, Doc("its layer")] = "features.15.weight"
    transform: Annotated[str, Doc("the transform there")] = "regroup"
    settings: Knobs = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_layer(self.sample, self.layer)
        transform_of(self.transform, self.settings)
        if not 1 <= len(self.sessions) <= _MOST:
            raise SettingError(f"sessions: expected 1 to {_MOST}; got {len(self.sessions)}")
        if len({(each.device.get("name"), each.date[:10], each.threads) for each in self.found}) > 1:
            raise SettingError("sessions: expected those of one device, day and number of threads; got several")

    @property
    def found(self) -> tuple[Session, ...]:
        """The sessions. Raises: SettingError."""
        known = _sessions()
        for key in self.sessions:
            if key not in known:
                raise SettingError(f"sessions: expected the key of a stored session; got {key[:60]!r}")
        return tuple(known[key] for key in self.sessions)

    def facts(self) -> Facts:
        first = self.found[0]
        found: dict[str, Fact] = {
            "device": str(first.device.get("name", "")),
            "date": first.date[:10],
            "threads": first.threads,
        }
        for number, session in enumerate(self.found, start=1):
            found |= {f"{name}_{number}": value for name, value in _facts(session).items()}
        return found

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        facts, parts, y = self.facts(), [], 0.0
        best, shown = phrase("at best", language), not covered
        names = [best, *(_row_title(row, language) for each in self.found for row in _timed(each) if shown)]
        start = 10 + _LETTER * max(map(_letters, names))
        width = max(start + _BARS + 56, 400)
        most = max(float(facts[f"bound_{number}"]) for number in range(1, len(self.sessions) + 1))
        for number, session in enumerate(self.found, start=1):
            for words in svg.wrapped(_title(session, language), int(width / 8.5)):
                parts.append(svg.text(0, y + 16, words, bold=True))
                y += 20
            y += 4
            bars = [(best, float(facts[f"bound_{number}"]), "none")]
            if shown:
                bars += [(_row_title(row, language), row.speedup_vs_dense, svg.BLUE) for row in _timed(session)]
            one = start + _BARS / most
            parts.append(svg.line([(one, y), (one, y + 25 * len(bars))], dash="4 3", width=1.5))
            for words, times, fill in bars:
                parts.append(svg.text(0, y + 15, words, size=13))
                end = start + _BARS * times / most
                parts.append(svg.box(start, y + 2, end - start, 17, fill=fill, line="currentColor"))
                # The number stands beside the line of 1x, not on it.
                beside = one if end <= one < end + 46 else end
                parts.append(svg.text(beside + 6, y + 16, f"{times:.2g}x", size=13))
                y += 25
            y += 10
        parts.append(svg.text(start, y + 10, f"┆ 1x: {phrase('dense', language)}", size=13))
        if shown:
            parts.append(svg.text(0, y + 30, f"{facts['device']}, {facts['date']}", size=12))
        return svg.picture(width, y + 36, parts, alt)


def _title(session: Session, language: str) -> str:
    parts = [session.about["layer"]] if "layer" in session.about else []
    if "group_rows" in session.about:
        parts.append(f"{session.about['group_rows']} {phrase('rows a block', language)}")
    percent = f"{100 * session.density:.1f}".removesuffix(".0")
    return ", ".join([*parts, f"{phrase('density', language)} {percent} %"])


def _letters(words: str) -> int:
    """Return how wide words are in letters, of which a Chinese one takes two."""
    return sum(2 if "\u2e80" <= each <= "\uffef" else 1 for each in words)


def _row_title(row: Row, language: str) -> str:
    if row.role == "exact":
        return phrase("all kept weights", language)
    return KERNELS[row.kernel].title if row.kernel in KERNELS else row.kernel


def _timed(session: Session) -> list[Any]:
    """Return the rows of kernels that were timed, and of the exact product of the mask before."""
    rows = [row for row in session.rows if row.condition == "hot" and row.speedup_vs_dense and row.median_ms]
    exact = {row.kernel for row in rows if row.role == "exact"}  # once: for all kept weights, not for those in blocks
    return [row for row in rows if row.role == "exact" or (row.role == "kernel" and row.kernel not in exact)]


def _facts(session: Session) -> Facts:
    rows, cols = session.shape
    found: dict[str, Fact] = {"density": session.density, "bound": 1 / session.density, "rows": rows, "cols": cols}
    found |= {name: session.about[name] for name in ("group_rows", "layer") if name in session.about}
    if "coverage" in session.about:
        found["coverage"] = float(session.about["coverage"])
    baseline, fastest = session.row(role="baseline"), session.fastest
    if baseline is not None and baseline.median_ms is not None:
        found["dense_ms"] = baseline.median_ms
    for row in _timed(session):
        name = "exact" if row.role == "exact" else re.sub(r"[^a-z0-9]+", "_", row.kernel.lower())
        found |= {name: row.speedup_vs_dense, f"{name}_ms": row.median_ms}
    if fastest is not None and fastest.speedup_vs_dense is not None and fastest.median_ms is not None:
        found |= {"fastest": fastest.kernel, "speedup": fastest.speedup_vs_dense, "ms": fastest.median_ms}
    return found


@lru_cache(maxsize=1)
def _sessions() -> dict[str, Session]:
    return {session.key: session for session in stored_results()}
