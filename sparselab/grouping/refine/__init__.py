"""Better groups from given ones: rows of different groups change places while a budget keeps more."""

from sparselab.grouping.refine.budget import Budget
from sparselab.grouping.refine.search import Refined, refine

__all__ = ["Budget", "Refined", "refine"]
