"""Two visitors of one server: does anything of the one ever reach the other?

    python -m benchmarks.foreign_tokens [--actions 2000] [--seed 0]

A server for a room, and two visitors at once, each with files, layers, paths, mistakes, a run and stored measurements of their own. All of
these carry a token in their names and texts. Every message that the server sends to a visitor is searched for the other's token: none may
be found. Each must meet the own token in every kind of thing, or nothing was looked at. Downloads are not fetched.

Prints how many actions there were, the messages and bytes searched, what was met, and what was found; ends with 1 if anything was.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from benchmarks.served import ServedApp, served_app
from benchmarks.visitor import PageError, Visitor
from sparselab.benchmarking.csv_table import stored_results
from sparselab.benchmarking.store import Store
from sparselab.core.paths import ROOTS_VARIABLE
from sparselab.runtime.room import ROOM_VARIABLE
from sparselab.training.runs.folder import write_config
from sparselab.training.runs.paths import RunPaths
from sparselab.training.settings import TrainSettings

_PATIENCE_SECONDS = 600.0
_UPLOADER = "Mask or checkpoint"
_PATH = "Path on this machine"
_ACTS_A_VISIT = 20


@dataclass
class Person:
    """A visitor over several visits. met: how often the own token came, by kind of action; foreign: where the other's did."""

    token: str
    other: str
    folder: Path
    chance: random.Random
    kind: str = ""
    actions: int = 0
    messages: int = 0
    searched: int = 0
    met: Counter[str] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)

    def hear(self, message: bytes) -> None:
        """Search a message that has come."""
        self.messages += 1
        self.searched += len(message)
        self.met[self.kind] += self.token.encode() in message
        self.foreign[self.kind] += self.other.encode() in message

    @property
    def path(self) -> Path:
        return self.folder / self.token / f"{self.token}.npz"

    @property
    def run(self) -> str:
        return self.settings.digest

    @property
    def settings(self) -> TrainSettings:
        return TrainSettings(seed=sum(self.token.encode())).settled()

    def file(self) -> bytes:
        """Return a file that nobody has had before, its layers named by the token."""
        content = io.BytesIO()
        rng = np.random.default_rng(self.chance.getrandbits(32))
        for_layers = {
            f"{self.token}.{name}.weight": rng.random((16, 24)) * (rng.random((16, 24)) < 0.4) for name in "ab"
        }
        np.savez(content, **{name: values.astype(np.float32) for name, values in for_layers.items()})  # type: ignore[arg-type]
        return content.getvalue()


async def upload(visitor: Visitor, person: Person) -> None:
    """Send a file and look at it."""
    await _turn(visitor, person, "Source", ["Upload"])
    await _send(visitor, person, person.file())


async def bad_upload(visitor: Visitor, person: Person) -> None:
    """Send what is no mask, the token in it and in its name."""
    await _turn(visitor, person, "Source", ["Upload"])
    await _send(visitor, person, f"{person.token} ".encode() * person.chance.randrange(1, 100))


async def path(visitor: Visitor, person: Person) -> None:
    """Open the own file on the server by its path."""
    await _turn(visitor, person, "Source", ["Path"])
    await _turn(visitor, person, _PATH, str(person.path))


async def missing(visitor: Visitor, person: Person) -> None:
    """Ask for a file that is not there, or outside of what may be read."""
    await _turn(visitor, person, "Source", ["Path"])
    place = person.chance.choice((person.folder, Path("/etc"))) / person.token / "none.npz"
    await _turn(visitor, person, _PATH, str(place))


async def seed(visitor: Visitor, person: Person) -> None:
    """Ask something new about what is open."""
    await _turn(visitor, person, "Seed", float(person.chance.randrange(1000)))


async def model(visitor: Visitor, person: Person) -> None:
    """Run a transform on all layers of the own file."""
    await path(visitor, person)
    await _go(visitor, person, "model")
    await _turn(visitor, person, "Transform", "n-m")
    await _turn(visitor, person, "Run on all 2 layers", True)


async def compare(visitor: Visitor, person: Person) -> None:
    """Compare on the own file."""
    await path(visitor, person)
    await _go(visitor, person, "compare")


async def elsewhere(visitor: Visitor, person: Person) -> None:
    """Look at another page, whatever is open."""
    await _go(visitor, person, person.chance.choice(("latency", "training", "glossary")))


Act = Callable[[Visitor, Person], Awaitable[None]]
ACTS: Mapping[Act, int] = {upload: 4, path: 4, seed: 6, bad_upload: 2, missing: 2, elsewhere: 2, model: 1, compare: 1}
"""What a visitor does within a visit, and how often."""

