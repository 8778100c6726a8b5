"""Compare and Model without a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.inputs.samples import available
from sparselab.app.shell.address import query_of
from sparselab.cli import main
from tests.app.few import few_contenders
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not available(), reason="no sample masks")


def page(name: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def test_compare_answers_which_structure_keeps_most_and_the_next_visitor_finds_it_there() -> None:
    at = page("compare", sample="planted", budget="5")
    assert not at.exception
    assert not at.error
    assert any("keeps most at this budget" in item.value for item in at.success)
    table = at.dataframe[1].value
    assert {"regroup, natural", "regroup, random", "regroup, jaccard-metis"} <= set(table["contender"])
    covered = dict(zip(table["contender"], table["coverage"], strict=True))
    assert covered["regroup, jaccard-metis"] > covered["regroup, random"]
    changes = dict(zip(table["contender"], table["difference"], strict=True))
    assert changes["regroup, random"] == 0
    at.selectbox(key="_baseline@compare").set_value("regroup-natural").run()
    changes = dict(zip(at.dataframe[1].value["contender"], at.dataframe[1].value["difference"], strict=True))
    assert changes["regroup, natural"] == 0
    first, second = table, page("compare", sample="planted", budget="5").dataframe[1].value
    lasting = ~first["contender"].str.contains("refined")  # which a busy machine's clock may end: then it is not kept
    assert second[lasting]["seconds"].isna().all(), "nothing was computed"
    assert first[lasting].drop(columns="seconds").equals(second[lasting].drop(columns="seconds"))


def test_a_link_that_holds_a_title_opens_the_same_view_and_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    few_contenders(monkeypatch)
    at = page("compare", sample="planted", budget="5", baseline="regroup, natural")
    assert not at.exception
    assert at.selectbox(key="_baseline@compare").value == "regroup-natural"
    assert query_of("compare", at.session_state["_address"])["baseline"] == "regroup-natural"
    changes = dict(zip(at.dataframe[1].value["contender"], at.dataframe[1].value["difference"], strict=True))
    assert changes["regroup, natural"] == 0


def test_model_lists_every_layer_and_runs_when_asked() -> None:
    at = page("model", show="table", sample="vgg-digits-imp-90")
    assert not at.exception
    layers = at.dataframe[1].value
    assert len(layers) == 4
    assert set(layers["status"]) == {""}
    next(button for button in at.button if button.label.startswith("Run on all")).click().run()
    assert not at.exception
    layers = at.dataframe[1].value
    assert set(layers["status"]) == {"blocked"}
    said = " ".join(item.value for item in (*at.success, *at.markdown, *at.info))
    assert "Over 4 layers" in said
    assert any(button.label.startswith("Open features") for button in at.button)


def test_model_says_what_a_layer_lacks() -> None:
    at = page("model", show="table", sample="planted", transform="regroup", weigh="energy")
    next(button for button in at.button if button.label.startswith("Run on all")).click().run()
    assert not at.exception
    row = at.dataframe[1].value.iloc[0]
    assert row["status"] == "not done"
    assert "needs weights" in row["why"]


def test_a_threshold_over_all_layers_is_the_same_on_the_page_and_on_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    at = page("model", show="table", sample="vgg-digits-imp-90", transform="prune", scope="global", sparsity="0.95")
    next(button for button in at.button if button.label.startswith("Run on all")).click().run()
    assert not at.exception
    table = at.dataframe[1].value
    shown = dict(zip(table["layer"], table["density after"], strict=True))
    file = ROOT / "sample_masks" / "vgg-digits-imp-90.npz"
    assert main(["transform", str(file), "prune", "--scope", "global", "--sparsity", "0.95", "--json"]) == 0
    told = {item["name"]: item["density_after"] for item in json.loads(capsys.readouterr().out)["layers"]}
    assert shown == told
    assert len(set(told.values())) > 1
    said = " ".join(item.value for item in (*at.success, *at.markdown, *at.info))
    assert "Over 4 layers" in said


def test_groups_start_refined_on_no_layer() -> None:
    """The default is that of the library and of the other pages, however quick a layer would be refined."""
    for layer in ("features.15.weight", "features.4.weight"):
        assert not page("latency", sample="vgg-digits-imp-90", layer=layer).toggle(key="refine").value
