"""Sessions as CSV: one line a row, everything a reader needs beside it; and back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sparselab.benchmarking.records import ROW_KEYS, Session
from sparselab.core.csv_text import read_rows, rows_csv
from sparselab.core.data_files import DATA, sessions_files
from sparselab.core.errors import FileError, SparselabError

_PLAIN = ("date", "dtype", "threads", "density", "positions", "padding_waste", "flops_dense")
_JSON = ("shape", "input_shape", "conv", "about", "device", "protocol", "versions")
_NUMBERS = ("threads", "density", "positions", "padding_waste", "flops_dense")
_ROW_TEXT = ("kernel", "role", "condition", "verdict", "obstacle", "choice")

COLUMNS = ("session", "device_name", *_PLAIN, *ROW_KEYS, *_JSON)
"""What a line holds: the session's key and device, its plain figures, the row's, then the rest as JSON."""


def as_csv(sessions: Iterable[Session]) -> str:
    """Return one line per row of each session; `read_csv` turns it back."""
    lines: list[dict[str, Any]] = []
    for session in sessions:
        document = session.as_json()
        shared = {name: document[name] for name in _PLAIN}
        shared |= {name: json.dumps(document[name]) for name in _JSON}
        shared |= {"session": session.key, "device_name": session.device.get("name", "")}
        lines += [shared | {name: _cell(row[name]) for name in ROW_KEYS} for row in document["rows"]]
    return rows_csv(COLUMNS, lines)


def read_csv(path: Path) -> tuple[Session, ...]:
    """Return the sessions of a CSV file. Raises: FileError when it is not what `as_csv` writes."""
    lines: dict[str, list[dict[str, str]]] = {}
    try:
        for line in read_rows(path.read_bytes().decode()):
            lines.setdefault(line["session"], []).append(line)
        return tuple(_session(found) for found in lines.values())
    except (OSError, KeyError, ValueError, TypeError, csv.Error, SparselabError) as error:
        raise FileError(f"expected latency sessions as CSV; {path.name}: {error}") from None


def stored_results(folder: Path = DATA) -> tuple[Session, ...]:
    """Return the sessions of all devices that come with the package, or lie in another folder."""
    return tuple(session for path in sessions_files(folder) for session in read_csv(path))


def _session(lines: Sequence[dict[str, str]]) -> Session:
    first = lines[0]
    document: dict[str, Any] = {name: json.loads(first[name]) for name in _JSON}
    document |= {name: _number(first[name]) if name in _NUMBERS else first[name] for name in _PLAIN}
    rows = [{name: _value(name, line[name]) for name in ROW_KEYS} for line in lines]
    return Session.from_json(document | {"rows": rows})


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | bool) else value


def _value(name: str, text: str) -> Any:
    if name in _ROW_TEXT:
        return text
    return json.loads(text) if text else None


def _number(text: str) -> Any:
    return json.loads(text) if text else None
