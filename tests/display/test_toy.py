"""What the toy's scripts compute is what the engine computes, and what they tell is read with care."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sparselab.analysis.toy import (
    Toy,
    ToyState,
    after,
    blocks_of,
    either_columns,
    jaccard,
    permuted_product,
    product,
    shared_columns,
    sorted_by_groups,
)
from sparselab.analysis.toy_steps import PRODUCTS, count, counted, summed
from sparselab.core.errors import SparselabError
from sparselab.display.toy_message import as_plain, edition, read_state, toy_message
from sparselab.runtime import messages
from tests.display.test_scripts import DISPLAY, needs_node, node
from tests.toys import states, toys

TOYS = 200

IN_JAVASCRIPT = """
import { readFileSync } from "node:fs";
import * as js from "COUNTING";
const answer = ({ told, state, pair }) => {
  const toy = js.toyNow(told, state);
  const part = (steps) => steps.slice(0, state.step);
  const methods = Object.fromEntries(Object.entries(js.TOY_METHODS).map(([name, { steps }]) => {
    const all = steps(toy);
    return [name, { steps: all, whole: js.countSteps(toy, all), part: js.countSteps(toy, part(all)), sums: js.summedSteps(toy, part(all)) }];
  }));
  const blocks = js.toyBlocks(toy).map(({ rows, columns }) => [rows, columns]);
  return {
    kept: toy.kept, blocks, methods,
    product: js.toyProduct(toy), permuted: js.permutedProduct(toy),
    shared: js.sharedColumns(toy.kept, ...pair), either: js.eitherColumns(toy.kept, ...pair), jaccard: js.jaccardOf(toy.kept, ...pair),
    count: js.keptCount(toy.kept), sorted: told.heights.length ? js.groupedColumns(toy, told.sorted) : null,
    moved: js.movedTo(toy.rows, pair[0], pair[1]),
  };
};
console.log(JSON.stringify(JSON.parse(readFileSync("CASES", "utf8")).map(answer)));
"""


def in_python(toy: Toy, state: ToyState, pair: tuple[int, int]) -> dict[str, Any]:
    now = after(toy, state)
    either = either_columns(now, *pair)
    moved = [row for row in now.row_order if row != pair[0]]
    moved.insert(pair[1], pair[0])
    return {
        "kept": now.mask.kept.astype(int).tolist(),
        "blocks": [(block.rows.tolist(), block.cols.tolist()) for block in blocks_of(now)],
        "methods": {
            name: {
                "steps": steps(now),
                "whole": vars(count(now, name)),
                "part": vars(counted(now, steps(now)[: state.step])),
                "sums": summed(now, steps(now)[: state.step]),
            }
            for name, steps in PRODUCTS.items()
        },
        "product": product(now),
        "permuted": permuted_product(now),
        "shared": shared_columns(now, *pair),
        "either": either,
        "jaccard": [int(jaccard(now, *pair) * len(either)), len(either)] if either else [1, 1],
        "count": now.mask.count,
        "sorted": sorted_by_groups(now).column_order if now.groups else None,
        "moved": moved,
    }


@needs_node
def test_the_browser_computes_what_the_engine_computes(tmp_path: Path) -> None:
    cases: list[tuple[Toy, ToyState, tuple[int, int]]] = []

    @settings(max_examples=TOYS, phases=[Phase.generate])
    @given(toys(), st.data())
    def collect(toy: Toy, data: st.DataObject) -> None:
        row = st.integers(0, toy.mask.rows - 1)
        cases.append((toy, data.draw(states(toy)), (data.draw(row), data.draw(row))))

    collect()
    assert len(cases) >= TOYS
    told = [
        {"told": messages.load(toy_message(toy)), "state": as_plain(state), "pair": pair} for toy, state, pair in cases
    ]
    (tmp_path / "cases.json").write_text(json.dumps(told), encoding="utf-8")
    program = IN_JAVASCRIPT.replace("COUNTING", (DISPLAY / "toy/counting.js").as_uri())
    answers = json.loads(node("--input-type=module", "--eval", program.replace("CASES", str(tmp_path / "cases.json"))))
    for case, answer in zip(cases, answers, strict=True):
        assert answer == json.loads(json.dumps(in_python(*case)))


@given(toys(), st.data())
def test_a_state_comes_back_as_it_went_and_of_another_toy_not_at_all(toy: Toy, data: st.DataObject) -> None:
    state = data.draw(states(toy))
    told = {**json.loads(json.dumps(as_plain(state))), "edition": edition(toy)}
    assert read_state(toy, told) == state
    other = replace(toy, weights=tuple(tuple(-weight for weight in line) for line in toy.weights))
    assert read_state(other, told) == ToyState.of(other)
    assert read_state(toy, None) == ToyState.of(toy)


@pytest.mark.parametrize(
    "part",
    [
        {"toggled": [[0, 9]]},
        {"toggled": 3},
        {"toggled": [[0, 1, 2]]},
        {"rows": [0, 0]},
        {"rows": ["a", "b"]},
        {"columns": list(range(100))},
        {"pair": [0, 7]},
        {"pair": []},
        {"step": "x"},
        {"step": float("inf")},
        {"step": -1},
    ],
)
def test_a_state_that_fits_no_such_toy_is_refused(part: dict[str, Any]) -> None:
    toy = Toy.from_lines(["##", ".#"])
    with pytest.raises(SparselabError, match="expected"):
        read_state(toy, {**as_plain(ToyState.of(toy)), "edition": edition(toy), **part})