MUST_MEET = ("upload", "bad_upload", "path", "missing", "model", "compare", "own run")
"""Where the own token must come: what is never met was not looked at. Stored measurements are shown to who made them alone."""


def links(person: Person) -> dict[str, tuple[str, dict[str, str]]]:
    """Return the pages and addresses with which a visit may begin, by what they are."""
    return {
        "own run": ("training", {"run": person.run, "training_tab": "This run"}),
        "all runs": ("training", {}),
        "measurements": ("latency", {"latency_tab": "Stored results"}),
        "sample": ("", {"sample": "vgg-digits-imp-90", "refine": "false"}),
    }


async def _turn(visitor: Visitor, person: Person, label: str, value: float | str | list[str] | bool) -> None:
    if visitor.shows(label):
        person.actions += 1
        await _told(visitor.turn(label, value, _PATIENCE_SECONDS))


async def _go(visitor: Visitor, person: Person, page: str) -> None:
    person.actions += 1
    await _told(visitor.go(page, _PATIENCE_SECONDS))


async def _send(visitor: Visitor, person: Person, content: bytes) -> None:
    if visitor.shows(_UPLOADER):
        person.actions += 1
        await _told(visitor.upload(_UPLOADER, f"{person.token}.npz", content, _PATIENCE_SECONDS))


async def _told(answer: Awaitable[float]) -> None:
    try:
        await answer
    except PageError:  # a refusal is an answer, and was heard
        return


async def live(app: ServedApp, person: Person, actions: int, acts: Mapping[Act, int]) -> None:
    """Visit again and again until so many actions are done; everything is done once before anything twice."""
    firsts, beginnings = list(acts), list(links(person))
    while person.actions < actions or firsts or beginnings:
        person.kind = beginnings.pop() if beginnings else person.chance.choice(list(links(person)))
        page, query = links(person)[person.kind]
        async with Visitor(app.address, urlencode(query), page, person.hear) as visitor:
            person.actions += 1
            await _told(visitor.open(_PATIENCE_SECONDS))
            if beginnings:
                continue
            for _ in range(max(_ACTS_A_VISIT, len(firsts))):
                act = firsts.pop() if firsts else person.chance.choices(list(acts), list(acts.values()))[0]
                await _go(visitor, person, "")
                person.kind = act.__name__
                await act(visitor, person)


def prepare(persons: list[Person]) -> Callable[[Path], dict[str, str]]:
    """Return what puts the visitors' files, runs and measurements where the server finds them."""

    def prepare(folder: Path) -> dict[str, str]:
        runs = folder / "data" / "runs"
        runs.mkdir(parents=True)
        session = stored_results()[0]
        for person in persons:
            person.folder = folder / "files"
            person.path.parent.mkdir(parents=True)
            person.path.write_bytes(person.file())
            paths = RunPaths(runs / person.run)
            paths.folder.mkdir()
            write_config(paths, person.settings, None, {f"{person.token}.py": person.token})
            paths.output.write_text(f"{person.token} has ended\n", encoding="utf-8")
            told = {**session.about, "layer": person.token}
            Store(folder / "data" / "latency.sqlite3").add(replace(session, about=told))
        return {ROOTS_VARIABLE: str(folder / "files"), ROOM_VARIABLE: "http://localhost/"}

    return prepare


def measure(actions: int, seed: int, acts: Mapping[Act, int] = ACTS) -> list[Person]:
    """Let two visitors do so many actions together, of those in `acts` and of all links; return them."""
    chance = random.Random(seed)
    tokens = [f"t{chance.getrandbits(64):016x}" for _ in range(2)]
    persons = [Person(one, other, Path(), random.Random(one)) for one, other in (tokens, tokens[::-1])]

    async def both(app: ServedApp) -> None:
        await asyncio.gather(*(live(app, person, actions // 2, acts) for person in persons))

    with served_app(prepare(persons)) as app:
        asyncio.run(both(app))
    return persons


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    persons = measure(args.actions, args.seed)
    for person in persons:
        told = {"actions": person.actions, "messages": person.messages, "bytes": person.searched}
        print(json.dumps(told | {"met": person.met, "foreign": person.foreign}))
    silent = [kind for kind in MUST_MEET if not all(person.met[kind] for person in persons)]
    if silent:
        print(f"not looked at: {', '.join(silent)}", file=sys.stderr)
    return int(bool(silent) or any(person.foreign.total() for person in persons))


if __name__ == "__main__":
    sys.exit(main())
