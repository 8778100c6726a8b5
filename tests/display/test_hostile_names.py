"""Names from strangers' files: shown letter by letter, and no part of the page."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.display import show
from sparselab.display.assets import bundle, read
from sparselab.transforms import Regroup
from tests.display.pages import ParsedPage, embedded

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "</title></style><script>alert(1)</script>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    "<!--<script>",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "$script ${message} {{height}} $$ $",
    "\ud800 half a pair, \x00 and a bell \a",
    "\u202eright to left",
)
MASK = Mask(np.random.default_rng(0).random((16, 24)) < 0.3)


def named(name: str) -> Layout:
    """A layout that carries `name` wherever a layout carries a text."""
    found = Regroup()(Layer(name, MASK), rng=np.random.default_rng(0))
    return replace(found, reason=name, notes={name: name}, seconds={name: 1.0}, status="masked")


def skeleton(html: str) -> list[tuple[str, list[str]]]:
    return [(tag, sorted(attributes)) for tag, attributes in ParsedPage(html).tags]


def in_a_file(name: str) -> str:
    """What of a name a file can hold."""
    return name.encode("utf-8", "replace").decode("utf-8")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_changes_the_page_around_it(name: str) -> None:
    layer = Layer(name, MASK)
    assert skeleton(show(layer).html) == skeleton(show(layer, name="plain").html)
    assert skeleton(show((layer, named(name))).html) == skeleton(show((layer, named("plain"))).html)


@pytest.mark.parametrize("name", HOSTILE)
def test_every_name_is_read_as_it_was_written(name: str) -> None:
    html = show((Layer(name, MASK), named(name))).html
    html.encode()
    page = ParsedPage(html)
    assert page.texts["title"] == [in_a_file(name)]
    assert embedded(html)["title"] == name
    assert {in_a_file(name), f"Seconds: {in_a_file(name)}"} <= set(page.texts["th"])
    assert in_a_file(name) in page.texts["td"]


@pytest.mark.parametrize("name", HOSTILE)
def test_only_our_own_script_may_run_and_nothing_may_be_fetched(name: str) -> None:
    page = ParsedPage(show((Layer(name, MASK), named(name))).html)
    policies = [each["content"] for tag, each in page.tags if each.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    policy = dict(rule.strip().split(" ", 1) for rule in (policies[0] or "").split(";"))
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in page.texts["script"]]
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == f"'sha256-{digests[1]}'"
    assert policy["img-src"] == "data:"
    assert not re.search("http|unsafe-eval|\\*", " ".join(policy.values()))
    sources = [each.get(name) for _, each in page.tags for name in ("src", "href", "action", "data")]
    assert {source for source in sources if source is not None} == {"data:,"}


def test_the_scripts_hold_nothing_that_would_end_them() -> None:
    text = bundle() + read("page/host.js")
    assert not re.search(r"</script|<script|<!--", text, re.IGNORECASE)


def test_a_hostile_name_is_no_path(tmp_path: Path) -> None:
    show(Layer("../../x", MASK)).save(tmp_path / "x.html")
    assert [path.name for path in tmp_path.iterdir()] == ["x.html"]
