"""The answer of an audit: layers with their findings, whether a claim holds, and the best guess where there is none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sparselab.audit.findings import Finding
from sparselab.core.ticket import Skipped
from sparselab.core.version import __version__

SCHEMA = 1
"""Number of the form of the document: it grows when a key goes or changes its meaning, not when one is added."""


@dataclass(frozen=True)
class LayerAudit:
    """One layer. `negative_zeros` and `denormals` are counted among its stored numbers; `holds`: whether the claim holds for it,
    None without one, and for a layer that the claim does not speak of (a claim on heads, of a layer without)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    density: float
    negative_zeros: int
    denormals: int
    findings: tuple[Finding, ...]
    claimed: Finding | None = None

    @property
    def holds(self) -> bool | None:
        return None if self.claimed is None else self.claimed.holds

    @property
    def best(self) -> Finding | None:
        """The pattern that holds and that chance would give least of all; None where none holds that it would not give."""
        known = [finding for finding in self.findings if finding.beyond_chance]
        return max(known, key=lambda finding: finding.surprise, default=None)

    @property
    def words(self) -> str:
        """What is in it: the best pattern, or that nothing or all is pruned, or that there is no pattern."""
        if self.density in (0.0, 1.0):
            return "dense: nothing is pruned" if self.density else "empty: everything is pruned"
        return "no pattern" if self.best is None else self.best.words

    def as_json(self) -> dict[str, Any]:
        """Return the layer as plain values."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "density": self.density,
            "negative_zeros": self.negative_zeros,
            "denormals": self.denormals,
            "findings": [finding.as_json() for finding in self.findings],
            "best": None if self.best is None else self.best.words,
            "holds": self.holds,
        }


@dataclass(frozen=True)
class Audit:
    """What is in a file. `claim` is as it was given, None without one."""

    layers: tuple[LayerAudit, ...]
    skipped: tuple[Skipped, ...] = ()
    claim: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool | None:
        """Whether the claim holds: for every layer that it speaks of, and for one at least. None without a claim."""
        if self.claim is None:
            return None
        judged = [layer.holds for layer in self.layers if layer.holds is not None]
        return bool(judged) and all(judged)

    @property
    def sentence(self) -> str:
        """The answer in a sentence: whether the claim holds, or the best guess."""
        return _guess(self.layers) if self.claim is None else self._verdict(self.claim)

    def as_json(self) -> dict[str, Any]:
        """Return the audit as plain values: what `sparselab audit --json` prints."""
        return {
            "schema": SCHEMA,
            "version": __version__,
            "claim": self.claim,
            "holds": self.holds,
            "sentence": self.sentence,
            "layers": [layer.as_json() for layer in self.layers],
            "skipped": [{"name": item.name, "reason": item.reason} for item in self.skipped],
            "notes": list(self.notes),
        }

    def _verdict(self, claim: str) -> str:
        judged = [layer for layer in self.layers if layer.holds is not None]
        broken = [layer for layer in judged if not layer.holds]
        if not judged:
            return f"{claim}: no layer has what the claim speaks of"
        if not broken:
            return f"{claim}: holds in {_all_of(len(judged))}"
        text = f"{claim}: does not hold in {len(broken)} of {len(judged)} layers"
        if dense := sum(layer.density == 1 for layer in broken):
            text += f"; in {dense} of them nothing is pruned"
        first = next((layer for layer in broken if layer.density < 1), broken[0])
        at = None if first.claimed is None else first.claimed.first_break
        if at is not None:
            where = f" at {list(at.index)}" if at.index else ""
            text += f"; first in {first.name}{where}: {at.found}"
        return text + _other_axis(broken)


def _other_axis(broken: list[LayerAudit]) -> str:
    """Return what is said where the claimed pattern holds along the other axis."""
    count, words = 0, ""
    for layer in broken:
        claimed = layer.claimed
        same = (
            finding
            for finding in layer.findings
            if claimed is not None and claimed.axis is not None and finding.beyond_chance
            if (finding.pattern, finding.strict) == (claimed.pattern, claimed.strict) and finding.axis != claimed.axis
        )
        if (found := next(same, None)) is not None:
            count, words = count + 1, found.words
    return f"; in {count} of them it is {words}" if count else ""


def _guess(layers: tuple[LayerAudit, ...]) -> str:
    best = Counter((layer.best.pattern, layer.best.axis) for layer in layers if layer.best is not None)
    pruned = [layer for layer in layers if 0 < layer.density < 1]
    if not best:
        if not pruned:
            return f"nothing is pruned in {_all_of(len(layers))}" if any(x.density for x in layers) else "all is zero"
        return f"no pattern beyond chance in {_all_of(len(layers))}"
    (pattern, axis), _ = best.most_common(1)[0]
    having = [
        found
        for layer in layers
        if (found := [x for x in layer.findings if (x.pattern, x.axis) == (pattern, axis) and x.beyond_chance])
    ]
    strict = all(any(finding.strict for finding in found) for found in having)
    shown = next(finding for finding in having[0] if finding.strict == strict)
    text = f"{shown.words} in {len(having)} of {len(layers)} layers"
    if dense := sum(layer.density == 1 for layer in layers):
        text += f"; nothing is pruned in {dense}"
    if others := len(best) - 1:
        text += f"; {others} other pattern{'s' * (others != 1)} in other layers"
    return text


def _all_of(count: int) -> str:
    return "its one layer" if count == 1 else f"all {count} layers"
