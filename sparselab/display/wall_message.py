"""What the wall of layers is sent: a card for every layer of a network, the whole wall or the cards that have become known since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sparselab.runtime import messages

State = Literal["waiting", "found", "nothing", "failed"]
"""Not run yet, a structure was found, none was, or it could not be done."""


@dataclass(frozen=True, kw_only=True)
class LayerCard:
    """A layer as the wall shows it: small pictures (`analysis.small_picture`), sentences, and the numbers that cards are sorted by.

    place: in the network. size: its weights. kept: share that is kept, by the measure of "best". gain: share kept beyond what
    random groups keep on average. mark: {"low", "high"}: least and most of what they keep.
    """

    name: str
    place: int
    shape: str
    size: int
    facts: str
    state: State = "waiting"
    words: str = ""
    chance: str = ""
    structure: str = ""
    speed: str = ""
    kept: float | None = None
    gain: float | None = None
    mark: Mapping[str, float] | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class WallMessage:
    """The whole wall, called `wall`. `data` is what the browser is sent."""

    data: bytes
    edition: str

    @classmethod
    def of(cls, wall: str, cards: Iterable[LayerCard]) -> WallMessage:
        """Return the message of `runtime.messages` that shows these cards."""
        told = [vars(card) for card in cards]
        edition = hashlib.sha256(messages.dump([wall, told])).hexdigest()[:16]
        return cls(messages.dump({"edition": edition, "is_news": False, "cards": told}), edition)

    def news(self, cards: Iterable[LayerCard]) -> bytes:
        """Return the message that changes these cards alone, wherever this edition of the wall is shown; without a picture before, a
        card keeps the one it has."""
        return messages.dump({"edition": self.edition, "is_news": True, "cards": [vars(card) for card in cards]})
