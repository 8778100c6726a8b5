"""The wall of layers on the page: drawn once, then told what has become known, so that no picture is sent twice while work goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from streamlit.delta_generator import DeltaGenerator

from sparselab.app.model.cards import cards
from sparselab.app.model.results import Known
from sparselab.app.wall_view import wall_view
from sparselab.display.wall_message import LayerCard, WallMessage


class Wall:
    """The wall in `place`, for one run of the page. `opened` is called with the layer whose card was clicked."""

    def __init__(
        self, place: DeltaGenerator, layers: Sequence[Mapping[str, Any]], name: str, opened: Callable[[str], None]
    ) -> None:
        self._place, self._layers, self._name, self._opened = place, layers, name, opened
        self._shown: list[LayerCard] = []
        self._message: WallMessage | None = None
        self._news = 0

    def show(self, known: Known) -> None:
        """Draw the wall, or tell the one drawn which cards have changed."""
        now = cards(self._layers, known)
        if self._message is None:
            self._message = WallMessage.of(self._name, now)
            with self._place:
                clicked = wall_view(self._message.data, key="_wall")
            self._shown = now
            if clicked is not None:
                self._opened(clicked)
            return
        changed = [
            _news(card, before) for card, before in zip(now, self._shown, strict=True) if not _same(card, before)
        ]
        self._shown = now
        if changed:
            with self._place:
                wall_view(self._message.news(changed), key=f"_wall_news_{self._news}")
            self._news += 1


def _news(card: LayerCard, before: LayerCard) -> LayerCard:
    """Return the card without a picture that is shown already."""
    return replace(card, before=None) if card.before is before.before else card


def _same(card: LayerCard, other: LayerCard) -> bool:
    """Whether nothing changed; pictures are compared by identity, because a list of jobs keeps each one."""
    one, two = dict(vars(card)), dict(vars(other))
    pictures = [(one.pop(side), two.pop(side)) for side in ("before", "after")]
    return one == two and all(a is b for a, b in pictures)
