"""The mask view's ES modules: tested by Node where there is one, and the one script that is made of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sparselab.display import assets
from sparselab.display.assets import FILM, MOTION, PANES, TOY, VIEW, WALL, bundle
from sparselab.runtime import messages

DISPLAY = Path(assets.__file__).parent
MODULES = DISPLAY / "mask_view"
ENTRIES = {
    "the view": [VIEW],
    "the reordering": [MOTION],
    "both": [MOTION, VIEW],
    "the film": [FILM],
    "the panes": [PANES],
    "the wall": [WALL],
    "the toy": [TOY],
}
TESTS = Path(__file__).resolve().parent / "js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no Node.js on this machine")


def node(*arguments: str) -> str:
    assert NODE is not None
    done = subprocess.run([NODE, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_node
@pytest.mark.parametrize("path", sorted(TESTS.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_a_module_keeps_its_laws(path: Path) -> None:
    assert re.search(r"^# pass [1-9]", node("--test", "--test-reporter=tap", str(path)), re.MULTILINE)


@needs_node
@pytest.mark.parametrize(
    "path", sorted(set(DISPLAY.glob("*/**/*.js")) - {DISPLAY / "page/host.js"}), ids=lambda path: path.stem
)
def test_every_import_names_something_that_is_exported(path: Path) -> None:
    node("--input-type=module", "--eval", f"await import({json.dumps(path.as_uri())})")


@needs_node
@pytest.mark.parametrize("host", ["", assets.read("page/host.js")], ids=["in the app", "in a page of its own"])
@pytest.mark.parametrize("entries", ENTRIES.values(), ids=ENTRIES)
def test_the_script_is_one_module_in_which_no_name_is_declared_twice(
    entries: list[str], host: str, tmp_path: Path
) -> None:
    script = tmp_path / "bundle.mjs"
    script.write_text(f"{bundle(*entries)}\n{host}", encoding="utf-8")
    node("--check", str(script))


@pytest.mark.parametrize("entries", ENTRIES.values(), ids=ENTRIES)
def test_the_script_holds_every_module_once_and_its_only_export_is_the_last_entry(entries: list[str]) -> None:
    script = bundle(*entries)
    (exported,) = re.findall(r"^(?:import|export)\b.*", script, re.MULTILINE)
    assert exported.startswith("export default function render")
    assert exported in assets.read(f"{entries[-1]}.js")
    for entry in entries:
        for path in (DISPLAY / entry).parent.rglob("*.js"):
            first = path.read_text(encoding="utf-8").splitlines()[0]
            assert script.count(first) == 1, path.name


@needs_node
def test_the_browser_reads_what_the_server_writes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {name: (100 * rng.random((3, 5))).astype(name) for name in ("uint8", "int32", "uint16", "float64")}
    (tmp_path / "message").write_bytes(messages.dump({"text": "é", "none": None, "arrays": arrays}))
    program = f"""
        import {{ readFileSync }} from "node:fs";
        import {{ decodeWire }} from {json.dumps((MODULES / "wire.js").as_uri())};
        const told = decodeWire(readFileSync({json.dumps(str(tmp_path / "message"))}));
        for (const name in told.arrays) told.arrays[name] = [...told.arrays[name]];
        console.log(JSON.stringify(told));
    """
    read = json.loads(node("--input-type=module", "--eval", program))
    assert (read["text"], read["none"]) == ("é", None)
    for name, array in arrays.items():
        assert read["arrays"][name] == array.reshape(-1).tolist()
