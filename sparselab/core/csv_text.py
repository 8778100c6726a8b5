"""Comma separated values that a spreadsheet can open without running anything, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def rows_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the columns' names, then a line a row; what a row does not have is an empty cell. `read_rows` turns it back.

    Raises: ValueError for a row that has more than the columns.
    """
    lines: list[Sequence[object]] = [columns]
    for row in rows:
        if more := row.keys() - set(columns):
            raise ValueError(f"expected the columns {', '.join(columns)}; got {', '.join(sorted(more))} as well")
        lines.append([row.get(name) for name in columns])
    return table(lines)


def read_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a table as texts, without the apostrophes that `cell` put there; an empty cell is "".

    Raises: ValueError for a line that has more or fewer cells than the first, csv.Error for one that is no line at all.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = next(reader, [])
    return [dict(zip(columns, map(_plain, line), strict=True)) for line in reader if line]


def table(lines: Iterable[Sequence[object]]) -> str:
    """Return lines of cells as one text."""
    return "".join(",".join(map(cell, line)) + "\n" for line in lines)


def cell(value: object) -> str:
    """Return one cell; None is an empty one. Text that a spreadsheet would take for a formula gets a leading apostrophe.

    So does text that is such a text with apostrophes before it already, so that one can be taken away again without doubt.

    Example: >>> cell("=cmd()"), cell(-0.5), cell('a "b", c')
             ("'=cmd()", '-0.5', '"a ""b"", c"')
    """
    text = "" if value is None else str(value)
    if isinstance(value, str) and _is_formula(text):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _plain(text: str) -> str:
    return text[1:] if text.startswith("'") and _is_formula(text) else text


def _is_formula(text: str) -> bool:
    return text.lstrip("'").startswith(_FORMULA_STARTS)
