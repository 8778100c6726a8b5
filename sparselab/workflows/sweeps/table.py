"""The results of a sweep as a table, as the kind of its tasks makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparselab.core.atomic_files import atomic_path
from sparselab.core.csv_text import rows_csv
from sparselab.core.errors import FileError
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.kinds.base import Row
from sparselab.workflows.sweeps.kinds.transform import fixed_columns, swept_settings
from sparselab.workflows.sweeps.plan import Plan

__all__ = ["Row", "columns_of", "fixed_columns", "rows_in", "rows_of", "swept_settings", "write_csv"]


def columns_of(plan: Plan) -> tuple[str, ...]:
    """Return the columns of a sweep's table."""
    return plan.of_kind.columns(plan)


def rows_of(plan: Plan, results: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Row]:
    """Return the rows of results, in the plan's order. results: digests of tasks and what their files hold."""
    return plan.of_kind.rows(plan, results, {})


def rows_in(plan: Plan, folder: SweepFolder) -> list[Row]:
    """Return the rows of a folder, with what was measured: where a host is named, figures are those of that host."""
    return plan.of_kind.rows(plan, folder.read(), folder.figures())


def write_csv(plan: Plan, rows: Sequence[Row], path: Path) -> None:
    """Write a table as CSV, whole or not at all. Raises: FileError where it cannot be written."""
    try:
        with atomic_path(path) as temporary:
            temporary.write_text(rows_csv(columns_of(plan), rows), encoding="utf-8", newline="\n")
    except OSError as error:
        raise FileError(f"expected a file that can be written; {path}: {error.strerror}") from None
