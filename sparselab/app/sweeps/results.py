"""The tab Results: filters, small multiples, the table, and how far a sweep is that runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from sparselab.analysis.metrics import labels
from sparselab.analysis.worth import Measure
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import show_fault
from sparselab.app.sweeps.chart import AXES, Charts, in_words, sweep_figure
from sparselab.app.sweeps.lines import (
    BUDGET,
    MOST_CHARTS,
    MOST_LINES,
    charts_of,
    filtered,
    label_of,
    text_of,
    values_of,
    varying,
)
from sparselab.app.sweeps.missing import without_chart
from sparselab.app.sweeps.opened import OpenedSweep
from sparselab.core.csv_text import rows_csv
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.standing import Standing
from sparselab.workflows.sweeps.table import Row
from sparselab.workflows.sweeps.table_file import ReadTable

_LOOK_SECONDS = 2.0
_SHOWN = ("coverage", "energy", "density_after", "blocks", "random_mean", "gain")
_SHARES = ("coverage", "energy", "density_after", "random_mean", "gain", "density")
_NAMES = {"random_mean": "Random groups", "gain": "Gain over random groups", "density_after": "Weights spent"}


def show_results(opened: OpenedSweep) -> None:
    """Show the results of a sweep; while it runs, go on looking until a click comes."""
    if opened.problem is not None:
        show_fault(opened.problem)
    if opened.table is None:
        st.info("Choose another folder or file in the sidebar.", icon=":material/folder_off:")
        return
    if not opened.name:
        st.info(
            "An example: four layers of a pruned VGG, 8, 16 and 32 rows per group, five budgets. Open the folder of your own sweep in "
            "the sidebar, or bring its table; the tab *Plan a sweep* makes the command.",
            icon=":material/school:",
        )
    if opened.standing is not None:
        _show_standing(opened.standing)
    _show(opened.table, opened.name)
    _watch(opened)


def _show_standing(standing: Standing) -> None:
    share = standing.done / standing.total if standing.total else 1.0
    failed = f", {standing.failed} without a result" if standing.failed else ""
    origins = f" ({standing.origins})" if str(standing.origins) else ""
    if standing.left:
        st.progress(share, text=f"{standing.done:,} of {standing.total:,} points done{origins}{failed}")
        if standing.waits:
            st.warning(f"It waits: {literal(standing.waits)}", icon=":material/hourglass_top:")
        st.caption("New results are shown as they come, while a sweep runs.")
    elif standing.failed:
        told = f"Finished: {standing.done - standing.failed:,} of {standing.total:,} points have a result{origins}, {standing.failed:,} failed."
        st.warning(f"{told} The table says why; `--retry-failed` tries them again.", icon=":material/warning:")
    else:
        st.success(f"Finished: {standing.total:,} points{origins}.", icon=":material/check_circle:")


def _show(table: ReadTable, name: str) -> None:
    if not table.rows:
        st.info("No point is done yet.", icon=":material/hourglass_top:")
        return
    among = varying(table)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        measure = _measure(table.rows)
        of = _column(among)
        rows = filtered(table.rows, _filters(table, among))
    charts = charts_of(rows, of, among, measure)
    if charts:
        _draw(charts, of, measure)
    else:
        st.info("No point of this choice has a result. Widen the filters.", icon=":material/filter_alt_off:")
    if told := without_chart(table, rows, of, measure, list(charts)[:MOST_CHARTS]):
        st.caption(literal(told))
    _table(table, rows, among, name)


def _filters(table: ReadTable, among: Sequence[str]) -> dict[str, list[Any]]:
    """Show a choice for every column that varies, the budget apart, which is the axis; return what is wanted."""
    wanted: dict[str, list[Any]] = {}
    columns = [name for name in among if name != BUDGET]
    if not columns:
        return wanted
    with st.popover("Filters", icon=":material/filter_alt:"):
        for column in columns:
            wanted[column] = st.multiselect(
                label_of(column),
                values_of(table.rows, column),
                format_func=text_of,
                placeholder="all",
                key=f"_sweeps_filter_{column}",
            )
    return wanted


def _measure(rows: Sequence[Row]) -> Measure:
    if all(row.get("energy") is None for row in rows):
        return "coverage"
    names: Mapping[Measure, str] = {each: labels()[each] for each in AXES}
    found: Measure = st.segmented_control(
        "Vertical axis", names, format_func=names.__getitem__, default="coverage", required=True, key="_sweeps_measure"
    )
    return found


def _column(among: Sequence[str]) -> str:
    columns = [name for name in among if name != BUDGET]
    if len(columns) < 2:
        return columns[0] if columns == ["layer"] else "layer"
    first = columns.index("layer") if "layer" in columns else 0
    found: str = st.selectbox(
        "A chart for each", columns, index=first, format_func=label_of, key="_sweeps_chart_of", width=260
    )
    return found


def _draw(charts: Charts, of: str, measure: Measure) -> None:
    shown = dict(list(charts.items())[:MOST_CHARTS])
    lines = {line for each in shown.values() for line in each}
    st.plotly_chart(sweep_figure(shown, measure), key="_sweeps_figure")
    text = f"A chart for each {label_of(of).lower()}, all with the same axes: {in_words(shown, measure)}."
    drawn = (row for each in shown.values() for rows in each.values() for row in rows)
    if any(row.get("random_mean") is not None and row.get("measure") == measure for row in drawn):
        text += " Thin dotted lines: what random groups of the same height keep."
    if len(lines) > MOST_LINES:
        text += f" {len(lines) - MOST_LINES} more lines are left out: the filters choose."
    st.caption(literal(text))


def _table(table: ReadTable, rows: Sequence[Row], among: Sequence[str], name: str) -> None:
    has = {column for row in rows for column, value in row.items() if value is not None}
    told = dict.fromkeys([*among, *(each for each in _SHOWN if each in has), *(["error"] if "error" in has else [])])
    config: dict[str, Any] = {column: st.column_config.Column(_head(column)) for column in told}
    config |= {
        column: st.column_config.NumberColumn(_head(column), format="percent") for column in _SHARES if column in told
    }
    st.dataframe(
        [{column: row.get(column) for column in told} for row in rows],
        hide_index=True,
        column_config=config,
        height=min(38 + 35 * len(rows), 420),
    )
    failed = sum(row.get("error") is not None for row in rows)
    st.caption(
        f"{len(rows):,} of {len(table.rows):,} rows"
        + (f", {failed:,} without a result, with the reason" if failed else "")
        + "."
    )
    st.download_button(
        "Rows shown (.csv)",
        data=lambda: rows_csv(table.columns, rows).encode(),
        file_name="sweep.csv",
        on_click="ignore",
        icon=":material/download:",
        key="_sweeps_csv",
    )


def _head(column: str) -> str:
    return _NAMES.get(column) or labels().get(column) or label_of(column)


def _watch(opened: OpenedSweep) -> None:
    """Look again and again at a sweep that is not done, and draw the page anew when there is more.

    A loop in the script, which any click interrupts: a fragment that refreshes itself would draw into the next page.
    """
    if opened.folder is None or opened.standing is None or not opened.standing.left:
        return
    folder = SweepFolder(opened.folder)
    seen = folder.done(), folder.waiting()
    while True:
        pause(_LOOK_SECONDS)
        if (folder.done(), folder.waiting()) != seen:
            st.rerun()


def pause(seconds: float) -> None:
    """Wait before the next look."""
    time.sleep(seconds)
