import assert from "node:assert/strict";
import test from "node:test";

import { COVERED, DROPPED, GROWN } from "../../../sparselab/display/mask_view/bits.js";
import { FATES, followedText, nearestWeight, travellerOf } from "../../../sparselab/display/motion/following.js";
import {
  clockAt, easedPosition, END, fillAt, placesAt, placesOf, positionText, shareOf, stepAt, weightPlace,
} from "../../../sparselab/display/motion/geometry.js";
import { paintFrame } from "../../../sparselab/display/motion/inking.js";
import { makeFrames } from "../../../sparselab/display/motion/raster.js";
import { eachWeight, fateOf, makeReordering } from "../../../sparselab/display/motion/reordering.js";
import { meaningAt } from "../../../sparselab/display/motion/wording.js";
import { packed, randomCells, randomFrom, upTo } from "./helpers.mjs";

const SIZES = [[1, 1, 7, 5], [9, 17, 9, 17], [12, 20, 31, 47], [30, 41, 11, 8], [8, 12, 80, 96]];
const PLACES = [0, 0.2, 0.5, 1, 1.3, 1.75, 2];

function shuffled(n, random) {
  const order = upTo(n);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const permuted = (cells, rows, columns) => [...rows].map((row) => [...columns].map((column) => cells[row][column]));

function example(rows, cols, seed) {
  const random = randomFrom(seed);
  const [before, after] = [randomCells(rows, cols, 0.4, random), randomCells(rows, cols, 0.4, random)];
  const [rowOrder, columnOrder] = [shuffled(rows, random), shuffled(cols, random)];
  const moved = permuted(after, rowOrder, columnOrder);
  const reordering = makeReordering({
    title: "layer", rows, cols, left: { before: packed(before) },
    right: { after: packed(moved), row_index: rowOrder, bands: [{ cols: columnOrder }], groups: Int32Array.of(0, rows >> 1, rows) },
  });
  return { before, after, rowOrder, columnOrder, reordering };
}

/** The mean of the cells below each pixel, straight from its definition. */
function means(cells, width, height) {
  const overlap = (from, to, start, stop) => Math.max(0, Math.min(to, stop) - Math.max(from, start));
  const [rows, cols] = [cells.length, cells[0].length];
  return Array.from({ length: width * height }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    let ink = 0;
    cells.forEach((line, row) => line.forEach((cell, column) => {
      if (!cell) return;
      const down = overlap(y, y + 1, (row * height) / rows, ((row + 1) * height) / rows);
      ink += down * overlap(x, x + 1, (column * width) / cols, ((column + 1) * width) / cols);
    }));
    return ink;
  });
}

const upright = (values, width, height) =>
  Array.from({ length: width * height }, (_, i) => values[(i % width) * height + Math.floor(i / width)]);

function near(found, expected) {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-5, `${i}: ${value} for ${expected[i]}`));
}

test("where rows and columns stand still every pixel is the mean of its weights, at both ends of each step", () => {
  for (const [rows, cols, width, height] of SIZES) {
    const { before, after, rowOrder, columnOrder, reordering } = example(rows, cols, rows);
    const frames = makeFrames(reordering, width, height);
    const shown = (position) => {
      const { ink, upright: turned } = frames.travelling(position);
      return turned ? upright(ink, width, height) : [...ink];
    };
    near(shown(0), means(before, width, height));
    near(shown(1), means(permuted(before, rowOrder, upTo(cols)), width, height));
    near(shown(1 + 1e-12), means(permuted(before, rowOrder, upTo(cols)), width, height));
    near(shown(2), means(permuted(before, rowOrder, columnOrder), width, height));
    const both = (keep) => permuted(before.map((line, r) => line.map((was, c) => Number(keep(was, after[r][c])))), rowOrder, columnOrder);
    const [covered, grown, dropped] = frames.arrived();
    near(covered, means(both((was, is) => was && is), width, height));
    near(grown, means(both((was, is) => !was && is), width, height));
    near(dropped, means(both((was, is) => was && !is), width, height));
  }
});

test("no ink is lost on the way", () => {
  for (const [rows, cols, width, height] of SIZES) {
    const { before, reordering } = example(rows, cols, 3);
    const frames = makeFrames(reordering, width, height);
    const kept = before.flat().reduce((sum, cell) => sum + cell, 0);
    for (const position of PLACES) {
      const ink = frames.travelling(position).ink.reduce((sum, value) => sum + value, 0);
      assert.ok(Math.abs(ink - (kept * width * height) / (rows * cols)) < 1e-3 * width * height);
    }
  }
});

