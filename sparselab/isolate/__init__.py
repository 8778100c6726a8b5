"""Run functions in spawned, limited worker processes."""

from sparselab.isolate.frames import GIB, Limits
from sparselab.isolate.worker import Worker, WorkerError, WorkerTask, run_isolated

__all__ = ["GIB", "Limits", "Worker", "WorkerError", "WorkerTask", "run_isolated"]
