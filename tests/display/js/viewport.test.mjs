import assert from "node:assert/strict";
import test from "node:test";

import { between, FIT, isFit, panned, spanX, spanY, zoomed } from "../../../sparselab/display/mask_view/viewport.js";
import { randomFrom } from "./helpers.mjs";

const PICTURE = { width: 4608, height: 512 };
const FRAME = { width: 600, height: 460 };

const isInside = ({ x0, x1, y0, y1 }) => x0 >= 0 && y0 >= 0 && x1 <= 1 && y1 <= 1 && x0 < x1 && y0 < y1;

test("no way of moving leaves the mask", () => {
  const random = randomFrom(6);
  let view = FIT;
  for (let step = 0; step < 2000; step++) {
    view = random() < 0.5
      ? panned(view, 4 * random() - 2, 4 * random() - 2)
      : zoomed(view, 2 ** (4 * random() - 2), random(), random(), PICTURE, FRAME);
    assert.ok(isInside(view), JSON.stringify(view));
  }
});

test("panning keeps the size of what is in view", () => {
  const view = { x0: 0.2, x1: 0.4, y0: 0.5, y1: 0.6 };
  for (const [dx, dy] of [[0.3, -0.2], [-9, 9]]) {
    const moved = panned(view, dx, dy);
    assert.ok(Math.abs(spanX(moved) - spanX(view)) < 1e-12 && Math.abs(spanY(moved) - spanY(view)) < 1e-12);
  }
});

test("zooming in leaves the point under the pointer where it is", () => {
  const random = randomFrom(7);
  for (let step = 0; step < 200; step++) {
    const [fx, fy] = [random(), random()];
    const near = zoomed(FIT, 1 + 3 * random(), fx, fy, PICTURE, FRAME);
    assert.ok(Math.abs(near.x0 + fx * spanX(near) - fx) < 1e-9);
    assert.ok(Math.abs(near.y0 + fy * spanY(near) - fy) < 1e-9);
  }
});

test("zooming out far enough shows everything", () => {
  const near = zoomed(FIT, 20, 0.3, 0.8, PICTURE, FRAME);
  assert.ok(!isFit(near));
  assert.ok(isFit(zoomed(near, 1 / 1000, 0.5, 0.5, PICTURE, FRAME)));
});

test("a glide starts at its start and ends at its end", () => {
  const target = { x0: 0.25, x1: 0.5, y0: 0, y1: 0.5 };
  assert.deepEqual(between(FIT, target, 0), { ...FIT });
  assert.deepEqual(between(FIT, target, 1), target);
});
