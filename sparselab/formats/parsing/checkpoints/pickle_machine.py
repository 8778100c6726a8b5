"""The stack machine of a pickle that calls nothing: every call becomes a `Made`, the callable's name with its arguments."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

_PLAIN_KEYS = (str, int, float, bytes, type(None))


@dataclass(frozen=True, slots=True)
class Global:
    """The full name of something that a pickle asks Python to import."""

    name: str


@dataclass(eq=False, slots=True)
class Made:
    """What a pickle would make by a call: the name of what it calls, the arguments, and what is put into the object later."""

    name: str
    args: tuple[Any, ...]
    state: Any = None
    items: dict[Any, Any] | None = None
    parts: list[Any] | None = None

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, slots=True)
class Persistent:
    """What a pickle leaves to its reader to find, such as the storage of a tensor, by an identity of its own."""

    id: Any


class DamagedPickle(ValueError):
    """The bytes are no pickle, or one of too many steps."""


class PickleMachine:
    """The stack, the marks and the memo of one pickle; `globals` and `persistent` are what it named so far, in order."""

    def __init__(self, data: bytes, start: int = 0) -> None:
        self.data, self.at = data, start
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.globals: list[Global] = []
        self.persistent: list[Persistent] = []

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes; a slice never takes more than the file has."""
        piece = self.data[self.at : self.at + count]
        if count < 0 or len(piece) != count:
            raise DamagedPickle("cut short")
        self.at += count
        return piece

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> bytes:
        end = self.data.index(b"\n", self.at)
        text = self.data[self.at : end]
        self.at = end + 1
        return text

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def unmark(self) -> list[Any]:
        """Return what was pushed since the last mark."""
        values, self.stack = self.stack, self.marks.pop()
        return values

    def name(self, module: str, name: str) -> None:
        found = Global(f"{module}.{name}")
        self.globals.append(found)
        self.push(found)

    def keep(self, identity: Any) -> None:
        found = Persistent(identity)
        self.persistent.append(found)
        self.push(found)

    def call(self, args: Any, keywords: Any = None) -> None:
        function = self.stack.pop()
        self.push(Made(called_name(function), args if isinstance(args, tuple) else (args,), keywords))

    def build(self) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Made):
            target.parts = [] if target.parts is None else target.parts
        parts = target.parts if isinstance(target, Made) else target
        if not isinstance(parts, list):
            raise DamagedPickle("no list")
        parts += values

    def set(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Made):
            target.items = {} if target.items is None else target.items
        items = target.items if isinstance(target, Made) else target
        if not isinstance(items, dict) or len(values) % 2:
            raise DamagedPickle("no dictionary")
        items.update(zip(map(_key, values[::2]), values[1::2], strict=True))


def called_name(function: Any) -> str:
    """Return the full name of what a pickle calls; some ask their reader for the class too."""
    if isinstance(function, Persistent):
        function = next((part for part in _tuple(function.id) if isinstance(part, Global)), None)
    return function.name if isinstance(function, Global | Made) else "something without a name"


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _key(value: Any) -> Any:
    """Return a key whose hash costs one step: that of tuples in tuples may cost exponentially many."""
    if isinstance(value, _PLAIN_KEYS):
        return value
    if isinstance(value, tuple) and len(value) <= 8 and all(isinstance(part, _PLAIN_KEYS) for part in value):
        return value
    return Made(value.name if isinstance(value, Global | Made) else type(value).__name__, ())
