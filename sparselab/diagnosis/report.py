"""What the doctor says: findings in order, what was tried, one paragraph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sparselab.benchmarking.statistics import MARGIN, Ratio
from sparselab.benchmarking.verdicts import ratio_shown
from sparselab.diagnosis.causes import Explanation
from sparselab.diagnosis.causes.base import ms_shown, named, share_shown
from sparselab.diagnosis.evidence import CUDA_24, Evidence, LayerEvidence

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A change that was made to a copy of the model and timed in turns with the model as it is, or why it was not.

    difference: the largest difference of an output / the largest output. speedup, low, high: before / after, 99 % interval.
    """

    name: str
    title: str
    before_ms: float | None = None
    after_ms: float | None = None
    speedup: float | None = None
    low: float | None = None
    high: float | None = None
    rounds: int = 0
    difference: float | None = None
    obstacle: str = ""

    @property
    def is_faster(self) -> bool:
        """Whether the whole interval lies beyond 1."""
        return self.low is not None and self.low > 1 + MARGIN

    @property
    def shown(self) -> str:
        """The result in words: "2.6x faster (2.4 to 2.8)"."""
        if self.speedup is None or self.low is None or self.high is None:
            return f"not tried: {self.obstacle}"
        told = ratio_shown(Ratio(self.speedup, self.low, self.high), self.rounds)
        return (
            told.replace("times as fast as dense", "times as fast")
            .replace(" than dense", "")
            .replace("dense", "before")
        )


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The evidence, what the causes found in it, the first first, and what was tried."""

    evidence: Evidence
    findings: tuple[Explanation, ...]
    tried: tuple[Tried, ...] = ()

    @property
    def cause(self) -> str:
        """The name of the first cause; "" where nothing was found."""
        return self.findings[0].cause if self.findings else ""

    @property
    def paragraph(self) -> str:
        """The answer in one paragraph, with the cheapest cure and what it brought here."""
        if not self.findings:
            told = [_nothing_found(self.evidence)]
            told += [f"Measured here: {each.title}: {each.shown}." for each in self.tried if each.is_faster]
            return " ".join(told)
        first = self.findings[0]
        told = [first.sentence]
        cure = next((each for each in self.tried if each.name == first.trial), None)
        faster = [each for each in self.tried if each.is_faster and each is not cure]
        best = max(faster, key=lambda each: each.speedup or 0.0, default=None)
        is_first = cure is None or cure.is_faster
        if best is not None and not is_first:
            told.append(f"Measured here: {best.title}: {best.shown}.")
        told.append(first.cure if first.gain == 1.0 else f"{'Cheapest cure' if is_first else 'Its cure'}: {first.cure}")
        if cure is not None:
            told.append(_result(cure))
        if best is not None and is_first and (cure is None or (best.speedup or 0) > (cure.speedup or 0)):
            told.append(f"Also tried: {best.title}: {best.shown}.")
        if others := [finding.title for finding in self.findings[1:]]:
            told.append(f"Also found: {'; '.join(others)}.")
        told.append(undecided_shown(self.evidence))
        if first.basis == "rule":
            told.append("This follows from the rules of that runtime; it was not measured here.")
        return " ".join(filter(None, told))

    @property
    def text(self) -> str:
        """The whole report for people."""
        return "\n".join(_lines(self))

    def as_json(self) -> dict[str, Any]:
        """Return plain values: "schema", "target", "cause", "paragraph", "findings", "tried", "evidence"."""
        return {
            "schema": SCHEMA,
            "target": self.evidence.target,
            "cause": self.cause,
            "paragraph": self.paragraph,
            "findings": [asdict(finding) for finding in self.findings],
            "tried": [{**asdict(each), "shown": each.shown} for each in self.tried],
            "evidence": self.evidence.as_json(),
        }


def _nothing_found(evidence: Evidence) -> str:
    pruned = evidence.pruned
    if not pruned:
        return "No layer that ran is pruned: every weight was multiplied, and nothing here could be skipped."
    if evidence.target == CUDA_24:
        return "Nothing stands in the way by the rules of 2:4: the pattern holds along the input, in shapes that are taken. Measure it on the device."
    dense = [layer for layer in pruned if not layer.is_sparse_run]
    if dense:
        return _left_dense(evidence, dense)
    return (
        f"Nothing is wrong: {len(pruned)} pruned layer{'s' * (len(pruned) != 1)} with {share_shown(evidence.share)} of the time run "
        "as they should here."
    )


def _left_dense(evidence: Evidence, layers: Sequence[LayerEvidence]) -> str:
    """What is said of pruned layers that run dense where no cause was shown."""
    told = (
        f"{named(layers)}, with {share_shown(evidence.share)} of the time, run{'s' * (len(layers) == 1)} dense, zeros too; that "
        "another product would make the whole model faster was not shown here."
    )
    return " ".join(filter(None, (told, undecided_shown(evidence))))


def undecided_shown(evidence: Evidence) -> str:
    """Return which layers were timed alone without an answer, and what to do; "" where none was."""
    timed = [
        f"{layer.name} (dense {ms_shown(layer.product.dense_ms)}, sparse {ms_shown(layer.product.best_ms)}; "
        f"{layer.product.low:.2g} to {layer.product.high:.2g} times as fast)"
        for layer in evidence.pruned
        if layer.product is not None and layer.product.is_undecided and layer.product.best_ms is not None
    ]
    if not timed:
        return ""
    why = ": other programs used the processor meanwhile" if evidence.is_busy else ""
    again = (
        "ask again when nothing else runs, or with --threads 1" if evidence.is_busy else "ask again with more --seconds"
    )
    return f"Undecided{why}: {'; '.join(timed[:3])}; {again}."


def _result(cure: Tried) -> str:
    if cure.speedup is None:
        return f"It was not tried: {cure.obstacle}."
    times = f"{ms_shown(cure.before_ms or 0)} before, {ms_shown(cure.after_ms or 0)} after"
    return f"Tried here ({cure.title}): {times}, {cure.shown}."


def _lines(report: Diagnosis) -> Sequence[str]:
    evidence = report.evidence
    out = [f"target: {evidence.target}"]
    if evidence.device:
        busy = "; other programs used the processor meanwhile" if evidence.is_busy else ""
        out[0] += f"; {evidence.device}{busy}"
    if evidence.total_ms:
        used = f", {evidence.threads.used} threads" if evidence.threads is not None else ""
        share = f"pruned layers: {share_shown(evidence.share)} of the operations' time"
        bound = f"so {evidence.bound:.2f}x at most if they took none" if evidence.bound < _MOST_BOUND else "all of it"
        out.append(f"one forward pass: {ms_shown(evidence.total_ms)}{used}; {share}, {bound}")
    if evidence.kernels:
        out.append("what ran: " + ", ".join(f"{each.name} {ms_shown(each.ms)}" for each in evidence.kernels[:5]))
    for place, finding in enumerate(report.findings, start=1):
        gain = f" (at most {finding.gain:.2f}x)" if finding.gain is not None else ""
        out += ["", f"{place}. {finding.title}{gain} [{finding.basis}]", f"   {finding.sentence}"]
        out += [f"   - {line}" for line in finding.lines[:_MOST_LINES]]
        if len(finding.lines) > _MOST_LINES:
            out.append(f"   - and {len(finding.lines) - _MOST_LINES} more")
        out.append(f"   Cure: {finding.cure}")
    if report.tried:
        out += ["", "tried, each in turns with the model as it is:"]
        for each in report.tried:
            times = "" if each.after_ms is None else f" {ms_shown(each.before_ms or 0)} -> {ms_shown(each.after_ms)},"
            error = "" if each.difference is None else f"; outputs differ by {each.difference:.1e}"
            out.append(f"- {each.title}:{times} {each.shown}{error}")
    return [*out, "", report.paragraph]


_MOST_LINES = 6
_MOST_BOUND = 1000
"""From here on the bound is that of rounding."""
