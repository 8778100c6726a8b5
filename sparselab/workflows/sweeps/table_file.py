"""The table of a sweep that somebody brings: CSV of `--collect`, or a zip of a sweep's folder. Read as a stranger's."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from sparselab.core.csv_text import read_rows, rows_csv
from sparselab.core.errors import FileError
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS
from sparselab.formats.parsing.zip_members import ZIP_STARTS, check_members, list_members, read_member
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.workflows.sweeps.folder import PLAN, SweepFolder, read_result
from sparselab.workflows.sweeps.kinds import USUAL
from sparselab.workflows.sweeps.plan import Plan
from sparselab.workflows.sweeps.plan_file import read_whole_plan, whole_plan_in
from sparselab.workflows.sweeps.table import Row, columns_of, fixed_columns, rows_of

MOST_BYTES = 2**26
MOST_ROWS = 50_000
_TEXTS = frozenset({"file", "layer", "transform", "measure", "status", "reason", "error", "task"})
_LIMITS = replace(DEFAULT_LIMITS, max_tensors=100_000, max_total_bytes=2**28)
_LARGEST_RESULT = 2**20


@dataclass(frozen=True)
class ReadTable:
    """A sweep's table. swept: the settings that were swept, among the columns. plan: None of a CSV alone."""

    columns: tuple[str, ...]
    swept: tuple[str, ...]
    rows: Sequence[Row]
    plan: Plan | None = None


def copy_table(path: str, out: str, name: str, *, monitor: Monitor = SILENT) -> None:
    """Write the table in a stranger's file to `out` as CSV, which is read in bounded time: what a limited process does for `table_in`.

    Raises: FileError for what is no table, or one of more than MOST_ROWS rows.
    """
    found = table_in(Path(path), name)
    Path(out).write_text(rows_csv(found.columns, found.rows), encoding="utf-8", newline="\n")


def table_in(path: Path, name: str | None = None) -> ReadTable:
    """Return the table of a sweep's folder, of a zip of one, or of CSV, by what lies there. name: what messages call it.

    Raises: FileError for anything else.
    """
    if path.is_dir():
        plan = read_whole_plan(path / PLAN)
        return of_plan(plan, rows_of(plan, SweepFolder(path).read()))
    name = clean_name(name or path.name)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FileError(f"{name}: expected at most {MOST_BYTES // 2**20} MiB; got more: collect fewer points")
        with path.open("rb") as file:
            content = file.read()
    except OSError as error:
        raise FileError(f"{name}: expected a file that can be read; got {error.strerror}") from None
    return _of_zip(path, name) if content.startswith(ZIP_STARTS) else _of_csv(content, name)


def of_plan(plan: Plan, rows: Sequence[Row]) -> ReadTable:
    """Return the table of a plan's rows. Raises: FileError for a plan whose tasks are not transforms: it has no such table."""
    if plan.kind != USUAL:
        raise FileError(
            f"expected a sweep of transforms; got one of the kind {plan.kind}: `sparselab sweep --out FOLDER --collect FILE.csv` "
            "makes its table"
        )
    columns = columns_of(plan)
    return ReadTable(columns, tuple(name for name in columns if name not in fixed_columns()), rows, plan)


def _of_zip(path: Path, name: str) -> ReadTable:
    members = {member.filename: member for member in list_members(path)}
    check_members(list(members.values()), path, _LIMITS)
    plans = [found for found in members if PurePosixPath(found).name == PLAN]
    if len(plans) != 1:
        tables = [member for found, member in members.items() if found.endswith(".csv")]
        if len(tables) == 1 and tables[0].file_size <= MOST_BYTES:
            return _of_csv(bytes(read_member(path, tables[0])), name)
        raise FileError(f"{name}: expected the zip of one sweep, with its {PLAN}; got {len(plans)} of them")
    plan = whole_plan_in(bytes(read_member(path, members[plans[0]])), Path(), f"{name}: {PLAN}")

    def results() -> Iterator[tuple[str, Mapping[str, Any]]]:
        for found, member in members.items():
            where = PurePosixPath(found)
            if (
                where.parent.name in ("results", "failed")
                and where.suffix == ".json"
                and member.file_size <= _LARGEST_RESULT
            ):
                told = read_result(bytes(read_member(path, member)))
                if told is not None:
                    yield where.stem, told

    rows = rows_of(plan, results())
    _check_size(len(rows), name)
    return of_plan(plan, rows)


def _of_csv(content: bytes, name: str) -> ReadTable:
    try:
        found = read_rows(content.decode("utf-8-sig"))
    except (ValueError, csv.Error):
        raise FileError(
            f"{name}: expected a table that `sparselab sweep --collect` wrote; got something else"
        ) from None
    _check_size(len(found), name)
    columns = tuple(found[0]) if found else ()
    if missing := [each for each in fixed_columns() if each not in columns]:
        raise FileError(
            f"{name}: expected a table that `sparselab sweep --collect` wrote; it has no column {missing[0]}"
        )
    rows = [{key: _value(key, text, name) for key, text in row.items()} for row in found]
    return ReadTable(columns, tuple(each for each in columns if each not in fixed_columns()), rows)


def _check_size(rows: int, name: str) -> None:
    if rows > MOST_ROWS:
        raise FileError(f"{name}: expected at most {MOST_ROWS:,} rows; got {rows:,}: collect fewer points")


def _value(column: str, text: str, name: str) -> Any:
    """Return a cell as what it was: a number of the report is one, a setting may be a text."""
    if text == "":
        return None
    if column in _TEXTS:
        return text
    try:
        value = json.loads(text) if len(text) <= 40 else text
    except ValueError:
        value = {"True": True, "False": False}.get(text, text)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if column in fixed_columns() and not is_number:
        raise FileError(f"{name}: expected a number as {column}; got {clean_name(text[:40])!r}")
    return value if is_number or isinstance(value, bool | str) else text
