"""What was computed last, by exact keys, for as long as there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any


class Memory:
    """The last few answers. Several threads may ask at once: who asks for what is being made waits for it."""

    def __init__(self, most: int) -> None:
        """most: how many answers are kept; those that were asked for longest ago go first."""
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._being_made: dict[str, threading.Lock] = {}

    def get(self, key: str) -> Any | None:
        """Return what is kept under `key`, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def remembered(self, key: str, make: Callable[[], Any]) -> Any:
        """Return what is kept under `key`, or make it now; None is not kept."""
        if (found := self.get(key)) is not None:
            return found
        with self._lock:
            turn = self._being_made.setdefault(key, threading.Lock())
        with turn:
            if (found := self.get(key)) is not None:
                return found
            try:
                made = make()
                self._keep(key, made)
            finally:
                with self._lock:
                    self._being_made.pop(key, None)
        return made

    def _keep(self, key: str, value: Any) -> None:
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
