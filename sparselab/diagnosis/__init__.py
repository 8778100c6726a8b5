"""Why a pruned model is not faster: evidence gathered once, causes that read it, cures tried and timed.

Nothing here loads torch: `doctor.doctor` does, which is `sparselab.doctor`.
"""

from sparselab.diagnosis.causes import CAUSES, Cause, Explanation, diagnose
from sparselab.diagnosis.evidence import TARGETS, Evidence, LayerEvidence
from sparselab.diagnosis.report import Diagnosis, Tried

__all__ = ["CAUSES", "TARGETS", "Cause", "Diagnosis", "Evidence", "Explanation", "LayerEvidence", "Tried", "diagnose"]
