"""A report of `sparselab doctor --json`, opened and drawn."""

from __future__ import annotations

import streamlit as st

from sparselab.app.shell.escape import literal
from sparselab.app.why.charts import kernels_figure, tried_figure
from sparselab.core.data_files import DOCTOR_EXAMPLE
from sparselab.core.errors import FileError
from sparselab.diagnosis.causes.base import ms_shown, share_shown
from sparselab.diagnosis.reading import MOST_BYTES, ShownFinding, ShownReport, read_report

_COMMAND = "sparselab doctor model.py:build --input 1,3,224,224 --json > report.json"
_BASIS = {
    "measured": "measured where the doctor ran",
    "seen": "seen in a forward pass",
    "rule": "by the rules of the target, not measured",
}


def show_report() -> None:
    """Show where to open a report; it is drawn, or without one how to write one, and an example."""
    file = st.file_uploader("Report (.json)", type=["json"], max_upload_size=MOST_BYTES // 2**20, key="_why_report")
    if file is None:
        _tell_command()
        st.info(
            "An example: a small convolutional network, two layers of which were pruned to a tenth and kept their pruning pairs. Open a "
            "report of your own above.",
            icon=":material/school:",
        )
        _draw(read_report(DOCTOR_EXAMPLE.read_bytes(), DOCTOR_EXAMPLE.name))
        return
    try:
        report = read_report(file.getvalue(), file.name[:60])
    except FileError as error:
        st.error(literal(str(error)), icon=":material/error:")
        _tell_command()
        return
    _draw(report)


def _tell_command() -> None:
    st.markdown("The doctor runs your code, so it runs on the command line and never here:")
    st.code(_COMMAND, language="bash", wrap_lines=True)
    st.caption(
        "`model.py:build` is a function that returns the model; `--checkpoint FILE` loads weights into it. `--for cuda-2:4` judges by "
        "the rules of 2:4 without such a device, `--for onnxruntime` takes an `.onnx` file. Without `--json` the answer is text. "
        "Open `report.json` above to see it drawn."
    )


def _draw(report: ShownReport) -> None:
    (st.info if report.findings else st.success)(literal(report.paragraph), icon=":material/stethoscope:")
    _headline(report)
    if report.findings:
        st.markdown("**Causes, the first one first**")
        for place, finding in enumerate(report.findings, start=1):
            _finding(place, finding)
    if report.tried:
        st.markdown("**Tried on copies, in turns with the model as it is**")
        if any(each.after_ms is not None for each in report.tried):
            st.plotly_chart(tried_figure(report.tried), key="_why_tried")
        rows = [
            {
                "change": each.title,
                "before": each.before_ms,
                "after": each.after_ms,
                "outputs differ by": each.difference,
                "result": each.shown,
            }
            for each in report.tried
        ]
        config = {name: st.column_config.NumberColumn(format="%.4g ms") for name in ("before", "after")}
        error = {
            "outputs differ by": st.column_config.NumberColumn(
                format="%.1e", help="largest difference / largest output"
            )
        }
        st.dataframe(rows, hide_index=True, column_config={**config, **error})
    if report.kernels:
        st.markdown("**What ran: own time of operations and kernels in one pass**")
        st.plotly_chart(kernels_figure(report.kernels), key="_why_kernels")
    if report.layers:
        st.markdown("**Layers that were multiplied**")
        _layers(report)


def _headline(report: ShownReport) -> None:
    timed = report.total_ms > 0
    with st.container(horizontal=True, gap="medium"):
        st.metric("One forward pass", ms_shown(report.total_ms) if timed else "not timed", width="content")
        st.metric("Time in pruned layers", share_shown(report.share) if timed else "not timed", width="content")
        bound = f"{min(1 / max(1 - report.share, 1e-6), 999):.2f}x" if timed else "not timed"
        st.metric("At most, if they took none", bound, width="content")
    threads = f", {report.threads} threads" if report.threads is not None else ""
    busy = "; other programs used the processor meanwhile" if report.is_busy else ""
    st.text(f"Target {report.target}" + (f", on {report.device}{threads}{busy}" if report.device else ""))


def _finding(place: int, finding: ShownFinding) -> None:
    with st.container(border=True):
        gain = f" · at most {finding.gain:.2f}x" if finding.gain is not None and finding.gain >= 1.005 else ""
        basis = _BASIS.get(finding.basis, finding.basis)
        st.markdown(f"**{place}. {literal(finding.title)}**{gain}  \n{literal(finding.sentence)}")
        if finding.lines:
            st.markdown("\n".join(f"- {literal(line)}" for line in finding.lines))
        st.markdown(f"**Cure.** {literal(finding.cure)}")
        st.caption(literal(basis[:1].upper() + basis[1:]) + ".")


def _layers(report: ShownReport) -> None:
    st.dataframe(
        [
            {
                "layer": layer.name,
                "weight": f"{layer.shape[0]} x {layer.shape[1]}",
                "kept": layer.density,
                "positions": layer.positions,
                "time": layer.ms,
                "type": layer.dtype,
                "run by": layer.runs,
            }
            for layer in report.layers
        ],
        hide_index=True,
        column_config={
            "kept": st.column_config.NumberColumn(format="percent"),
            "time": st.column_config.NumberColumn(format="%.4g ms"),
        },
    )
