"""Values out of a lesson's TOML: each is of the kind expected, or the error names file and key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sparselab.core.errors import FileError

T = TypeVar("T")
_LONGEST_SHOWN = 80
_WORDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


@dataclass
class Table:
    """A table of a file, read key by key; `end` says which keys nobody has asked for."""

    file: str
    values: Mapping[str, Any]
    inside: str = ""
    _seen: set[str] = field(default_factory=set)

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        """Return the value of a key; `default` where there is none. Raises: FileError where it is of another kind, or needed."""
        self._seen.add(key)
        if key not in self.values:
            if default is None:
                raise self.error(key, f"expected {_WORDS[kind]}; got nothing")
            return default
        value = self.values[key]
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise self.error(key, f"expected {_WORDS[kind]}; got {shown(value)}")
        return value

    def text(self, key: str, default: str | None = None, *, longest: int = 300) -> str:
        """Return a text of at most `longest` characters that is not empty, unless its default is."""
        value = self.get(key, str, default).strip()
        if len(value) > longest:
            raise self.error(key, f"expected at most {longest:,} characters; got {len(value):,}")
        if not value and default != "":
            raise self.error(key, "expected a text; got an empty one")
        return value

    def texts(self, key: str, *, most: int = 100) -> tuple[str, ...]:
        """Return a list of texts; none where there is no such key."""
        values: Sequence[Any] = self.get(key, list, [])
        if len(values) > most:
            raise self.error(key, f"expected at most {most} texts; got {len(values)}")
        for value in values:
            if type(value) is not str or not value.strip() or len(value) > 300:
                raise self.error(key, f"expected texts of at most 300 characters; got {shown(value)}")
        return tuple(values)

    def table(self, key: str, *, needed: bool = False) -> Table:
        """Return a table inside this one; an empty one where there is none, unless it is needed."""
        values = self.get(key, dict, None if needed else {})
        return Table(self.file, values, self._name(key))

    def end(self) -> None:
        """Raises: FileError for the first key that means nothing here."""
        for key in self.values:
            if key not in self._seen:
                raise self.error(key, f"expected one of {', '.join(sorted(self._seen))}; got another key")

    def error(self, key: str, text: str) -> FileError:
        """Return the error of a key."""
        return FileError(f"{self.file}: {self._name(key)}: {text}")

    def _name(self, key: str) -> str:
        return f"{self.inside}.{key}"[:_LONGEST_SHOWN] if self.inside else key[:_LONGEST_SHOWN]


def read_toml(file: str, text: str, *, first_line: int = 1) -> Table:
    """Return the table that a file's text is. Raises: FileError with the line."""
    try:
        return Table(file, tomllib.loads("\n" * (first_line - 1) + text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FileError(f"{file}: expected TOML; got something else: {str(error)[:200]}") from None


def shown(value: Any) -> str:
    """Return a value as an error quotes it."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
