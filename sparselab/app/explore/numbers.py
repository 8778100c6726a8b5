"""The report on the page: the few numbers that decide, each with its meaning, and all the others on demand."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from sparselab.display.numbers import STATUS_HEADLINES, deciding_rows, report_rows
from sparselab.workflows.explore import View


def show_numbers(view: View | None) -> None:
    """Show the deciding numbers in a row, dashes while there are none: the page does not jump when they come."""
    with st.container(horizontal=True, gap="medium", key="numbers"):
        for row in deciding_rows(None if view is None else view.report):
            st.metric(row.number, row.value, help=row.meaning, width="content")


def show_all_numbers(view: View) -> None:
    """Show every number of the report with its meaning."""
    rows = [asdict(row) for row in report_rows(view.report, view.layout.notes)]
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 500))


def show_status(view: View) -> None:
    """Say in words what happened: never silent when nothing was found."""
    status, reason = view.report["status"], view.report["reason"]
    if status == "unblocked":
        st.warning(f"**{STATUS_HEADLINES[status]}.** Reason: {reason}.", icon=":material/search_off:")
    elif status == "masked":
        st.info(f"{STATUS_HEADLINES[status]}: {reason}.", icon=":material/grid_off:")
    elif status == "dense":
        st.info(f"{STATUS_HEADLINES[status]}: {reason}.", icon=":material/square:")
