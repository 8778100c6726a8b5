"""The rules by which Regroup chooses columns: one class each, listed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from sparselab.core.settings import When
from sparselab.transforms.regroup.budget import BudgetRule
from sparselab.transforms.regroup.ratio import LegacyRule, RatioRule
from sparselab.transforms.regroup.rule import Rule
from sparselab.transforms.regroup.threshold import ThresholdRule

RULES: Mapping[str, type[Rule]] = MappingProxyType(
    {"budget": BudgetRule, "threshold": ThresholdRule, "ratio": RatioRule, "legacy": LegacyRule}
)
SPENDING = tuple(name for name, kind in RULES.items() if kind.spends_density)
"""The rules that spend a given number of weights: their groups can be refined."""


def rule_of(settings: Any) -> Rule:
    """Return the rule called `settings.rule`, with those of the settings that it reads."""
    kind = RULES[settings.rule]
    return kind(**{field.name: getattr(settings, field.name) for field in fields(kind)})


def when_read(setting: str) -> When:
    """Return the condition that the rule reads `setting`."""
    return When("rule", tuple(name for name, kind in RULES.items() if setting in {f.name for f in fields(kind)}))
