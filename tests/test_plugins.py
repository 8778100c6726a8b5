"""What another installed package brings is used like what is built in; what it brings broken is said once and skipped.

Both packages are installed into folders of their own, which subprocesses find by PYTHONPATH: nothing else sees them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparselab.core import plugins
from sparselab.core.errors import SettingError
from sparselab.core.plugins import NAME, PLUGINS_VARIABLE, Registry
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.check import TAKEN
from tests.test_registries import REGISTRIES

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
OPEN_TO_PLUGINS = {name: registry for name, registry in REGISTRIES.items() if isinstance(registry, Registry)}
LAWS = (
    *(
        "tests/transforms/test_conformance.py",
        "tests/workflows/test_compare.py",
        "tests/workflows/test_model.py",
        "tests/grouping/test_grouping.py",
    ),
    *("tests/kernels/test_conformance.py", "tests/formats/test_round_trips.py", "tests/formats/test_hostile.py"),
    *("tests/training/test_tasks.py", "tests/training/test_models.py", "tests/test_registries.py"),
    "tests/lessons/test_shipped.py",
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def entry_points(package: str) -> set[tuple[str, str]]:
    """(group, name) of all that a package of this folder brings."""
    project = tomllib.loads((TESTS / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {(group, name) for group, points in project["entry-points"].items() for name in points}


def installed(package: str, folder: Path) -> Run:
    """Install a package of this folder; return what runs Python beside it."""
    source, site = folder / package, folder / "site"
    shutil.copytree(TESTS / package, source)  # a build leaves files beside the source
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(source)], check=True)

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]), **variables}
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="module")
def beside_example(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return installed("plugin_example", tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def beside_broken(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return installed("plugin_broken", tmp_path_factory.mktemp("broken"))


def fine(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_law_tests_walk_what_the_example_brings(beside_example: Run) -> None:
    options = (
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.plugin_example.laws",
        "-k",
        "(example or registr) and not has_hostile_files",
    )
    said = fine(beside_example("-m", "pytest", *options, "-rA", *LAWS))
    for group, name in entry_points("plugin_example"):
        assert re.search(rf"PASSED .*\[{name}[\]-]", said), f"no law test of {group} ran with {name}"


def test_commands_take_what_the_example_brings(beside_example: Run, tmp_path: Path) -> None:
    grid = tmp_path / "a.grid"
    grid.write_text("example-grid 4 6\n" + "110000" * 4)

    def command(*arguments: str) -> str:
        return fine(beside_example("-m", "sparselab", *arguments))

    assert "--density" in command("transform", "example-best-rows", "-h")
    assert json.loads(command("inspect", str(grid), "--json"))["layers"][0]["count"] == 8
    rows = json.loads(command("compare", str(grid), "--only", "example-best-rows", "--json"))["rows"]
    assert [row["name"] for row in rows] == ["example-best-rows"]
    groups = command("transform", str(grid), "regroup", "--grouper", "example-first-column", "--json")
    assert json.loads(groups)["settings"]["grouper"] == "example-first-column"
    help_text = "".join(command("train", "-h").split())  # lines are broken at dashes
    assert "example-stripes" in help_text
    assert "example-two-layers" in help_text


PAGES = """
import json
from streamlit.testing.v1 import AppTest
at = AppTest.from_file("app.py", default_timeout=240)
for name, value in {"sample": "random", **json.loads(QUERY)}.items():
    at.query_params[name] = value
