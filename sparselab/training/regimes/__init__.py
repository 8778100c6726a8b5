"""What masks do while a network trains."""

from sparselab.training.regimes.base import Regime, Step
from sparselab.training.regimes.blocks import BlockExchange, first_blocks
from sparselab.training.regimes.exchange import Exchange, Rhythm
from sparselab.training.regimes.top_kast import TopKast

__all__ = ["BlockExchange", "Exchange", "Regime", "Rhythm", "Step", "TopKast", "first_blocks"]
