"""What is installed works anywhere: every command, and the app with its pages, samples and settings."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, expect

import sparselab
from sparselab.cli import commands
from tests.browsing import free_port, served
from tests.packaging.conftest import ROOT, Installation

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
HOSTILE = """
[server]
address = "0.0.0.0"
enableXsrfProtection = false
[browser]
gatherUsageStats = true
[client]
showErrorDetails = "full"
"""
"""Settings of another app, in the folder where ours is started."""


@pytest.fixture
def sample(installation: Installation) -> str:
    return str(installation.package / "webapp" / "sample_masks" / "planted.npz")


@pytest.mark.parametrize("path", [(), *((name,) for name in commands.commands)], ids=" ".join)
def test_every_command_is_there(path: tuple[str, ...], installation: Installation) -> None:
    done = installation.run(installation.command, *path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: sparselab")


def test_both_entries_say_the_version(installation: Installation) -> None:
    for entry in ([installation.command], [installation.python, "-m", "sparselab"]):
        assert installation.run(*entry, "--version").stdout.split()[-1] == sparselab.__version__


def test_a_packaged_sample_is_read_and_grouped(installation: Installation, sample: str) -> None:
    card = json.loads(installation.run(installation.command, "inspect", sample, "--json").stdout)
    assert card["layers"]
    done = installation.run(installation.command, "transform", sample, "regroup", "--rows-per-group", "32", "--json")
    assert json.loads(done.stdout)["layers"][0]["coverage"] == 1


def test_a_shell_completes_commands_and_transforms(installation: Installation) -> None:
    for words, at, wanted in (("sparselab tr", 1, "plain,transform"), ("sparselab transform a re", 3, "plain,regroup")):
        completed = {"_SPARSELAB_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
        done = installation.run(installation.command, **completed)
        assert (wanted in done.stdout.splitlines(), done.stderr) == (True, "")


@contextmanager
def opened(
    installation: Installation, folder: Path, *arguments: str, **variables: str
) -> Iterator[tuple[str, psutil.Process]]:
    """The address of `sparselab app ARGUMENTS`, started in `folder`, and its process."""
    port = free_port()
    command = [installation.command, "app", "--no-browser", "--port", str(port), *arguments]
    environment = installation.environment | variables
    with served(command, port, cwd=folder, environment=environment, log=folder / "log.txt") as process:
        yield f"http://localhost:{port}", psutil.Process(process.pid)


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_a_fresh_server_answers_a_link_to_any_page(
    name: str, installation: Installation, page: Page, tmp_path: Path
) -> None:
    with opened(installation, tmp_path) as (address, _):
        expect_page(page, address, name)


@pytest.mark.browser
def test_a_fresh_server_of_the_checkout_answers_at_the_same_address(
    installation: Installation, page: Page, tmp_path: Path
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    with served(command, port, cwd=ROOT, environment=installation.environment, log=tmp_path / "log.txt"):
        expect_page(page, f"http://localhost:{port}", PAGES[-1])


def expect_page(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/{'' if name == 'explore' else name}")
    expect(page.get_by_role("heading", name=re.compile(rf"^{name}\b", re.IGNORECASE)).first).to_be_visible()
    page.goto("about:blank")


def settings_of_file(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The settings of a config.toml, by their dotted names."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        flat |= settings_of_file(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


SETTINGS = settings_of_file(tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")))
PROBE = """
import json, pathlib, streamlit
found = {{name: streamlit.get_option(name) for name in {names}}}
pathlib.Path({out!r}).write_text(json.dumps(found))
raise RuntimeError("a secret of the server")
"""


@pytest.mark.browser
def test_the_settings_are_ours_wherever_it_is_started_and_a_fault_shows_no_traceback(
    installation: Installation, page: Page, tmp_path: Path
) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(HOSTILE)
    out = tmp_path / "found.json"
    planted = installation.package / "webapp" / "pages" / "model.py"
    before = planted.read_text(encoding="utf-8")
    planted.write_text(PROBE.format(names=[*SETTINGS, "server.enableXsrfProtection"], out=str(out)))
    try:
        with opened(installation, tmp_path, STREAMLIT_SERVER_ADDRESS="0.0.0.0") as (address, process):
            page.goto(f"{address}/model")
            expect(page.get_by_test_id("stException")).to_be_visible()
            shown = page.locator("body").inner_text()
            listening = [item for item in process.children()[0].net_connections() if item.status == psutil.CONN_LISTEN]
            page.goto("about:blank")
    finally:
        planted.write_text(before, encoding="utf-8")
    assert json.loads(out.read_text()) == SETTINGS | {"server.enableXsrfProtection": True}
    assert {item.laddr.ip for item in listening} <= {"127.0.0.1", "::1"}
    assert listening
    assert not re.search("secret|Traceback|RuntimeError", shown)


@pytest.mark.browser
def test_a_file_is_opened_whose_folder_could_not_be_read_otherwise(
    installation: Installation, page: Page, sample: str, tmp_path: Path
) -> None:
    file = tmp_path / "outside" / "a & b.npz"
    file.parent.mkdir()
    file.write_bytes(Path(sample).read_bytes())
    with opened(installation, tmp_path, str(file), SPARSELAB_ROOTS="") as (_, process):
        assert len(process.children()) == 1
        (link,) = re.findall(r"http://localhost:\d+/\?\S+", (tmp_path / "log.txt").read_text())
        page.goto(link)
        expect(page.get_by_text("conv.weight of a & b.npz")).to_be_visible()
        page.goto("about:blank")