at.run()
assert not at.exception, at.exception
print(json.dumps({
    "transforms": at.selectbox(key="_transform@explore").options,
    "captions": [each.value for each in at.sidebar.caption if each.value.startswith("Skipped")],
    "numbers": {metric.label: metric.value for metric in at.metric},
    "groupers": [box.options for box in at.selectbox if box.key == "grouper"],
}))
"""


def explore(run: Run, **query: str) -> tuple[Any, list[str]]:
    """What the Explore page shows, drawn by a process of its own with workers of its own, and what they say is skipped."""
    done = run("-c", f"QUERY = {json.dumps(query)!r}\n{PAGES}")
    return json.loads(fine(done).splitlines()[-1]), skipped_lines(done)


def skipped_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("skipped ")]


def test_pages_take_what_the_example_brings_and_their_workers_too(beside_example: Run) -> None:
    shown, skipped = explore(beside_example, transform="example-best-rows")
    own = [TRANSFORMS[name].title for name in TRANSFORMS.builtin]
    assert own == shown["transforms"][: len(own)]
    assert shown["transforms"][-1] == "Best rows (example)"
    assert shown["numbers"]["Blocks"] == "1"
    assert not shown["captions"]
    assert not skipped
    assert "First column (example)" in explore(beside_example)[0]["groupers"][0]


def test_what_is_broken_is_said_once_and_nothing_else_changes(beside_broken: Run) -> None:
    sample = "sample_masks/planted.npz"
    command = ("-m", "sparselab", "compare", sample, "--only", "regroup-natural", "--json")
    done = beside_broken(*command)
    assert json.loads(fine(done))["rows"]
    brought = {f"skipped {group}: {name} of sparselab-broken: " for group, name in entry_points("plugin_broken")}
    lines = skipped_lines(done)
    starts = [start for line in lines for start in brought if line.startswith(start)]
    assert len(starts) == len(lines) == len(set(starts))
    # A command that multiplies nothing loads no kernels.
    assert brought - set(starts) == {"skipped sparselab.kernels: broken-dense of sparselab-broken: "}
    assert "Traceback" not in done.stderr
    for reason in ("ModuleNotFoundError", "SystemExit: goodbye", "it is taken", "lowercase letters", "an Interval"):
        assert sum(reason in line for line in lines) >= 1, reason
    assert "skipped" not in beside_broken(*command, **{PLUGINS_VARIABLE: "off"}).stderr


def test_pages_name_in_the_sidebar_what_is_broken(beside_broken: Run) -> None:
    shown, skipped = explore(beside_broken)
    captions = " ".join(shown["captions"]).replace("\\", "")
    assert "regroup of sparselab-broken" in captions
    assert "broken-dense" in captions
    assert "No module named" in captions
    assert len(skipped) == len(set(skipped)) == len(shown["captions"]), "the workers say nothing again"


def test_plugins_can_be_left_out_and_are_loaded_when_they_are_looked_for(beside_example: Run) -> None:
    everything = (
        "import sys, sparselab, sparselab.transforms, sparselab.kernels, sparselab.formats, sparselab.training.tasks"
    )
    look = "from sparselab.transforms import TRANSFORMS\nTRANSFORMS['prune']\nprint('sparselab_example' in sys.modules, len(TRANSFORMS))"
    known = len(TRANSFORMS.builtin)
    assert fine(beside_example("-c", f"{everything}\n{look}")).split() == ["False", str(known + 1)]
    for value, count in (("off", known), ("OFF", known), ("on", known + 1), ("", known + 1)):
        said = fine(beside_example("-c", f"{everything}\n{look}", **{PLUGINS_VARIABLE: value}))
        assert said.split()[-1] == str(count)


@pytest.mark.parametrize("name", OPEN_TO_PLUGINS)
def test_built_in_entries_keep_what_is_asked_of_plugins(name: str) -> None:
    registry = OPEN_TO_PLUGINS[name]
    assert registry.builtin
    for key, entry in registry.builtin.items():
        assert NAME.fullmatch(key)
        if not getattr(entry, "is_dense", False):  # the dense kernels are ours alone
            registry.check(key, entry)


def test_every_group_of_entry_points_is_in_the_example() -> None:
    assert {registry.group for registry in OPEN_TO_PLUGINS.values()} == {g for g, _ in entry_points("plugin_example")}


def registry_of(
    monkeypatch: pytest.MonkeyPatch, points: dict[str, str], check: Callable[[str, Any], object]
) -> Registry[Any]:
    """A registry of one entry, beside entry points by name."""
    made = tuple(EntryPoint(name, value, "sparselab.test") for name, value in points.items())
    monkeypatch.setattr(plugins, "_points", lambda group: made)
    monkeypatch.setattr(plugins, "_registries", [])
    monkeypatch.setattr(plugins, "_skipped", [])
    return Registry("test", {"ours": np.pi}, check)


def test_a_plugin_that_looks_at_the_registry_sees_what_was_loaded_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, ...]] = []
    registry = registry_of(
        monkeypatch, {"one": "math:e", "two": "math:tau"}, lambda name, value: seen.append(tuple(registry))
    )
    assert tuple(registry) == ("ours", "one", "two")
    assert seen == [("ours",), ("ours", "one")]
    assert not plugins.skipped()


def test_whatever_goes_wrong_is_one_line_but_for_the_users_own_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    faults = iter([SettingError("a\nb"), Unspeakable(), GeneratorExit(), KeyboardInterrupt()])

    def check(name: str, value: Any) -> None:
        raise next(faults)

    registry = registry_of(monkeypatch, {f"p{i}": "math:e" for i in range(3)} | {"no": "math:no", "x y": "?"}, check)
    assert tuple(registry) == ("ours",)
    assert len(plugins.skipped()) == 5
    assert all("\n" not in str(plugin) and len(str(plugin)) < 500 for plugin in plugins.skipped())
    assert "absent" not in registry
    with pytest.raises(KeyboardInterrupt):
        len(registry_of(monkeypatch, {"p": "math:e"}, check))


def test_no_setting_can_be_called_as_an_option_or_a_widget_is() -> None:
    from sparselab.cli.bench import bench
    from sparselab.cli.transform import transform

    options = {str(option.name) for command in (bench, transform) for option in command.params}
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "sparselab" / "app").rglob("*.py"))
    assert options <= TAKEN
    assert set(re.findall(r'\bkey="([a-z]\w*)"', text)) <= TAKEN
