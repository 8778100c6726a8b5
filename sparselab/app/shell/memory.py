"""What was computed last, by exact keys, for as long as there is room."""

from __future__ import annotations

import gc
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

_SHARED = (type, ModuleType, FunctionType)
"""What values refer to and do not hold: it is there without them."""


class Memory:
    """The last answers, as many as fit. Several threads may ask at once: who asks for what is being made waits for it."""

    def __init__(self, most_bytes: int) -> None:
        """most_bytes: what all answers may hold together, counted when each is put in; those that were asked for longest ago go
        first, and the newest stays in any case.
        """
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._held = 0
        self._being_made: dict[str, threading.Lock] = {}

    @property
    def held_bytes(self) -> int:
        """What the answers hold together."""
        return self._held

    def get(self, key: str) -> Any | None:
        """Return what is kept under `key`, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

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
                if made is not None:
                    self._keep(key, made, bytes_of(made))
            finally:
                with self._lock:
                    self._being_made.pop(key, None)
        return made

    def _keep(self, key: str, value: Any, size: int) -> None:
        with self._lock:
            _, before = self._kept.pop(key, (None, 0))
            self._kept[key] = value, size
            self._held += size - before
            while self._held > self._most_bytes and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                self._held -= freed


def bytes_of(value: Any) -> int:
    """Return how many bytes a value holds with all that it refers to, each object counted once; a view of an array holds the whole.

    Example: >>> whole = np.zeros(1000)
             >>> 8000 < bytes_of({"a": whole[:1], "b": whole}) < 9000
             True
    """
    seen: set[int] = set()
    waiting, total = [value], 0
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, _SHARED):
            continue
        seen.add(id(item))
        total += sys.getsizeof(item)  # an array's own values are in it, those of a view are not
        if isinstance(item, np.ndarray):
            waiting.append(item.base)
        elif isinstance(item, memoryview):
            waiting.append(item.obj)
        else:
            waiting += gc.get_referents(item)
    return total
