"""Is a file what it claims to be? Strict patterns, layer by layer and along each axis, with what chance gives beside them."""

from sparselab.auditing.claim import Claim, parse_claim
from sparselab.auditing.findings import Finding, PatternBreak
from sparselab.auditing.layer_results import LayerAudit
from sparselab.auditing.layers import audit, audit_ticket
from sparselab.auditing.results import Audit

__all__ = ["Audit", "Claim", "Finding", "LayerAudit", "PatternBreak", "audit", "audit_ticket", "parse_claim"]
