"""The audit of some layers of a file in a worker, and its answer as plain values, which are what a worker may send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sparselab.auditing.claim import parse_claim
from sparselab.auditing.findings import Finding, PatternBreak
from sparselab.auditing.layer_results import LayerAudit
from sparselab.auditing.layers import audit_layer
from sparselab.core.errors import Cancelled, SparselabError
from sparselab.formats.options import ReadOptions
from sparselab.formats.reading import read_ticket
from sparselab.runtime.progress import SILENT, Monitor


def audited_part(
    path: str, layer_names: Sequence[str], claim: str | None, options: ReadOptions, *, monitor: Monitor = SILENT
) -> list[dict[str, Any]]:
    """Return for every layer its audit as plain values, which `layer_of_plain` reads, or {"error"} in words."""
    said = None if claim is None else parse_claim(claim)
    ticket = read_ticket(path, options)
    found: list[dict[str, Any]] = []
    for name in layer_names:
        monitor.progress(f"auditing {name}", len(found), len(layer_names))
        try:
            found.append(asdict(audit_layer(ticket.found(name), said, ticket.meta.get("config", {}))))
        except Cancelled:
            raise
        except SparselabError as error:
            found.append({"error": str(error)})
    return found


def layer_of_plain(values: Mapping[str, Any]) -> LayerAudit:
    """Return the layer that plain values stand for: what `dataclasses.asdict` makes of one."""
    findings = tuple(map(_finding, values["findings"]))
    claimed = None if values["claimed"] is None else _finding(values["claimed"])
    return LayerAudit(**{**values, "shape": tuple(values["shape"]), "findings": findings, "claimed": claimed})


def _finding(values: Mapping[str, Any]) -> Finding:
    at = values["first_break"]
    first = None if at is None else PatternBreak(tuple(at["index"]), at["found"])
    return Finding(**{**values, "first_break": first})
