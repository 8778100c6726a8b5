"""Many visitors on one server: real WebSocket clients on loopback against the app as `make app` serves it.

    python -m benchmarks.serving --visitors 40 --seconds 60 [--json] [--hog] [--active N] [--note TEXT]

Every visitor arrives at a moment drawn uniformly from `--arrival` seconds, follows a link to the sample `planted` with default
knobs, and `--pause` seconds after the picture stands turns one knob: the odd ones all the same one, the even ones each
another. Then all stay until `--seconds` are over. With `--active N`, N of them turn one knob after the other and the rest only
look on. With `--hog` one more visitor has Compare run on the random sample again and again, and is not counted.

    first       link followed -> mask after and its numbers drawn, the page's script finished without an error
    knob        number changed -> the same
    health      longest answer of /_stcore/health, asked four times a second throughout
    peak_bytes  most resident memory of the server and its processes
    left_...    60 s after all have gone: processes beside the one that stands ready, folders of visitors; then those that outlive SIGTERM

`--json` prints the figures and nothing else on stdout; without it they are added to benchmarks/results/serving.csv.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed

from benchmarks.machine import RESULTS, machine
from benchmarks.served import ServedApp, served_app
from benchmarks.visitor import EvictedError, PageError, Visitor
from sparselab.core.csv_text import read_rows, rows_csv

MOST_VISITORS = 100
MOST_SECONDS = 3600
_LINK = "sample=planted"
_KNOB = "Rows per group"
_SAME_ROWS = 64
_FORGET_SECONDS = 60.0
_PATIENCE_SECONDS = 60.0
"""Who asked before the end is still answered after it: an answer that takes longer is an error."""

_REVEAL, _NEXT = "Reveal without a guess", "Next step"
_COMPARISON = "Table (.csv)"
"""What Compare offers once a comparison is done."""


@dataclass
class Tally:
    """What became of the visitors."""

    arrivals: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    knobs: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    evicted: int = 0
    finished: int = 0
    comparisons: int = 0


async def visit(app: ServedApp, number: int, tally: Tally, args: argparse.Namespace, until: float) -> None:
    """Be visitor `number`: arrive, look, turn knobs, stay."""
    chance = random.Random(number)
    await asyncio.sleep(chance.uniform(0, args.arrival))

    async def look() -> None:
        if args.lesson:
            await _attend(app, tally, args, until)
            return
        async with Visitor(app.address, _LINK) as visitor:
            tally.arrivals.append(time.monotonic())
            tally.first.append(await _seen(visitor, visitor.open(_PATIENCE_SECONDS)))
            is_active = args.active is None or number < args.active
            turns = 0
            while is_active and (not turns or args.active is not None) and time.monotonic() + args.pause < until:
                await asyncio.sleep(args.pause)
                turning = visitor.turn(_KNOB, knob_of(number, turns), _PATIENCE_SECONDS)
                tally.knobs.append(await _seen(visitor, turning))
                turns += 1
            tally.finished += bool(turns) or not is_active
            await asyncio.sleep(max(0.0, until - time.monotonic()))

    await _told(look, tally)


async def _attend(app: ServedApp, tally: Tally, args: argparse.Namespace, until: float) -> None:
    """Follow the link of a lesson; reveal and go on, one press a pause, to its end."""
    async with Visitor(app.address, f"lesson={args.lesson}", page="learn") as visitor:
        tally.arrivals.append(time.monotonic())
        tally.first.append(await visitor.open(_PATIENCE_SECONDS))
        if not visitor.shows(_REVEAL) and not visitor.shows(_NEXT):
            raise PageError("the page was finished without a lesson")
        while time.monotonic() + args.pause < until and (label := next(filter(visitor.shows, (_REVEAL, _NEXT)), None)):
            await asyncio.sleep(args.pause)
            tally.knobs.append(await visitor.turn(label, True, _PATIENCE_SECONDS))
        tally.finished += 1
        await asyncio.sleep(max(0.0, until - time.monotonic()))


def knob_of(number: int, turn: int) -> int:
    """Return how many rows a group gets: for odd visitors the same, for even ones what nobody asked before."""
    return (_SAME_ROWS if turn % 2 == 0 else _SAME_ROWS // 2) if number % 2 else 65 + (number // 2 + 50 * turn) % 192


async def hog(app: ServedApp, tally: Tally, until: float) -> None:
    """Run Compare on the random sample again and again, each time with a seed of its own."""
    async with Visitor(app.address, "sample=random", page="compare") as visitor:
        with suppress(TimeoutError):
            await visitor.open(until - time.monotonic())
            while visitor.offers(_COMPARISON):
                tally.comparisons += 1
                await visitor.turn("Seed", tally.comparisons, until - time.monotonic())
            raise PageError("the hog's page was finished without a comparison")


async def _seen(visitor: Visitor, answer: Awaitable[float]) -> float:
    seconds = await answer
    if not visitor.has_picture:
        raise PageError("the page was finished without a picture")
    return seconds


async def _told(work: Callable[[], Awaitable[None]], tally: Tally) -> None:
    try:
        await work()
    except EvictedError as error:
        tally.evicted += 1
        tally.errors.append(str(error))
    except TimeoutError:
        tally.errors.append(f"no answer within {_PATIENCE_SECONDS:.0f} s")
    except (PageError, ConnectionClosed, OSError) as error:
        tally.errors.append(f"{type(error).__name__}: {error}")


async def crowd(app: ServedApp, args: argparse.Namespace, tally: Tally) -> None:
    """Let all visitors come and go."""
    until = time.monotonic() + args.seconds
    visits = [visit(app, number, tally, args, until) for number in range(args.visitors)]
    await asyncio.gather(*visits, *([_told(lambda: hog(app, tally, until), tally)] if args.hog else []))


def measure(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures, and further ones."""
    tally = Tally()
    with served_app() as app:
        app.watch()
        began = time.monotonic()
        asyncio.run(crowd(app, args, tally))
        ended = time.monotonic()
        server_cpu, workers_cpu = app.cpu_seconds()
        gone_after = _await_nothing(app)
        processes, folders = max(0, len(app.workers()) - 1), len(app.visitors_folders())
        app.unwatch()
        answers = app.answers()
        seconds, outlived, files = app.terminate()
    third = (ended - began) / 3
    figures = {
        "visitors": args.visitors,
        "started": len(tally.arrivals),
        "arrival_s": _rounded(max(tally.arrivals, default=began) - began),
        "errors": len(tally.errors),
        "evicted": tally.evicted,
        "finished": tally.finished,
        "p50_first_s": _rounded(quantile(tally.first, 0.5)),
        "p95_first_s": _rounded(quantile(tally.first, 0.95)),
        "p95_knob_s": _rounded(quantile(tally.knobs, 0.95)),
        "health_worst_s": _rounded(app.health_worst[0]),
        "peak_bytes": app.peak_bytes,
        "left_processes": processes + outlived,
        "left_folders": folders,
    }
    middle, last = (app.mean_bytes(began + part * third, began + (part + 1) * third) for part in (1, 2))
    more = {
        "memory_growth": _rounded(last / middle - 1) if middle else None,
        "health_worst_at_s": _rounded(app.health_worst[1] - began),
        "answers": answers,
        "comparisons": tally.comparisons,
        "server_cpu_s": _rounded(server_cpu),
        "workers_cpu_s": _rounded(workers_cpu),
        "gone_s": _rounded(gone_after),
        "sigterm_s": _rounded(seconds),
        "sigterm_left_folders": files,
    }
    for text in sorted(set(tally.errors)):
        print(f"{tally.errors.count(text)} x {text}", file=sys.stderr)
    return figures, more


