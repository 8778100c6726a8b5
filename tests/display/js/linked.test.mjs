import assert from "node:assert/strict";
import test from "node:test";

import { makePicture } from "../../../sparselab/display/mask_view/bits.js";
import { groupColour, groupLines } from "../../../sparselab/display/mask_view/groups.js";
import { middleCell, twinView } from "../../../sparselab/display/mask_view/linked/twins.js";
import { meaningOf } from "../../../sparselab/display/mask_view/meaning.js";
import { cellsOf, weightAt } from "../../../sparselab/display/mask_view/places.js";
import { centredOn, isInView, spanX, spanY } from "../../../sparselab/display/mask_view/viewport.js";
import { randomCells, randomFrom, sideOf, upTo } from "./helpers.mjs";

const VIEW = { x0: 0.4, x1: 0.5, y0: 0.3, y1: 0.45 };
const random = randomFrom(20);

function shuffled(n) {
  const order = upTo(n);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function twoSides() {
  const cells = randomCells(40, 60, 0.3, random);
  const [rowIndex, columnIndex] = [shuffled(40), shuffled(60)];
  const moved = [...rowIndex].map((row) => [...columnIndex].map((column) => cells[row][column]));
  return [makePicture(sideOf(cells)), makePicture(sideOf(moved, moved, { rowIndex, columnIndex }))];
}

test("the other side's view holds the same weight and shows as much as before", () => {
  const [here, there] = twoSides();
  for (let row = 0; row < here.height; row += 3) {
    for (let column = 0; column < here.width; column += 5) {
      const view = twinView(here, { row, column }, there, VIEW);
      const [place] = cellsOf(there, weightAt(here, row, column));
      assert.ok(isInView(view, (place.column + 0.5) / there.width, (place.row + 0.5) / there.height));
      assert.ok(Math.abs(spanX(view) - spanX(VIEW)) < 1e-12 && Math.abs(spanY(view) - spanY(VIEW)) < 1e-12);
    }
  }
});

test("away from the edges the weight in the middle is the same on both sides", () => {
  const [here, there] = twoSides();
  let tried = 0;
  for (let row = 0; row < here.height; row++) {
    const cell = { row, column: (7 * row) % here.width };
    const view = twinView(here, cell, there, VIEW);
    if (view.x0 === 0 || view.y0 === 0 || view.x1 === 1 || view.y1 === 1) continue;
    const middle = middleCell(there, view);
    assert.deepEqual(weightAt(there, middle.row, middle.column), weightAt(here, cell.row, cell.column));
    tried++;
  }
  assert.ok(tried > 5);
});

test("where the other side lacks the weight its row is shown; where it lacks the row nothing moves", () => {
  const [here] = twoSides();
  const part = sideOf(randomCells(2, 10, 0.5, random));
  part.row_index = Int32Array.from([7, 3]);
  const there = makePicture(part);
  const view = twinView(here, { row: 3, column: 50 }, there, { x0: 0.2, x1: 0.4, y0: 0, y1: 0.5 });
  assert.deepEqual([view.x0, view.x1, view.y0, view.y1].map((edge) => edge.toFixed(6)), ["0.200000", "0.400000", "0.500000", "1.000000"]);
  assert.equal(twinView(here, { row: 5, column: 50 }, there, VIEW), null);
});

test("moving to a point keeps what is in view inside the mask", () => {
  for (let step = 0; step < 200; step++) {
    const view = centredOn(VIEW, random(), random());
    assert.ok(view.x0 >= 0 && view.y0 >= 0 && view.x1 <= 1 && view.y1 <= 1);
  }
});

test("lines between groups are at least ten pixels apart, or none is drawn", () => {
  const layout = (top, bottom, pixels) => ({ top, bottom, cellHeight: pixels / (bottom - top) });
  const groups = Int32Array.from({ length: 127 }, (_, i) => 32 * (i + 1)); // of 4,096 rows
  for (const ratio of [1, 2]) {
    assert.deepEqual(groupLines(groups, layout(0, 4096, 460 * ratio), ratio), []);
    assert.equal(groupLines(groups, layout(0, 4096, 1290 * ratio), ratio).length, 127);
    assert.deepEqual(groupLines(groups, layout(1000, 1100, 460 * ratio), ratio), [1024, 1056, 1088]);
  }
});

test("the colour of the lines stands out from both backgrounds and from fill-in", () => {
  const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const hue = ([r, g, b]) => (180 / Math.PI) * Math.atan2(Math.sqrt(3) * (g - b), 2 * r - g - b);
  for (const [dark, background] of [[false, [255, 255, 255]], [true, [14, 17, 23]]]) {
    const colour = groupColour(dark);
    assert.ok(contrast(colour, background) >= 3);
    for (const other of [[230, 159, 0], [86, 180, 233], [0, 158, 115]]) {
      const apart = Math.abs(hue(colour) - hue(other)) % 360;
      assert.ok(Math.min(apart, 360 - apart) >= 60, `${apart} degrees from ${other}`);
    }
  }
});

test("a picture's meaning holds its density, its groups and how many weights are kept still", () => {
  const before = [[1, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]];
  const after = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]];
  const side = { ...sideOf(before, after, { groups: [0, 2, 4] }), label: "after", caption: "density 25 %" };
  const said = meaningOf("fc", makePicture(side), "all");
  assert.match(said, /^fc, after: 4 rows by 4 columns, density 25 %\./);
  assert.match(said, /Of 5 weights kept before, 3 \(60 %\) are kept still and 2 were dropped; of 4 weights kept now, 1 \(25 %\) had/);
  assert.match(said, /2 groups of 2 rows\. In view: all\.$/);
});
