"""A sweep's points on a cluster of Dask distributed: pip install "sparselab-structure[cluster]"."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparselab.core.errors import SparselabError, UnavailableError
from sparselab.workflows.sweeps.compute import arguments_of, compute
from sparselab.workflows.sweeps.kinds import kind_of
from sparselab.workflows.sweeps.point import PlannedPoint, this_code
from sparselab.workflows.sweeps.scheduler_address import answers, check_address, check_certificates, check_protocol
from sparselab.workflows.sweeps.standing import Waiting

if TYPE_CHECKING:
    from distributed import Client, Worker, as_completed

Outcome = tuple[PlannedPoint, dict[str, Any] | Exception]
"""A point, and what `point.compute` returned or raised."""

_PATIENCE_SECONDS = 60.0
"""How long a scheduler may be away, from its start or after a loss, before the sweep ends."""

_FIRST_CONNECT_SECONDS, _CONNECT_SECONDS = 2.0, 5.0
"""How long a connection may take: the first is short, because after one that fails it is seen whether the address can be right."""

_LOOK_SECONDS = 2.0
"""How long no result may come before it is seen whether there are workers, and how often from then on."""

_HEARD_SECONDS = 0.1
_AHEAD = 4
"""Points sent ahead, for every thread of the cluster: so few are lost with a scheduler, and so little is held."""


class _LostError(Exception):
    """The scheduler has gone, and with it what was sent."""


@dataclass(frozen=True)
class OnDask:
    """The workers of a Dask scheduler; the results come back here, and are written here.

    A worker that dies costs nothing: the scheduler gives its points to another. A scheduler that is lost is waited for, and what
    was sent to it is sent again.
    """

    address: str
    patience: float = _PATIENCE_SECONDS

    def __call__(self, points: Iterable[PlannedPoint]) -> Iterator[Outcome | Waiting]:
        waiting, rest = deque[PlannedPoint](), iter(points)
        with _silent():
            while True:
                try:
                    yield from self._through(waiting, rest)
                    return
                except _LostError:  # `waiting` holds what was sent
                    continue

    def _through(self, waiting: deque[PlannedPoint], rest: Iterator[PlannedPoint]) -> Iterator[Outcome | Waiting]:
        from distributed import as_completed

        client = yield from self._connect()
        sent: dict[str, PlannedPoint] = {}
        try:
            _check_workers(client)
            completed = as_completed(with_results=True, raise_errors=False, loop=client.loop)
            while True:
                ahead = _AHEAD * max(2, sum(client.nthreads().values()))
                while len(sent) < ahead and (point := waiting.popleft() if waiting else next(rest, None)):
                    resource = kind_of(point.task).resource
                    if resource and not sent:
                        check_resource(resource, client.run(_offered))
                    needs = {"resources": {resource: 1}} if resource else {}
                    key = f"sparselab-{point.digest}"
                    future = client.submit(compute, *arguments_of(point), key=key, pure=False, **needs)
                    sent[future.key] = point
                    completed.add(future)
                if not sent:
                    return
                yield from self._until_ready(client, completed)
                for future, value in completed.next_batch():
                    if future.status not in ("finished", "error"):
                        raise _LostError
                    yield sent.pop(future.key), value if future.status == "finished" else value[1]
        except (OSError, TimeoutError) as error:  # CommClosedError is one
            raise _LostError from error
        finally:
            waiting.extendleft(sent.values())
            with contextlib.suppress(OSError, TimeoutError):
                client.close(timeout=_CONNECT_SECONDS)

    def _until_ready(self, client: Client, completed: as_completed) -> Iterator[Waiting]:
        """Wait for the next result; where there are no workers to send one, say so."""
        looked, is_waiting = time.monotonic(), False
        while not completed.has_ready():
            with completed.thread_condition:
                completed.thread_condition.wait(_HEARD_SECONDS)
            if time.monotonic() - looked < _LOOK_SECONDS:
                continue
            is_told, is_waiting = is_waiting, not client.nthreads()
            if is_waiting:
                settings = " (DASK_CONFIG set as here)" if self.address.startswith("tls:") else ""
                yield Waiting(
                    f"no workers on {self.address}; start one with: dask worker {self.address} --nthreads 1{settings}"
                )
            elif is_told:
                yield Waiting("")
            looked = time.monotonic()
        if is_waiting:
            yield Waiting("")

    def _connect(self) -> Generator[Waiting, None, Client]:
        from distributed import Client
        from distributed.comm.core import FatalCommClosedError

        until = time.monotonic() + self.patience
        seconds = _FIRST_CONNECT_SECONDS
        while True:
            try:
                client = Client(self.address, timeout=seconds, set_as_default=False)
                break
            except FatalCommClosedError:  # no wait mends it
                check_protocol(self.address)
                raise UnavailableError(
                    f"expected at {self.address} a scheduler whose certificate our authority signed, and that takes ours; got another: give "
                    "all machines the same ca-file"
                ) from None
            except (OSError, TimeoutError) as error:
                check_protocol(self.address)
                if time.monotonic() > until:
                    got = f"none for {self.patience:.0f} s ({error}): start it, and the same command goes on"
                    if answers(self.address):
                        got = f"something else for {self.patience:.0f} s, which answers there ({error}): is it another program?"
                    raise UnavailableError(f"expected a Dask scheduler at {self.address}; got {got}") from error
            yield Waiting(
                f"no Dask scheduler answers at {self.address} yet; it is waited for, {self.patience:.0f} s in all"
            )
            time.sleep(0.2)
            seconds = _CONNECT_SECONDS
        if seconds != _FIRST_CONNECT_SECONDS:
            yield Waiting("")
        return client


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask's tracebacks of a lost connection from the terminal: it is waited for, and a loss for good is said in a sentence."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def on_dask(address: str) -> OnDask:
    """Return the executor for a scheduler. Raises: SettingError for an address where strangers could send code, or for TLS without
    certificates; UnavailableError where Dask is not installed.
    """
    check_address(address)
    try:
        import distributed  # noqa: F401 - said now, and not after the files were read
    except ImportError:
        raise UnavailableError(
            "expected Dask distributed for a scheduler; it is not installed: pip install 'sparselab-structure[cluster]'"
        ) from None
    if address.startswith("tls:"):
        check_certificates()
    return OnDask(address)


def _check_workers(client: Client) -> None:
    """Raises: UnavailableError where a worker lacks this package, or has another version of it. Those who come later say so themselves."""
    for worker, found in client.run(this_code, on_error="return").items():
        if isinstance(found, Exception):
            said = str(found) if isinstance(found, SparselabError) else f"{type(found).__name__}: {found}"
            raise UnavailableError(f"expected sparselab on the worker {worker}; got {said}: install it there")
        if found != this_code():
            raise UnavailableError(
                f"expected sparselab {this_code()} on the worker {worker}; got {found}: install the same one there"
            )


def _offered(dask_worker: Worker) -> dict[str, Any]:
    """Return, on a worker, its machine's name and the resources that it offers."""
    return {"host": socket.gethostname(), "resources": dict(dask_worker.state.total_resources)}


def check_resource(name: str, workers: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises: UnavailableError unless some worker offers the resource, one machine once: tasks that need it share no machine.

    workers: by address, the host and the resources of each.
    Example: >>> check_resource("timing", {"tls://a:1": {"host": "a", "resources": {"timing": 1}}, "tls://a:2": {"host": "a", "resources": {}}})
    """
    hosts = [each["host"] for each in workers.values() for _ in range(int(each["resources"].get(name, 0)))]
    shared = next((host for host in hosts if hosts.count(host) > 1), None)
    if hosts and shared is None:
        return
    got = "none" if shared is None else f"several on {shared}"
    raise UnavailableError(
        f"expected on each machine one worker that offers {name}, for what no other task may run beside; got {got}: start there one "
        f'`dask worker ADDRESS --nworkers 1 --nthreads 1 --resources "{name}=1"`'
    )
