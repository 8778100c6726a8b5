"""Every rule by which tensors are told apart, in the order in which it is tried."""

from __future__ import annotations

from collections.abc import Mapping

from sparselab.formats.kinds.attention import ATTENTION_RULES
from sparselab.formats.kinds.axes import AXES_RULES
from sparselab.formats.kinds.by_name import NAME_RULES, SHAPE_RULES
from sparselab.formats.kinds.groups import GROUP_RULES
from sparselab.formats.kinds.integers import INTEGER_RULES
from sparselab.formats.kinds.pair_rules import PAIR_RULES
from sparselab.formats.kinds.read_rules import READ_RULES, REFUSAL_RULES
from sparselab.formats.kinds.rule import KindRule
from sparselab.formats.kinds.training_state import STATE_RULES
from sparselab.formats.kinds.values import VALUE_NOTES

STEPS: tuple[tuple[str, Mapping[str, KindRule]], ...] = (
    ("Not weights, by shape", SHAPE_RULES),
    ("Not weights: the state of training", STATE_RULES),
    ("Not weights: masks of attention", ATTENTION_RULES),
    ("Not weights, by name and neighbours", NAME_RULES),
    ("Not weights: whole numbers and scales", INTEGER_RULES),
    ("Masks and their weights", PAIR_RULES),
    ("The order of axes", AXES_RULES),
    ("Groups of convolutions", GROUP_RULES),
    ("What is read with a remark", READ_RULES),
    ("What the numbers leave open", VALUE_NOTES),
    ("What is refused", REFUSAL_RULES),
)
"""The steps that a file goes through, with the rules of each."""

NOT_LAYERS: tuple[Mapping[str, KindRule], ...] = (SHAPE_RULES, STATE_RULES, ATTENTION_RULES, NAME_RULES, INTEGER_RULES)
"""The rules that leave a tensor alone."""