test("the end is the mask after in its colours, and nothing of what was dropped", () => {
  const [background, ink] = [[255, 255, 255], [10, 20, 30]];
  const { after, rowOrder, columnOrder, reordering } = example(8, 12, 5);
  const frames = makeFrames(reordering, 12, 8);
  const pixels = new Uint32Array(96);
  const channels = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  paintFrame(pixels, frames, 3, { background, ink }, 1);
  permuted(after, rowOrder, columnOrder).flat().forEach((is, i) => {
    const [row, column] = [rowOrder[Math.floor(i / 12)], columnOrder[i % 12]];
    const colour = { [COVERED]: ink, [GROWN]: [230, 159, 0] }[fateOf(reordering, row, column)] ?? background;
    assert.deepEqual(channels(pixels[i]), colour);
    assert.equal(Boolean(is), colour !== background);
  });
  // The reordering alone and the start of filling look the same.
  const [arrived, filling] = [new Uint32Array(96), new Uint32Array(96)];
  paintFrame(arrived, frames, 2, { background, ink }, 1);
  paintFrame(filling, frames, 2 + 1e-9, { background, ink }, 1);
  assert.deepEqual(arrived, filling);
});

test("a row's place runs from the old to the new one, straight and without turning back", () => {
  const places = placesOf(shuffled(25, randomFrom(4)));
  assert.deepEqual([...placesAt(places, 0)], [...upTo(25)]);
  assert.deepEqual([...placesAt(places, 1)], [...places]);
  let last = placesAt(places, 0);
  for (let share = 0.1; share <= 1; share += 0.1) {
    const now = placesAt(places, share);
    now.forEach((place, index) => assert.ok((place - last[index]) * (places[index] - index) >= 0));
    last = now;
  }
});

test("a position is one step and a share of it, and says so", () => {
  assert.equal(positionText(0), "start: as in the file");
  assert.equal(positionText(0.4), "rows: 40 % of the way");
  assert.equal(positionText(1), "rows: 100 % of the way");
  assert.equal(positionText(1.005), "columns: 0 % of the way");
  assert.equal(positionText(3), "fill and drop: 100 % of the way");
  for (const clock of [...upTo(100 * END + 1)].map((hundredth) => hundredth / 100)) {
    const position = easedPosition(clock);
    assert.equal(stepAt(position), stepAt(clock));
    assert.ok(Math.abs(clockAt(position) - clock) < 1e-6);
    for (const share of [shareOf(stepAt(position), position), ...Object.values(fillAt(position))]) assert.ok(share >= 0 && share <= 1);
  }
  assert.deepEqual([0, 1, 2, 3].map(easedPosition), [0, 1, 2, 3]);
});

test("every weight is met once with what becomes of it", () => {
  const { before, after, reordering } = example(9, 17, 6);
  const met = new Map();
  eachWeight(reordering, (row, column, fate) => {
    assert.ok(!met.has(`${row},${column}`));
    met.set(`${row},${column}`, fate);
  });
  before.forEach((line, row) => line.forEach((was, column) => {
    const is = after[row][column];
    const expected = was ? (is ? COVERED : DROPPED) : is ? GROWN : undefined;
    assert.equal(met.get(`${row},${column}`), expected);
  }));
});

test("a followed weight is pointed at where it is, all along", () => {
  const { reordering } = example(12, 20, 7);
  for (const fate of FATES) {
    const weight = travellerOf(reordering, fate);
    assert.equal(fateOf(reordering, weight.row, weight.column), fate);
    for (const position of fate === GROWN ? [2.5, 3] : [0, 1, 2, 2.5]) {
      const place = weightPlace(reordering, weight, position);
      const [fx, fy] = [(place.column + 0.5) / 20, (place.row + 0.5) / 12];
      assert.deepEqual(nearestWeight(reordering, position, fx, fy, 2), weight);
    }
    const end = weightPlace(reordering, weight, 2);
    assert.equal(reordering.rowOrder[end.row], weight.row);
    assert.equal(reordering.columnOrder[end.column], weight.column);
    assert.match(followedText(reordering, weight, 3), new RegExp(`row ${weight.row}, column ${weight.column}: .*arrived at place ${end.row} down`));
  }
});

test("what is said of each moment is counted", () => {
  const { before, reordering } = example(12, 20, 8);
  const kept = before.flat().filter(Boolean).length;
  const { counts } = reordering;
  assert.equal(counts[COVERED] + counts[DROPPED], kept);
  assert.match(meaningAt(reordering, 0), new RegExp(`${kept} of 240 weights`));
  assert.match(meaningAt(reordering, 3), new RegExp(`${counts[COVERED]} of ${kept} kept .*${counts[GROWN]} grew, ${counts[DROPPED]} dropped`));
  const resting = { ...reordering, rowPlaces: upTo(12) };
  assert.match(meaningAt(resting, 0.5), /rows stay/);
  assert.match(meaningAt({ ...reordering, counts: [kept, 0, 0] }, 2.5), /nothing is to fill/);
});
