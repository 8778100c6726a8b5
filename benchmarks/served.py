"""The app as a process of its own, and what is watched of it from outside: health, memory, what it leaves behind."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import psutil

from sparselab.core.paths import CACHE_VARIABLE, DATA_VARIABLE

ROOT = Path(__file__).resolve().parent.parent
_HEALTH_SECONDS = 0.25
_HEALTH_TIMEOUT = 60.0
_MEMORY_SECONDS = 1.0
_START_SECONDS = 120.0
_END_SECONDS = 60.0


class ServedApp:
    """A server of the app and its process tree, with a data folder and a folder for temporary files of its own."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], port: int) -> None:
        self.address = f"http://localhost:{port}"
        self._temporary = folder / "tmp"
        self._cache = folder / "cache"
        self._process = process
        processes = multiprocessing.get_context("spawn")
        self._ended = processes.Event()
        self._worst = processes.Array("d", [0.0, 0.0])
        self.memory: list[tuple[float, int]] = []
        # In a process of its own, because this one is busy being the visitors.
        asker = processes.Process(target=_ask_health, args=(self.address, self._ended, self._worst), daemon=True)
        self._watchers = (asker, threading.Thread(target=self._weigh, daemon=True))

    def watch(self) -> None:
        """Begin to ask for its health and to weigh it."""
        for watcher in self._watchers:
            watcher.start()

    def unwatch(self) -> None:
        """End what `watch` began."""
        self._ended.set()
        for watcher in self._watchers:
            watcher.join()

    @property
    def health_worst(self) -> tuple[float, float]:
        """The seconds that the slowest answer of the health check took, and the moment of `time.monotonic` when it came."""
        return self._worst[0], self._worst[1]

    @property
    def peak_bytes(self) -> int:
        """The most that the sum of the resident memory of its processes was; memory that they share counts in each."""
        return max((size for _, size in self.memory), default=0)

    def mean_bytes(self, since: float, until: float) -> float:
        """Return the mean memory between two moments of `time.monotonic`."""
        sizes = [size for moment, size in self.memory if since <= moment < until]
        return sum(sizes) / len(sizes) if sizes else 0.0

    def cpu_seconds(self) -> tuple[float, float]:
        """Return the processor's seconds that the server itself has taken, and those of its processes: they do not depend on the load."""
        server = psutil.Process(self._process.pid).cpu_times()
        others = server.children_user + server.children_system
        for worker in self.workers():
            with contextlib.suppress(psutil.Error):
                times = worker.cpu_times()
                others += times.user + times.system
        return server.user + server.system, others

    def workers(self) -> list[psutil.Process]:
        """Return the processes that the server has started and that still are."""
        try:
            found: list[psutil.Process] = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return found

    def visitors_folders(self) -> list[Path]:
        """Return the folders of visitors that still are."""
        return [path for path in self._temporary.glob("sparselab-*/*/*") if path.is_dir()]

    def answers(self) -> int:
        """Return how many answers of Explore it has stored: one for each question, unless the folder was lost."""
        return len(list(self._cache.glob("**/*.result")))

    def terminate(self) -> tuple[float, int, int]:
        """Send SIGTERM and wait; return the seconds to its end, the processes that outlive it, and the files it leaves."""
        workers = self.workers()
        began = time.perf_counter()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _, alive = psutil.wait_procs(workers, timeout=max(0.0, _END_SECONDS - (time.perf_counter() - began)))
        seconds = time.perf_counter() - began
        left = list(self._temporary.glob("sparselab-*/*"))
        for process in alive:
            process.kill()
        return seconds, len(alive), len(left)

    def kill(self) -> None:
        for process in self.workers():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _weigh(self) -> None:
        while not self._ended.wait(_MEMORY_SECONDS):
            total = 0
            for process in (psutil.Process(self._process.pid), *self.workers()):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
            self.memory.append((time.monotonic(), total))


def _nothing(_folder: Path) -> dict[str, str]:
    return {}


@contextmanager
def served_app(prepare: Callable[[Path], dict[str, str]] = _nothing) -> Iterator[ServedApp]:
    """Serve the app at a free port until the end of the block, which may end it earlier.

    prepare: is told the folder of the server's own files (data, cache, tmp), before it starts; returns what to add to its environment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sparselab.app.server", "run", "app.py"]
    options = ["--server.headless=true", f"--server.port={port}"]
    with tempfile.TemporaryDirectory(prefix="sparselab-serving-") as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        own = {
            DATA_VARIABLE: str(folder / "data"),
            CACHE_VARIABLE: str(folder / "cache"),
            "TMPDIR": str(folder / "tmp"),
        }
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [*command, *options],
                cwd=ROOT,
                env={**os.environ, **own, **prepare(folder)},
                stdout=log,
                stderr=log,
            )
        app = ServedApp(folder, process, port)
        try:
            _await(app, process, folder / "log.txt")
            yield app
            sys.stderr.write((folder / "log.txt").read_text(encoding="utf-8", errors="replace")[-4000:])
        finally:
            app.kill()


def _ask_health(address: str, ended: Event, worst: MutableSequence[float]) -> None:
    while not ended.wait(_HEALTH_SECONDS):
        began = time.perf_counter()
        with contextlib.suppress(OSError):  # a time-out is as bad as it took
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=_HEALTH_TIMEOUT).close()
        if (seconds := time.perf_counter() - began) > worst[0]:
            worst[:] = seconds, time.monotonic()


def _await(app: ServedApp, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{app.address}/_stcore/health", timeout=5).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(log.read_text(encoding="utf-8", errors="replace")) from None
            time.sleep(0.1)
