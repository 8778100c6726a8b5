"""Every pattern that is looked for in a mask."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.audit.patterns.base import Pattern
from sparselab.audit.patterns.blocks import WholeBlocks
from sparselab.audit.patterns.columns import WholeColumns
from sparselab.audit.patterns.fan_in import ConstantFanIn
from sparselab.audit.patterns.heads import WholeHeads
from sparselab.audit.patterns.n_m import NMWindows
from sparselab.audit.patterns.rows import WholeRows
from sparselab.audit.patterns.v_n_m import VNMBlocks

PATTERNS: Mapping[str, type[Pattern]] = MappingProxyType(
    {
        kind.form: kind
        for kind in (NMWindows, VNMBlocks, WholeBlocks, WholeRows, WholeColumns, WholeHeads, ConstantFanIn)
    }
)
"""How a pattern is written, to the pattern."""

__all__ = ["PATTERNS", "Pattern"]
