import assert from "node:assert/strict";
import test from "node:test";

import { makePicture } from "../../../sparselab/display/mask_view/bits.js";
import { cellsOf, describeArea, describeCell, weightAt } from "../../../sparselab/display/mask_view/places.js";
import { randomCells, randomFrom, sideOf, upTo } from "./helpers.mjs";

function shuffled(n, random) {
  const order = upTo(n);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const permuted = (cells, rows, columns) => [...rows].map((row) => [...columns].map((column) => cells[row][column]));

function bothSides(seed) {
  const random = randomFrom(seed);
  const [before, after] = [randomCells(12, 20, 0.4, random), randomCells(12, 20, 0.4, random)];
  const [rowIndex, columnIndex] = [shuffled(12, random), shuffled(20, random)];
  const right = sideOf(permuted(before, rowIndex, columnIndex), permuted(after, rowIndex, columnIndex),
    { rowIndex, columnIndex, groups: [0, 4, 8, 12] });
  return { before, after, left: makePicture(sideOf(before)), right: makePicture(right) };
}

test("every displayed cell leads to its weight and back", () => {
  const { right } = bothSides(8);
  for (let row = 0; row < right.height; row++) {
    for (let column = 0; column < right.width; column++) {
      assert.deepEqual(cellsOf(right, weightAt(right, row, column)), [{ row, column }]);
    }
  }
});

test("both sides say the same of a weight", () => {
  const { before, after, left, right } = bothSides(9);
  for (let row = 0; row < left.height; row++) {
    for (let column = 0; column < left.width; column++) {
      const twins = cellsOf(right, { row, column });
      const words = describeCell(left, { row, column }, right, twins, "after");
      assert.match(words, new RegExp(`^row ${row}, column ${column} \\(group ${twins[0].row >> 2}\\)`));
      assert.match(words, before[row][column] ? /kept before/ : /zero before/);
      assert.match(words, after[row][column] ? /(kept|grown) after/ : /(dropped|zero) after/);
      const back = describeCell(right, twins[0], left, cellsOf(left, { row, column }), "before");
      assert.equal(back, words);
    }
  }
});

test("where a band has no such column there is no weight", () => {
  const side = sideOf(randomCells(4, 6, 0.5, randomFrom(10)));
  side.bands = [{ start: 0, stop: 2, width: 6, cols: upTo(6) }, { start: 2, stop: 4, width: 3, cols: upTo(3) }];
  const picture = makePicture(side);
  assert.equal(weightAt(picture, 3, 3), null);
  assert.deepEqual(weightAt(picture, 1, 3), { row: 1, column: 3 });
});

test("an area's density is that of its cells", () => {
  const picture = makePicture(sideOf([[1, 1, 0, 0], [1, 0, 0, 0]]));
  assert.match(describeArea(picture, { row0: 0, row1: 2, column0: 0, column1: 2 }), /density 75 %$/);
});
