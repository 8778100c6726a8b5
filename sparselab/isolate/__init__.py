"""Run functions in spawned, limited worker processes."""

from sparselab.isolate.frames import GIB, Limits
from sparselab.isolate.worker import Task, Worker, WorkerError, run_isolated

__all__ = ["GIB", "Limits", "Task", "Worker", "WorkerError", "run_isolated"]
