"""What is asked of the broker: a call, for whom, and how it is to be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

from sparselab.runtime.pipes import Limits

Call: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function, which a worker imports by its name, and its arguments."""


class Rank(IntEnum):
    """What goes first: an answer that somebody waits for, then a list of calls, then what nobody has asked for yet, if it takes a moment."""

    INTERACTIVE = 0
    LIST = 1
    AHEAD = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """One call for one owner, which is a visitor's session.

    key: requests of equal keys share one computation; only for what is nobody's secret. "" stands for no such key.
    is_stranger: the call reads what a stranger sent as it came, so that its worker is ended afterwards.
    is_alone: nothing else runs meanwhile, as for a measurement. Its process has `limits.threads` from its start.
    """

    owner: str
    call: Call
    rank: Rank = Rank.INTERACTIVE
    limits: Limits = field(default_factory=Limits)
    key: str = ""
    is_stranger: bool = False
    is_alone: bool = False

    @property
    def is_public(self) -> bool:
        """Whether the answer may be given to others."""
        return self.key != ""
