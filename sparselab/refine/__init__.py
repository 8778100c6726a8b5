"""Better groups from given ones: rows of different groups change places while a budget keeps more."""

from sparselab.refine.purse import Budget
from sparselab.refine.search import Refined, refine

__all__ = ["Budget", "Refined", "refine"]
