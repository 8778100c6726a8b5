"""A sweep is run: what is not done yet goes to an executor, what comes back goes into the folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from sparselab.core.errors import Cancelled, SettingError
from sparselab.runtime.results import ResultStore
from sparselab.workflows.known_runs import found_point, keep_run
from sparselab.workflows.sweeps.executors import Executor
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.plan import Plan
from sparselab.workflows.sweeps.point import PlannedPoint, reason_of
from sparselab.workflows.sweeps.standing import Origins, Standing, Waiting
from sparselab.workflows.tasks import other_packages


@dataclass(frozen=True)
class Shard:
    """Every `count`-th point of a plan, from the `number`-th on: 1 to count. Shards share no point, and together have all."""

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise SettingError(f"shard: expected I/N with I from 1 to N; got {self.number}/{self.count}")

    def of(self, plan: Plan) -> Iterator[PlannedPoint]:
        """Yield its points."""
        return islice(plan.points(), self.number - 1, None, self.count)


def run_sweep(
    plan: Plan,
    folder: SweepFolder,
    executor: Executor,
    *,
    shard: Shard | None = None,
    retry_failed: bool = False,
    store: ResultStore | None = None,
    report: Callable[[Standing], None] = lambda _standing: None,
) -> Standing:
    """Compute what the folder does not hold yet of a plan, or of a shard of it; every result is written when it comes.

    Whatever order, however often, and wherever it was stopped before, the results are the same files, byte for byte.
    store: answers that were computed before, by pages or other sweeps; what is computed here is put in too.
    report: told how far it is, after every result, and what it waits for, which the folder says as well. retry_failed: tasks without a result are tried again.
    Raises: SettingError for another plan than the folder's, FileError where it cannot be written, what the executor raises.
    """
    shard = shard or Shard()
    folder.begin(plan)
    mine = {point.digest for point in shard.of(plan)}
    if retry_failed:
        folder.forget_failures(mine)
    done, failed = folder.done(), folder.without_result()
    known = store if plan.of_kind.is_shared and not other_packages() else None
    progress = _Progress(len(done & mine), len(failed & mine), len(mine), report)

    def missing() -> Iterator[PlannedPoint]:
        for point in shard.of(plan):
            if point.digest in done:
                continue
            done.add(point.digest)
            if known is not None and (answer := found_point(known, point.task)) is not None:
                folder.put(point, _of_store(answer), is_cached=True)
                progress.add(is_failed=False, is_computed=False)
            else:
                yield replace(point, workplace=folder.workplace(point)) if plan.of_kind.has_workplace else point

    progress.tell()
    try:
        for found in executor(missing()):
            if isinstance(found, Waiting):
                folder.tell_waiting(found.reason)
                progress.wait(found.reason)
                continue
            point, outcome = found
            if isinstance(outcome, Cancelled):
                continue
            if isinstance(outcome, Exception):
                folder.put(point, {"failure": reason_of(outcome)})
            else:
                folder.put(point, outcome)
                if known is not None and "result" in outcome:
                    keep_run(known, point.task, outcome["result"], outcome.get("layout"))
            progress.add(is_failed=isinstance(outcome, Exception) or "result" not in outcome)
    finally:
        folder.tell_waiting("")
    return progress.standing


def standing_of(plan: Plan, folder: SweepFolder, shard: Shard | None = None) -> Standing:
    """Return how far a sweep is, or a shard of it; computes nothing. What has no result counts as done and failed."""
    done, mine = folder.done(), {point.digest for point in (shard or Shard()).of(plan)}
    failed = folder.without_result()
    origins = folder.origins(done & mine - failed)
    return Standing(len(done & mine), len(failed & mine), len(mine), origins=origins, waits=folder.waiting())


class _Progress:
    def __init__(self, done: int, failed: int, total: int, report: Callable[[Standing], None]) -> None:
        self.standing = Standing(done, failed, total, origins=Origins(before=done - failed))
        self._report = report
        self._computed = 0
        self._since = time.monotonic()
        self._lock = threading.Lock()  # an executor may ask for points in a thread of its own

    def add(self, *, is_failed: bool, is_computed: bool = True) -> None:
        with self._lock:
            self._computed += is_computed
            if (
                is_computed and self._computed == 1
            ):  # from the first result on: before it processes start, which says nothing of the rest
                self._since = time.monotonic()
            before = self.standing
            done, failed = before.done + 1, before.failed + is_failed
            each = (time.monotonic() - self._since) / (self._computed - 1) if self._computed > 1 else None
            left = None if each is None else each * (before.total - done)
            self.standing = Standing(done, failed, before.total, left, self._origins(is_failed, is_computed))
            self.tell()

    def wait(self, reason: str) -> None:
        with self._lock:
            self.standing = replace(self.standing, waits=reason)
            self.tell()

    def _origins(self, is_failed: bool, is_computed: bool) -> Origins:
        before = self.standing.origins
        if is_failed:
            return before
        return replace(before, **({"computed": before.computed + 1} if is_computed else {"cached": before.cached + 1}))

    def tell(self) -> None:
        self._report(self.standing)


def _of_store(answer: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in answer["report"].items() if name != "seconds"}
    return {"result": {"report": told, "chance": answer["chance"]}, "seconds": {}}
