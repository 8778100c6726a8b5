"""The part of the Model page that says what is in a file, without a browser."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest

from sparselab.app.model.audit_strip import sign_of, strip_figure, strip_of
from sparselab.auditing import audit
from tests.auditing.test_audit import scattered, two_four
from tests.browsing import PATIENCE_S
from tests.conftest import ROOT


def model_page(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "model.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def test_the_file_is_audited_when_asked_and_a_claim_is_judged() -> None:
    at = model_page(sample="planted", show="table")
    assert not at.exception
    at.button(key="_audit_start").click().run()
    assert not at.exception
    assert any("layer" in item.value for item in at.info)
    at.text_input(key="claim").set_value("2:4").run()
    assert any("does not hold in 1 of 1" in item.value for item in at.error)
    at.text_input(key="claim").set_value("4:2").run()
    assert any("with N from 1" in item.value for item in at.error)
    assert not at.exception


def test_the_strip_has_a_cell_for_every_layer_with_its_sign_and_name() -> None:
    layers: dict[str, Any] = {f"model.layers.{i}.up.weight": two_four(seed=i) for i in (10, 2)}
    found = audit({**layers, "model.layers.2.down.weight": scattered(0.3), "head.weight": two_four() + 1})
    strip = strip_of(found.layers)
    assert strip.blocks == ("model.layers.2", "model.layers.10", "head")
    figure = strip_figure(strip)
    signs = {name[0]: text for name, text in zip(figure.data[1].customdata, figure.data[1].text, strict=True)}
    assert signs == {layer.name: sign_of(layer)[0] for layer in found.layers}
    assert signs["model.layers.2.up.weight"] == "2:4"
    assert json.loads(figure.to_json())["data"][0]["z"] == [100 * layer.density for layer in found.layers]
