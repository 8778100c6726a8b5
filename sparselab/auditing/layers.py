"""Every pattern, counted in every layer of a file, one layer at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from sparselab.auditing.bits import Axis, MaskBits
from sparselab.auditing.claim import Claim, parse_claim
from sparselab.auditing.counting import count_layer
from sparselab.auditing.findings import Finding, find, no_pattern
from sparselab.auditing.heads import heads_of
from sparselab.auditing.layer_results import LayerAudit
from sparselab.auditing.patterns import PATTERNS, Pattern
from sparselab.auditing.patterns.heads import WholeHeads
from sparselab.auditing.results import Audit
from sparselab.core.errors import FileError, LimitError, SparselabError
from sparselab.core.ticket import FoundLayer, Skipped, Ticket
from sparselab.formats.opening import Source, open_ticket
from sparselab.runtime.progress import SILENT, Monitor


def audit(source: Source, claim: str | None = None) -> Audit:
    """Return which patterns the masks of a file, a model or arrays fulfil, layer by layer: whether it is what it claims to be.

    Without a claim every usual pattern is looked for, and the answer ranks what holds by how rarely chance would give it.

    Args:
        source: what `sparselab.open` takes: a file, the folder of a model, a torch module, a state_dict, an array.
        claim: such as "2:4" (at most, along the inputs), "exactly 2:4 out", "64:2:8", "16x16", "rows", "none".

    Raises: SettingError for a claim that names no pattern, and what `sparselab.open` raises.
    Example: >>> import numpy as np
             >>> found = audit({"fc.weight": np.tile([[0.5, 0, 0.5, 0]], (8, 4))}, "2:4")
             >>> found.holds, found.sentence
             (True, '2:4: holds in its one layer')
    """
    said = None if claim is None else parse_claim(claim)
    return audit_ticket(open_ticket(source), said)


def audit_ticket(
    ticket: Ticket, claim: Claim | None = None, *, only: tuple[str, ...] = (), monitor: Monitor = SILENT
) -> Audit:
    """Return the audit of a ticket, one layer in memory at a time. only: names of layers, * and ? as in names of files; none: all.

    A layer that cannot be read, for NaN and infinite weights or for want of memory, is among the skipped. Raises: its error where
    no other is left; SparselabError where `only` names none; Cancelled.
    """
    entries = [entry for entry in ticket.entries if not only or any(fnmatchcase(entry.name, each) for each in only)]
    if not entries:
        raise SparselabError(f"expected the name of a layer, such as {ticket.names[0]}; got {', '.join(only)}")
    config = ticket.meta.get("config", {})
    layers: list[LayerAudit] = []
    failed: dict[str, SparselabError] = {}
    for done, entry in enumerate(entries):
        monitor.progress(f"auditing {entry.name}", done, len(entries))
        try:
            layers.append(audit_layer(entry, claim, config))
        except (FileError, LimitError) as error:
            failed[entry.name] = error
    if failed and not layers:
        raise next(iter(failed.values()))
    skipped = (*ticket.skipped, *(Skipped(name, str(error)) for name, error in failed.items()))
    text = None if claim is None else claim.text
    return Audit(tuple(layers), skipped, text, tuple(ticket.meta.get("notes", ())))


def audit_layer(entry: FoundLayer, claim: Claim | None, config: Mapping[str, str]) -> LayerAudit:
    """Return the audit of one layer, which is loaded and let go again. Raises: FileError for numbers that are none."""
    stored = entry.stored()
    counted = count_layer(entry.name, stored, entry.tensor_shape, entry.groups)
    dtype = stored.kind
    del stored  # the numbers have gone into bits, an eighth of a byte each
    bits, kernel = counted.bits, entry.tensor_shape[2:]
    heads = heads_of(entry, config)
    findings = [
        find(pattern, bits, axis, strict=strict, kernel=kernel)
        for pattern, axis, strict in _looked_for(bits, heads, claim)
    ]
    findings.append(no_pattern(findings))
    return LayerAudit(
        name=entry.name,
        shape=entry.tensor_shape,
        dtype=dtype,
        density=bits.count / bits.size,
        negative_zeros=counted.negative_zeros,
        denormals=counted.denormals,
        findings=tuple(findings),
        claimed=None if claim is None else _claimed(findings, claim),
    )


def _looked_for(
    bits: MaskBits, heads: tuple[Axis, WholeHeads] | None, claim: Claim | None
) -> Iterator[tuple[Pattern, Axis | None, bool]]:
    """Yield the usual patterns that fit into the layer, and what is claimed whether it does or not."""
    claimed = None if claim is None or isinstance(claim.pattern, WholeHeads) else claim.pattern
    usual = [pattern for kind in PATTERNS.values() for pattern in kind.usual()]
    for pattern in dict.fromkeys([*([] if claimed is None else [claimed]), *usual]):
        for axis in pattern.axes:
            if pattern == claimed or pattern.fits(bits.along(axis or "in")):
                for strict in pattern.stricts:
                    yield pattern, axis, strict
    if heads is not None:
        yield heads[1], heads[0], True


def _claimed(findings: list[Finding], claim: Claim) -> Finding | None:
    name = "none" if claim.pattern is None else claim.pattern.name
    same = (
        finding
        for finding in findings
        if (finding.pattern, finding.strict) == (name, claim.strict) and claim.axis in (None, finding.axis)
    )
    return next(same, None)
