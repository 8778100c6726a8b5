"""Every pattern that is looked for in a mask."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.auditing.patterns.base import Pattern
from sparselab.auditing.patterns.blocks import WholeBlocks
from sparselab.auditing.patterns.columns import WholeColumns
from sparselab.auditing.patterns.fan_in import ConstantFanIn
from sparselab.auditing.patterns.heads import WholeHeads
from sparselab.auditing.patterns.n_m import NMWindows
from sparselab.auditing.patterns.rows import WholeRows
from sparselab.auditing.patterns.v_n_m import VNMBlocks

PATTERNS: Mapping[str, type[Pattern]] = MappingProxyType(
    {
        kind.form: kind
        for kind in (NMWindows, VNMBlocks, WholeBlocks, WholeRows, WholeColumns, WholeHeads, ConstantFanIn)
    }
)
"""How a pattern is written, to the pattern."""

__all__ = ["PATTERNS", "Pattern"]