def quantile(seconds: Sequence[float], share: float) -> float | None:
    """Return the least of `seconds` that `share` of them do not exceed; None of none.

    Example: >>> quantile([3.0, 1.0, 2.0, 4.0], 0.5)
             2.0
    """
    return sorted(seconds)[max(0, math.ceil(share * len(seconds)) - 1)] if seconds else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _await_nothing(app: ServedApp) -> float:
    """Wait until nothing is left of the visitors, at most as long as the server may take; return the seconds."""
    began = time.monotonic()
    while time.monotonic() - began < _FORGET_SECONDS and (len(app.workers()) > 1 or app.visitors_folders()):
        time.sleep(0.5)
    return time.monotonic() - began


def _add_row(row: dict[str, Any]) -> None:
    path = RESULTS / "serving.csv"
    rows: list[dict[str, Any]] = list(read_rows(path.read_text(encoding="utf-8"))) if path.is_file() else []
    path.write_text(rows_csv(list(row), [*rows, row]), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=40, choices=range(1, MOST_VISITORS + 1), metavar="N")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--arrival", type=float, default=10.0)
    parser.add_argument("--pause", type=float, default=15.0)
    parser.add_argument("--hog", action="store_true")
    parser.add_argument("--active", type=int)
    parser.add_argument("--lesson", type=int, help="all follow the link of this lesson, and press on through it")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--note", default="")
    args = parser.parse_args()
    if not args.arrival < args.seconds <= MOST_SECONDS:
        parser.error(f"--seconds: expected more than --arrival and at most {MOST_SECONDS}; got {args.seconds:g}")
    return args


def main() -> None:
    args = _arguments()
    figures, more = measure(args)
    print(" ".join(f"{name} {value}" for name, value in more.items()), file=sys.stderr)
    if args.json:
        print(json.dumps(figures))
        return
    how = {"seconds": args.seconds, "hog": args.hog, "active": args.active, "lesson": args.lesson, "note": args.note}
    _add_row(how | figures | more | machine())
    print("  ".join(f"{name} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
