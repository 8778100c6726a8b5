"""The answer of an audit: layers with their findings, whether a claim holds, and the best guess where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sparselab.auditing.layer_results import LayerAudit
from sparselab.auditing.sentences import guess, verdict
from sparselab.core.ticket import Skipped
from sparselab.core.version import __version__

SCHEMA = 1
"""Number of the form of the document: it grows when a key goes or changes its meaning, not when one is added."""


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
        return guess(self.layers) if self.claim is None else verdict(self.claim, self.layers)

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
