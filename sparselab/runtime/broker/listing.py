"""A list of calls on the broker, with results as they come."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from sparselab.core.errors import SparselabError
from sparselab.runtime.broker.broker import Broker
from sparselab.runtime.broker.job import Job
from sparselab.runtime.broker.request import Call, Rank, Request
from sparselab.runtime.pipes import Limits
from sparselab.runtime.progress import Progress


class JobList:
    """The list of calls that one session works on; `collect` fetches what is done.

    A call that fails leaves its exception as its result, so that one bad layer does not end the rest.
    """

    def __init__(self, broker: Broker, owner: str) -> None:
        self._broker = broker
        self._owner = owner
        self._jobs: dict[int, Job] = {}
        self.key: str | None = None
        self.total = 0
        self.is_alone = False
        self.results: dict[int, Any] = {}

    def start(
        self,
        key: str,
        calls: Sequence[Call],
        limits: Limits | None = None,
        *,
        is_alone: bool = False,
        is_public: bool = False,
    ) -> None:
        """Put a new list of calls in the queue, unless `key` is the one at work; what is left of another is given up.

        is_public: the calls are of nobody's secret: computed once for all who ask under the same `key`.
        limits: of each call; one thread where none are given, because the list is what uses the processors.
        """
        if self.key == key:
            return
        self.cancel()
        self.key, self.total, self.is_alone, self.results = key, len(calls), is_alone, {}
        self._jobs = {
            place: self._broker.submit(
                Request(
                    owner=self._owner,
                    call=call,
                    rank=Rank.LIST,
                    limits=limits or Limits(threads=1),
                    is_alone=is_alone,
                    key=f"{key}|{place}" if is_public else "",
                )
            )
            for place, call in enumerate(calls)
        }

    def collect(self) -> None:
        """Fetch the results of the calls that are done."""
        for place in [place for place, job in self._jobs.items() if job.done]:
            try:
                self.results[place] = self._jobs.pop(place).result()
            except Exception as error:
                self.results[place] = error
                if not isinstance(error, SparselabError):
                    print(error, file=sys.stderr, flush=True)  # a defect of ours: the operator's log says where

    @property
    def is_busy(self) -> bool:
        return bool(self._jobs)

    @property
    def progress(self) -> Progress | None:
        """Where the call that has run longest stands."""
        return next((job.progress for job in self._jobs.values() if job.progress is not None), None)

    @property
    def ahead(self) -> int | None:
        """How many computations come before the first of these; None once one has begun."""
        places = [job.ahead for job in self._jobs.values()]
        return None if not places or None in places else min(place for place in places if place is not None)

    def cancel(self) -> None:
        """Give up what is not done; the results so far stay."""
        self.collect()
        for job in self._jobs.values():
            job.cancel()
        self._jobs = {}
