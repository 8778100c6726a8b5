"""Which paths may be opened, and that every sample is what its README says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import streamlit as st

from sparselab.app.inputs.path_policy import allowed_roots, resolve_under, ticket_roots
from sparselab.app.inputs.samples import SAMPLES, available, sample_path
from sparselab.core.data_files import SAMPLE_MASKS, STUDY_TICKETS
from sparselab.core.errors import FileError
from sparselab.core.paths import DATA_VARIABLE, ROOTS_VARIABLE
from sparselab.formats import read_ticket


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one file in it, a secret beside it, and links from one to the other."""
    home = tmp_path / "home"
    (home / "masks").mkdir(parents=True)
    (home / "masks" / "a.npz").write_bytes(b"a")
    (tmp_path / "home-of-another").mkdir()
    for secret in (tmp_path / "secret.npz", tmp_path / "home-of-another" / "secret.npz"):
        secret.write_bytes(b"secret")
    (home / "out.npz").symlink_to(tmp_path / "secret.npz")
    (home / "up").symlink_to(tmp_path)
    (home / "in.npz").symlink_to(home / "masks" / "a.npz")
    (tmp_path / "way-in").symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    return home


def served_at(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", {"server.address": address}.__getitem__)


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "::1"])
def test_alone_on_this_machine_the_home_is_open(address: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOTS_VARIABLE, raising=False)
    served_at(address, monkeypatch)
    assert allowed_roots() == (home,)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.5", "localhost.example.org"])
def test_where_others_can_connect_nothing_is_open(
    address: str | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ROOTS_VARIABLE, raising=False)
    served_at(address, monkeypatch)
    assert allowed_roots() == ()


def test_the_operator_decides_wherever_it_is_served(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served_at("0.0.0.0", monkeypatch)
    monkeypatch.setenv(ROOTS_VARIABLE, os.pathsep.join([str(home / "masks"), "", str(home.parent / "way-in")]))
    assert allowed_roots() == (home / "masks", home)
    served_at("localhost", monkeypatch)
    monkeypatch.setenv(ROOTS_VARIABLE, "")
    assert allowed_roots() == ()


def test_a_home_that_is_a_link_is_open_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOTS_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(home.parent / "way-in"))
    served_at("localhost", monkeypatch)
    assert resolve_under("~/masks/a.npz", allowed_roots()) == home / "masks" / "a.npz"


@pytest.mark.parametrize(
    "text",
    [
        "{home}/masks/a.npz",
        "~/masks/a.npz",
        "{home}/in.npz",
        "{home}/masks/../masks/./a.npz",
        "{home}/up/home/masks/a.npz",
        "{home}/../way-in/masks/a.npz",
    ],
)
def test_what_lies_under_a_root_opens(text: str, home: Path) -> None:
    roots = (home.parent / "elsewhere", home)
    assert resolve_under(text.format(home=home), roots) == home / "masks" / "a.npz"


@pytest.mark.parametrize(
    "text",
    [
        "{home}/../secret.npz",
        "{home}/masks/../../secret.npz",
        "~/../secret.npz",
        "{home}/out.npz",
        "{home}/up/secret.npz",
        "{home}-of-another/secret.npz",
        "/etc/passwd",
        "secret.npz",
    ],
)
def test_what_leads_outside_does_not(text: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.parent)
    given = text.format(home=home)
    for roots in ((home,), ()):
        with pytest.raises(FileError, match="expected a path under") as told:
            resolve_under(given, roots)
        assert str(home.parent) not in str(told.value).replace(given, ""), "the server's folders are nobody's business"


@pytest.mark.parametrize("text", ["{home}", "{home}/masks", "{home}/absent.npz", "{home}/masks/a.npz/b", "~"])
def test_what_is_no_file(text: str, home: Path) -> None:
    with pytest.raises(FileError, match="expected a file; there is none at"):
        resolve_under(text.format(home=home), (home,))


@pytest.mark.parametrize("text", ["{home}/masks/a.npz\0", "\0", "{home}/\0/../masks/a.npz", "~\0/masks/a.npz"])
def test_a_nul_character_never_reaches_the_system(text: str, home: Path) -> None:
    with pytest.raises(FileError, match="NUL character"):
        resolve_under(text.format(home=home), (home,))


def test_a_link_that_leads_to_itself(home: Path) -> None:
    (home / "loop.npz").symlink_to(home / "loop.npz")
    with pytest.raises((FileError, OSError)):
        resolve_under(f"{home}/loop.npz", (home,))


def test_the_home_of_nobody(home: Path) -> None:
    with pytest.raises((FileError, OSError)):
        resolve_under("~no-such-user-here/a.npz", (home,))


def test_names_no_system_can_hold(home: Path) -> None:
    for name in ("x" * 5000, "\ud800"):
        with pytest.raises((FileError, OSError)):
            resolve_under(f"{home}/{name}", (home,))


def test_every_sample_has_its_file_and_every_file_its_sample() -> None:
    assert {path.stem for path in SAMPLE_MASKS.glob("*.npz")} == set(SAMPLES)
    assert available() == list(SAMPLES)
    assert len({title for title, _ in SAMPLES.values()}) == len(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_hold_what_their_readme_says(name: str) -> None:
    readme = (SAMPLE_MASKS / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{re.escape(name)}\.npz` \| (.*) \|$", readme, re.MULTILINE)
    assert row, "the README's table does not name it"
    count, weights, kept, density = (float(part.replace(",", "")) for part in row[1].split(" | "))
    masks = [layer.mask for layer in read_ticket(sample_path(name))]
    assert len(masks) == count
    assert sum(mask.kept.size for mask in masks) == weights
    assert sum(mask.count for mask in masks) == kept
    assert round(kept / weights, 4) == density


def test_planted_rows_come_in_sixteen_groups_of_equal_rows() -> None:
    """As the README says: 32 rows a group, 461 columns each, rows shuffled."""
    (layer,) = read_ticket(sample_path("planted"))
    rows = [row.tobytes() for row in layer.mask.kept]
    assert sorted(rows.count(row) for row in set(rows)) == [32] * 16
    assert set(layer.mask.kept.sum(axis=1).tolist()) == {461}
    assert any(rows[i] != rows[i + 1] for i in range(0, 512, 32))


def test_the_apps_own_tickets_open_wherever_it_is_served(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOTS_VARIABLE, "")
    monkeypatch.setenv(DATA_VARIABLE, str(home / "data"))
    assert set(ticket_roots()) == {home / "data" / "runs", STUDY_TICKETS.resolve()}
    (home / "file").touch()
    monkeypatch.setenv(DATA_VARIABLE, str(home / "file" / "below"))
    assert ticket_roots() == (STUDY_TICKETS.resolve(),)
    monkeypatch.setenv(ROOTS_VARIABLE, str(home / "masks"))
    assert ticket_roots() == (home / "masks", STUDY_TICKETS.resolve())
