// Laws of the film's frames: rows and blocks in order, what changed, and the words for it.

import assert from "node:assert/strict";
import test from "node:test";

import { ROW_ORDERS, bitsAt, blocksShown, changeAt, lookAt, makeFilm, rowsShown } from "../../../sparselab/display/film/frames.js";
import { curvesOf, stepUnder } from "../../../sparselab/display/film/curves.js";
import { changesAt, changeText, filmText, measuredText } from "../../../sparselab/display/film/wording.js";
import { fatePlanes } from "../../../sparselab/display/motion/raster.js";
import { randomFrom } from "./helpers.mjs";

const [ROWS, COLS, FRAMES, SIDE] = [8, 21, 5, 4];

/** Masks of whole blocks: rows of a group keep the same columns. */
function blockedFilm(random) {
  const groups = Int32Array.from({ length: FRAMES * ROWS }, () => Math.floor(3 * random()));
  const stride = Math.ceil(COLS / 8);
  const masks = new Uint8Array(FRAMES * ROWS * stride);
  for (let frame = 0; frame < FRAMES; frame++) {
    const columns = [1, 2].map(() => Array.from({ length: COLS }, () => random() < 0.4));
    for (let row = 0; row < ROWS; row++) {
      const group = groups[frame * ROWS + row];
      for (let c = 0; c < COLS; c++) {
        if (group && columns[group - 1][c]) masks[(frame * ROWS + row) * stride + (c >> 3)] |= 128 >> (c & 7);
      }
    }
  }
  const at = Int32Array.from({ length: FRAMES }, (_, i) => 10 * i);
  const looks = { at: Int32Array.of(15, 40), values: Float64Array.of(0.5, 0.75) };
  const shares = Float64Array.from({ length: FRAMES - 1 }, (_, i) => (i ? i / FRAMES : NaN));
  return makeFilm({
    title: "a", rows: ROWS, cols: COLS, masks, groups, at, updates: at, unit: "step", kept: shares, blocks: shares, chance: shares,
    looks, metric: "accuracy", split: "validation", percent: true, note: "", rate: 5,
  });
}

test("rows are shown once each, like groups together, rows of no block last, and edges lie between groups", () => {
  const random = randomFrom(1);
  for (let i = 0; i < 30; i++) {
    const film = blockedFilm(random);
    for (const order of Object.keys(ROW_ORDERS)) {
      for (let frame = 0; frame < FRAMES; frame++) {
        const { rowOrder, edges } = rowsShown(film, frame, order);
        assert.deepEqual([...rowOrder].sort((a, b) => a - b), [...Array(ROWS).keys()]);
        if (order === "file") {
          assert.deepEqual([...rowOrder, ...edges], [...Array(ROWS).keys()]);
          continue;
        }
        const whose = order === "last" ? FRAMES - 1 : frame;
        const seen = [...rowOrder].map((row) => film.groups[whose * ROWS + row] || Infinity);
        assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
        assert.deepEqual(edges, seen.flatMap((group, place) => (place && group !== seen[place - 1] ? [place] : [])));
      }
    }
  }
});

test("the blocks of a frame cover its kept weights once, and nothing else", () => {
  const film = blockedFilm(randomFrom(2));
  for (let frame = 0; frame < FRAMES; frame++) {
    const { rowOrder, edges } = rowsShown(film, frame, "each");
    const change = changeAt(film, frame, rowOrder);
    const area = blocksShown(change, edges).reduce((sum, [top, bottom, left, right]) => sum + (bottom - top) * (right - left), 0);
    const { stay, fresh } = changesAt(film, frame);
    assert.equal(area, stay + fresh);
  }
});

test("all ink of a frame is that of the weights that stay, are new, and are gone, in every order", () => {
  const film = blockedFilm(randomFrom(3));
  for (const order of Object.keys(ROW_ORDERS)) {
    for (let frame = 0; frame < FRAMES; frame++) {
      const change = changeAt(film, frame, rowsShown(film, frame, order).rowOrder);
      const sums = fatePlanes(change, SIDE * COLS, SIDE * ROWS).map((plane) => Math.round(plane.reduce((a, b) => a + b) / SIDE ** 2));
      const { stay, fresh, gone } = changesAt(film, frame);
      assert.deepEqual(sums, [stay, fresh, gone]);
    }
  }
});

test("the first frame has no change, and the metric is the last one measured", () => {
  const film = blockedFilm(randomFrom(4));
  assert.deepEqual([changesAt(film, 0).fresh, changesAt(film, 0).gone], [0, 0]);
  assert.match(changeText(film, 0), /at the start/);
  assert.equal(lookAt(film, 1), null);
  assert.equal(lookAt(film, 2), 0.5);
  assert.match(measuredText(film, 4), /[Vv]alidation accuracy 75 %/);
  assert.match(filmText(film), /from 50 % to 75 %/);
  assert.equal(bitsAt(film, 4).length, film.size);
});

test("a share that is not known is no point of a curve, and a click finds the step it is at", () => {
  const film = blockedFilm(randomFrom(5));
  const curves = curvesOf(film);
  assert.equal(curves.stay.length, FRAMES - 2);
  assert.deepEqual(curves.metric, [[15, 0.5], [40, 0.75]]);
  assert.ok(Math.abs(stepUnder(film, 44, 400)) < 1e-9);
  assert.ok(Math.abs(stepUnder(film, 388, 400) - 40) < 1e-9);
});
