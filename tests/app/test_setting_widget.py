"""Widgets of settings, and texts of faults: every settings class there is, walked."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.shell import faults
from sparselab.app.shell.faults import fault_text
from sparselab.core.errors import SparselabError
from sparselab.core.settings import settings_of
from sparselab.training.settings import TrainSettings
from sparselab.transforms import TRANSFORMS

KINDS = [*TRANSFORMS.values(), TrainSettings]


def script(module: str, name: str, sliders: bool) -> None:
    import importlib

    import streamlit as st

    from sparselab.app.inputs.setting_widget import setting_widgets
    from sparselab.core.settings import settings_of

    settings = settings_of(getattr(importlib.import_module(module), name))
    st.session_state["shown"] = setting_widgets(settings, sliders=sliders, columns=st.columns(3))


@pytest.mark.parametrize("sliders", [True, False], ids=["sliders", "numbers"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_setting_that_counts_has_a_widget_that_starts_at_its_default(kind: type, sliders: bool) -> None:
    at = AppTest.from_function(script, args=(kind.__module__, kind.__name__, sliders)).run()
    assert not at.exception
    settings = settings_of(kind)
    defaults = {setting.name: setting.default for setting in settings}
    counting = {setting.name for setting in settings if setting.counts(defaults)}
    assert at.session_state["shown"] == {name: defaults[name] for name in defaults if name in counting}
    kind(**at.session_state["shown"])


def test_a_choice_shows_and_hides_what_depends_on_it() -> None:
    at = AppTest.from_function(script, args=(TrainSettings.__module__, "TrainSettings", False)).run()
    settings = settings_of(TrainSettings)
    for method in next(setting.choices for setting in settings if setting.name == "method"):
        at.selectbox(key="method").set_value(method).run()
        assert not at.exception
        values = {setting.name: setting.default for setting in settings} | {"method": method}
        assert set(at.session_state["shown"]) == {setting.name for setting in settings if setting.counts(values)}


def test_a_mistake_is_told_in_its_own_sentence_and_a_defect_by_where_to_look() -> None:
    def kinds(kind: type) -> list[type]:
        return [kind, *(below for child in kind.__subclasses__() for below in kinds(child))]

    for kind in kinds(SparselabError):
        assert fault_text(kind("expected a; got b")) == "expected a; got b"
    for error in (RuntimeError("/home/secret"), KeyError("x"), ValueError("y")):
        assert fault_text(error) == "Internal error; see the server log"


def test_the_text_of_a_defect_is_written_once() -> None:
    folder = Path(faults.__file__).parent
    assert [path.name for path in folder.rglob("*.py") if "Internal error" in path.read_text()] == ["faults.py"]
