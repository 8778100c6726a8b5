import assert from "node:assert/strict";
import test from "node:test";

import { cellKind, makePicture } from "../../../sparselab/display/mask_view/bits.js";
import { averageDensities, pixelEdges } from "../../../sparselab/display/mask_view/resample.js";
import { randomCells, randomFrom, sideOf } from "./helpers.mjs";

const ALL = Number.MAX_VALUE; // steps that may be spent: every cell is looked at
const WINDOWS = [[0, 1, 0, 1], [0.1, 0.7, 0.25, 0.9], [0.5, 0.55, 0.5, 0.6]];

test("edges rise from the start of the window to its end", () => {
  for (const [start, stop, pixels] of [[0, 10, 10], [0, 100, 7], [2.5, 4.25, 200], [0, 3, 1000]]) {
    const edges = pixelEdges(start, stop, pixels);
    assert.equal(edges.length, pixels + 1);
    assert.ok(edges.every((edge, i) => i === 0 || edge >= edges[i - 1]));
    assert.ok(Math.abs(edges[0] - start) <= 1 && Math.abs(edges[pixels] - stop) <= 1);
  }
});

test("a pixel is the exact mean of the area below it, worked out cell by cell", () => {
  const random = randomFrom(4);
  for (const [height, width] of [[13, 29], [40, 64]]) {
    const picture = makePicture(sideOf(randomCells(height, width, 0.4, random), randomCells(height, width, 0.3, random)));
    for (const [x0, x1, y0, y1] of WINDOWS) {
      const rows = pixelEdges(y0 * height, y1 * height, 9);
      const columns = pixelEdges(x0 * width, x1 * width, 11);
      const { planes, exact } = averageDensities(picture, rows, columns, ALL);
      assert.ok(exact);
      planes.forEach((plane, kind) => plane.forEach((value, at) => {
        const expected = meanOf(picture, kind, rows, Math.floor(at / 11), columns, at % 11);
        assert.ok(Math.abs(value - expected) < 1e-5, `${value} instead of ${expected}`);
      }));
    }
  }
});

test("however few steps may be spent, the picture's sum stays", () => {
  const picture = makePicture(sideOf(randomCells(64, 64, 0.3, randomFrom(5))));
  const edges = pixelEdges(0, 64, 4);
  const [covered] = averageDensities(picture, edges, edges, 1).planes;
  const cells = covered.reduce((sum, density) => sum + density * 16 * 16, 0);
  assert.ok(Math.abs(cells - picture.counts[0]) < 1e-2);
});

function meanOf(picture, kind, rows, y, columns, x) {
  let sum = 0;
  for (let row = Math.floor(rows[y]); row < rows[y + 1]; row++) {
    const tall = Math.min(row + 1, rows[y + 1]) - Math.max(row, rows[y]);
    for (let column = Math.floor(columns[x]); column < columns[x + 1]; column++) {
      const wide = Math.min(column + 1, columns[x + 1]) - Math.max(column, columns[x]);
      if (cellKind(picture, row, column) === kind) sum += tall * wide;
    }
  }
  return sum / ((rows[y + 1] - rows[y]) * (columns[x + 1] - columns[x]));
}
