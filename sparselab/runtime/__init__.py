"""Run functions in spawned, limited worker processes."""

from sparselab.runtime.pipes import GIB, Limits
from sparselab.runtime.worker import Worker, WorkerError, WorkerTask, run_isolated

__all__ = ["GIB", "Limits", "Worker", "WorkerError", "WorkerTask", "run_isolated"]
