"""The worker's side: take tasks from standard input, answer on what was standard output."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from dataclasses import asdict
from typing import IO, Any

from sparselab.core import plugins
from sparselab.core.errors import SparselabError
from sparselab.runtime import messages
from sparselab.runtime.limiting import limit_from_start, limited
from sparselab.runtime.pipes import GIB, Limits, read_frame, write_frame
from sparselab.runtime.progress import Monitor, Progress


def serve() -> None:
    """The worker's main loop: read tasks from standard input, answer on what was standard output."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C goes to every process of a terminal; it is the parent that ends this one
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    sys.stdout = sys.stderr
    plugins.say_nothing()
    start = json.loads(sys.argv[1])
    for name in start["imports"]:
        importlib.import_module(name)
    limit_from_start()

    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    cancelled: set[int] = set()

    def listen() -> None:
        while (frame := read_frame(sys.stdin.buffer)) is not None:
            message = pickle.loads(frame)  # noqa: S301 - from our own parent
            if "cancel" in message:
                cancelled.add(message["cancel"])
            else:
                tasks.put(message)
        os._exit(0)  # the parent is gone

    threading.Thread(target=listen, daemon=True).start()
    while True:
        _answer(tasks.get(), answers, cancelled)


def _answer(message: dict[str, Any], answers: IO[bytes], cancelled: set[int]) -> None:
    number, limits = message["number"], Limits(**message["limits"])
    last_report = 0.0

    def report(progress: Progress) -> None:
        nonlocal last_report
        now = time.monotonic()
        if now - last_report >= 0.05 or progress.done == 0:
            last_report = now
            answer = {"number": number, "kind": "progress", **asdict(progress)}
            write_frame(answers, messages.dump(answer))

    try:
        module, _, qualname = message["function"].partition(":")
        function: Any = importlib.import_module(module)
        for part in qualname.split("."):
            function = getattr(function, part)
        args, kwargs = message["call"]
        with limited(limits):
            value = function(*args, monitor=Monitor(report, lambda: number in cancelled), **kwargs)
        reply = messages.dump({"number": number, "kind": "value", "value": value})
    except SparselabError as error:
        reply = messages.dump({"number": number, "kind": "error", "error": type(error).__name__, "text": str(error)})
    except MemoryError:
        size = "its limit" if limits.memory_bytes is None else f"the {limits.memory_bytes / GIB:.1f} GiB it may use"
        text = f"this needs more memory than {size}"
        reply = messages.dump({"number": number, "kind": "error", "error": "LimitError", "text": text})
    except Exception:
        reply = messages.dump({"number": number, "kind": "error", "error": "", "text": traceback.format_exc()})
    write_frame(answers, reply)
