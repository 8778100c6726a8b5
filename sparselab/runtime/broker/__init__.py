"""The broker of work: the one place of the app that starts processes. Who asks waits in a fair queue."""

from sparselab.runtime.broker.broker import Broker
from sparselab.runtime.broker.job import Job
from sparselab.runtime.broker.latest import Latest
from sparselab.runtime.broker.listing import JobList
from sparselab.runtime.broker.request import Call, Rank, Request

__all__ = ["Broker", "Call", "Job", "JobList", "Latest", "Rank", "Request"]
