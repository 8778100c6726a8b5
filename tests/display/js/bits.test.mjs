import assert from "node:assert/strict";
import test from "node:test";

import {
  cellKind, COVERED, DROPPED, EMPTY, GROWN, makePicture, tileLevel,
} from "../../../sparselab/display/mask_view/bits.js";
import { randomCells, randomFrom, sideOf } from "./helpers.mjs";

const SIZES = [[1, 1], [8, 8], [9, 17], [30, 41]];

test("a cell is what both masks say of it", () => {
  const random = randomFrom(1);
  for (const [height, width] of SIZES) {
    const [before, after] = [randomCells(height, width, 0.4, random), randomCells(height, width, 0.4, random)];
    const picture = makePicture(sideOf(before, after));
    const expected = (was, is) => (was ? (is ? COVERED : DROPPED) : is ? GROWN : EMPTY);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        assert.equal(cellKind(picture, row, column), expected(before[row][column], after[row][column]));
      }
    }
  }
});

test("tiles of every size count every cell once", () => {
  const random = randomFrom(2);
  for (const [height, width] of SIZES) {
    const picture = makePicture(sideOf(randomCells(height, width, 0.5, random), randomCells(height, width, 0.3, random)));
    const counts = [0, 0, 0, 0];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) counts[cellKind(picture, row, column)]++;
    }
    assert.deepEqual(picture.counts, counts.slice(0, 3));
    for (const level of [3, 4, 5, 6]) {
      const sums = tileLevel(picture, level).planes.map((plane) => plane.reduce((sum, n) => sum + n, 0));
      assert.deepEqual(sums, picture.counts);
    }
  }
});

test("a side without a mask after has kept cells and empty ones only", () => {
  const picture = makePicture(sideOf(randomCells(12, 20, 0.5, randomFrom(3))));
  assert.deepEqual(picture.kinds, [COVERED]);
  assert.deepEqual(picture.counts.slice(1), [0, 0]);
});
