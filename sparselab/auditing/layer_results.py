"""What was found in one layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sparselab.auditing.findings import Finding

_NEARLY, _MORE = 0.95, 0.05
"""A pattern nearly holds where so many units fulfil it, and so many more than by chance."""


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
    def nearest(self) -> Finding | None:
        """Where no pattern holds, the one that nearly does and that chance would give least of all; None where none does."""
        if self.best is not None:
            return None
        near = [x for x in self.findings if not x.holds and x.share >= max(_NEARLY, (x.share_by_chance or 0) + _MORE)]
        return max(near, key=lambda finding: finding.surprise, default=None)

    @property
    def words(self) -> str:
        """What is in it: the best pattern, one that nearly holds, that nothing or all is pruned, or that there is no pattern."""
        if self.density in (0.0, 1.0):
            return "dense: nothing is pruned" if self.density else "empty: everything is pruned"
        if self.best is not None:
            return self.best.words
        return "no pattern" if self.nearest is None else f"nearly {self.nearest.words}"

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
