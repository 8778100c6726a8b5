"""A desk where only the latest request counts: what a person asks for by turning knobs."""

from __future__ import annotations

from sparselab.runtime.broker.broker import Broker
from sparselab.runtime.broker.job import Job
from sparselab.runtime.broker.request import Request


class Latest:
    """One session's latest question. Asking for something new gives up what was asked before."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._name: str | None = None
        self._job: Job | None = None

    def ask(self, name: str, request: Request) -> Job:
        """Return the job of the question called `name`, put in the queue now unless it is the latest."""
        if self._job is not None and self._name == name:
            return self._job
        self.cancel()
        self._name, self._job = name, self._broker.submit(request)
        return self._job

    def cancel(self) -> None:
        """Give up the latest question."""
        if self._job is not None:
            self._job.cancel()

    def forget(self) -> None:
        """Let the next question start anew, even under the name of the latest."""
        self._name = None
