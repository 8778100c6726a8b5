"""Is a file what it claims to be? Strict patterns, layer by layer and along each axis, with what chance gives beside them."""

from sparselab.audit.auditing import audit, audit_ticket
from sparselab.audit.claim import Claim, parse_claim
from sparselab.audit.findings import Finding, PatternBreak
from sparselab.audit.layer_results import LayerAudit
from sparselab.audit.results import Audit

__all__ = ["Audit", "Claim", "Finding", "LayerAudit", "PatternBreak", "audit", "audit_ticket", "parse_claim"]
