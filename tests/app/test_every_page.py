"""What holds of every page: it is in the menu, its file is a door that names it, and it opens by its own link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.few import few_contenders
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
DOORS = sorted((ROOT / "pages").glob("*.py"))


def test_the_menu_shows_every_page_once() -> None:
    menu = (ROOT / "sparselab" / "app" / "shell" / "navigation.py").read_text(encoding="utf-8")
    assert sorted(re.findall(r'st\.Page\(PAGES / "(\w+)\.py"', menu)) == [door.stem for door in DOORS]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.stem)
def test_a_door_names_its_page_and_opens_it(door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few_contenders(monkeypatch)
    assert f'guard("{door.stem}")\npage()\n' in door.read_text(encoding="utf-8")
    at = AppTest.from_file(str(door), default_timeout=PATIENCE_S).run()
    assert not at.exception
    assert [title.value.lower().split()[0] for title in at.subheader][:1] == [door.stem]
