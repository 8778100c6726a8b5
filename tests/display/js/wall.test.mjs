import { test } from "node:test";
import assert from "node:assert/strict";
import { ordered, matches, stepped } from "../../../sparselab/display/wall/order.js";
import { unpackPlanes } from "../../../sparselab/display/wall/small_picture.js";
import { cellAt, weightInWords } from "../../../sparselab/display/panes/readings.js";
import { makePicture } from "../../../sparselab/display/mask_view/bits.js";
import { randomFrom, sideOf } from "./helpers.mjs";

const card = (place, facts) => ({ place, name: `layer${place}`, shape: "8 x 8", structure: "", state: "found", kept: null, gain: null, size: 64, ...facts });

test("every order holds every card once, level ones as in the network, those without the number last", () => {
  const random = randomFrom(1);
  const some = () => (random() < 0.3 ? null : Math.round(4 * random()) / 4);
  const cards = Array.from({ length: 40 }, (_, place) => card(place, { kept: some(), gain: some(), size: Math.ceil(5 * random()) }));
  const better = { network: (a, b) => a.place < b.place, kept: (a, b) => a.kept < b.kept, size: (a, b) => a.size > b.size, gain: (a, b) => a.gain > b.gain };
  const known = { network: () => true, size: () => true, kept: (c) => c.kept !== null, gain: (c) => c.gain !== null };
  for (const by of Object.keys(better)) {
    const found = ordered(cards, by);
    assert.equal(new Set(found).size, cards.length);
    for (let i = 1; i < found.length; i++) {
      const [a, b] = [found[i - 1], found[i]];
      if (known[by](a) && known[by](b)) assert.ok(!better[by](b, a) && (better[by](a, b) || a.place < b.place));
      else assert.ok(known[by](a) || !known[by](b));
    }
  }
});

test("a filter asks for every word and for the state", () => {
  assert.ok(matches(card(3, { name: "layer2.0.conv1" }), "CONV1 layer2", "found"));
  assert.ok(!matches(card(3, {}), "conv", ""));
  assert.ok(!matches(card(3, {}), "", "nothing"));
});

test("arrows never leave the wall, and lead back where they came from", () => {
  for (let place = 0; place < 11; place++) {
    for (const [key, back] of [["ArrowLeft", "ArrowRight"], ["ArrowUp", "ArrowDown"]]) {
      const there = stepped(place, key, 11, 4);
      assert.ok(there >= 0 && there < 11);
      assert.ok(there === place || stepped(there, back, 11, 4) === place);
    }
    assert.equal(stepped(place, "Home", 11, 4), 0);
    assert.equal(stepped(place, "End", 11, 4), 10);
    assert.equal(stepped(place, "x", 11, 4), null);
  }
});

test("two pixels come out of a byte, the left one from its upper half", () => {
  const [kept, grown] = unpackPlanes({ rows: 2, cols: 3, planes: Uint8Array.from([0xf0, 0x30, 0x05, 0x60]) });
  assert.deepEqual([...kept].map((value) => Math.round(15 * value)), [15, 0, 3, 0, 5, 6]);
  assert.deepEqual([...grown], [0, 0, 0, 0, 0, 0]);
});

test("a place means the same weight on every pane", () => {
  const before = [[1, 0], [0, 1]];
  const panes = [[[1, 0], [0, 0]], [[0, 1], [0, 1]]].map((after, i) => ({ ...makePicture(sideOf(before, after)), label: "ab"[i] }));
  const view = { x0: 0, x1: 1, y0: 0, y1: 1 };
  assert.deepEqual(cellAt(panes[0], view, 0.7, 0.2), { row: 0, column: 1 });
  assert.equal(cellAt(panes[0], view, 1.2, 0.2), null);
  const said = [[0, 0], [0, 1], [1, 1], [1, 0]].map(([row, column]) => weightInWords(panes, { row, column }));
  assert.match(said[0], /a: kept; b: dropped/);
  assert.match(said[1], /a: never kept; b: grown/);
  assert.match(said[2], /a: dropped; b: kept/);
  assert.match(said[3], /a: never kept; b: never kept/);
});
