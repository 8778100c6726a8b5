"""The wheel of this checkout, and an installation of it that sees the gate's packages but not the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked(*places: str) -> list[str]:
    """The files that git tracks in `places` and that are here."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", *places], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [path for path in listing.split("\0") if path and (ROOT / path).is_file()]


@dataclass(frozen=True)
class Installation:
    """A virtual environment with sparselab in it, and an empty-handed user elsewhere who runs it."""

    folder: Path
    elsewhere: Path
    environment: dict[str, str]

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def command(self) -> str:
        return str(self.folder / "bin" / "sparselab")

    @property
    def package(self) -> Path:
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.folder)})) / "sparselab"

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `command` in the user's folder."""
        environment = {**self.environment, **variables}
        return subprocess.run(command, cwd=self.elsewhere, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the tracked files: built from a copy, for a build leaves folders behind that the next one would pack."""
    checkout, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel")
    for path in tracked():
        if not path.startswith(("tests/", "benchmarks/", "docs/")):
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, checkout / path)
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(out), str(checkout))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder, elsewhere = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("elsewhere")
    venv.create(folder, with_pip=False)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STREAMLIT_"))}
    installed = Installation(folder, elsewhere, variables | {"HOME": str(elsewhere)})
    pip("--python", installed.python, "install", "--no-deps", "--no-index", str(wheel))
    # After its own packages, of which there is one.
    (installed.package.parent / "gate.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return installed


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
