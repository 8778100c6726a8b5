"""Why pruning makes nothing faster: one cause a file, listed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from sparselab.diagnosis.causes import (
    autocast,
    break_even,
    cannot_pay,
    compiled_blocks,
    fast_path,
    left_dense,
    memory_bound,
    own_mask,
    prune_pairs,
    small_share,
    threads,
    two_four,
    zeros_multiplied,
)
from sparselab.diagnosis.causes.base import Cause, Explanation
from sparselab.diagnosis.evidence import Evidence

CAUSES: Mapping[str, Cause] = MappingProxyType(
    {
        "prune-pairs": prune_pairs.CAUSE,
        "own-mask": own_mask.CAUSE,
        "fast-path": fast_path.CAUSE,
        "compiled-blocks": compiled_blocks.CAUSE,
        "autocast": autocast.CAUSE,
        "threads": threads.CAUSE,
        "wrong-axis": two_four.WRONG_AXIS,
        "broken-window": two_four.BROKEN_WINDOW,
        "no-pattern": two_four.NO_PATTERN,
        "hardware-shape": two_four.SHAPE,
        "small-share": small_share.CAUSE,
        "cannot-pay": cannot_pay.CAUSE,
        "memory-bound": memory_bound.CAUSE,
        "break-even": break_even.CAUSE,
        "zeros-multiplied": zeros_multiplied.CAUSE,
        "depthwise": left_dense.DEPTHWISE,
        "transposed": left_dense.TRANSPOSED,
        "attention": left_dense.ATTENTION,
        "recurrent": left_dense.RECURRENT,
        "volume": left_dense.VOLUME,
    }
)


def diagnose(evidence: Evidence) -> tuple[Explanation, ...]:
    """Return what the causes find in evidence: what undoes the pruning first, then what sizes allow; of a rank, the larger gain first."""
    found = []
    for place, (name, cause) in enumerate(CAUSES.items()):
        finding = cause.judge(evidence) if evidence.target in cause.targets else None
        if finding is not None:
            key = (cause.rank, -(finding.gain or 1.0), place)
            found.append((key, replace(finding, cause=name, title=cause.title)))
    return tuple(finding for _, finding in sorted(found, key=lambda each: each[0]))


__all__ = ["CAUSES", "Cause", "Explanation", "diagnose"]
