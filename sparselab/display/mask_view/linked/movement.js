// What is in view of each side, how it moves, and how one side follows the other.

import { FIT, isFit, isInView, isSameView, panned, zoomed, between } from "../viewport.js";
import { middleCell, twinView } from "./twins.js";

const GLIDE_MS = 160;

export class Movement {
  /** `sides`: their pictures and canvases. `changed()`: a frame is due; the end of movement is the owner's to see. */
  constructor(sides, changed) {
    this.sides = sides;
    this.changed = changed;
    this.locked = false;
    this.leading = 0; // the side last touched: the other one follows it
    this.reset();
  }

  reset() {
    this.goal = null;
    this.views = this.sides.map(() => FIT); // of equal extent; the same until one side is moved to its twin
  }

  stop() {
    this.goal = null;
  }

  get whole() {
    return isFit(this.views[0]);
  }

  viewOf(side) {
    return this.views[this.sides.indexOf(side)];
  }

  lead(canvas) {
    this.leading = this.sides.findIndex((side) => side.canvas === canvas);
  }

  move(views) {
    this.views = views;
    this.changed();
  }

  /** Whether a side stays where it is while the other one is moved: locked, it follows once that rests. */
  waits(index) {
    return this.locked && index !== this.leading;
  }

  pan(dx, dy) {
    this.goal = null;
    this.move(this.views.map((view, i) => (this.waits(i) ? view : panned(view, dx, dy))));
  }

  zoom(factor, fx, fy, { smooth = false } = {}) {
    const { picture, canvas } = this.sides[0];
    const frame = { width: canvas.clientWidth, height: canvas.clientHeight };
    const from = (smooth && this.goal) || this.views; // a second press continues where the first one is going
    const point = (i) => (this.waits(i) ? [0.5, 0.5] : [fx, fy]);
    const target = from.map((view, i) => zoomed(view, factor, ...point(i), picture, frame));
    this.goal = null;
    if (smooth) this.glide(target);
    else this.move(target);
  }

  fit() {
    this.glide(this.sides.map(() => FIT));
  }

  glide(target) {
    const from = this.views;
    const duration = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : GLIDE_MS;
    const started = performance.now();
    const step = (now) => {
      if (this.goal !== target) return;
      const elapsed = Math.max(0, now - started); // a frame's time is that of its beginning
      const t = elapsed < duration ? elapsed / duration : 1;
      if (t === 1) this.goal = null;
      this.move(t === 1 ? target : target.map((view, i) => between(from[i], view, t * (2 - t))));
      if (t < 1) requestAnimationFrame(step);
    };
    this.goal = target;
    requestAnimationFrame(step);
    this.changed(); // said at once; the frame comes after the first step
  }

  /** The cell in the middle of the side last touched. */
  middle() {
    const { picture } = this.sides[this.leading];
    return picture && middleCell(picture, this.views[this.leading]);
  }

  shows({ row, column }) {
    const { picture } = this.sides[this.leading];
    return isInView(this.views[this.leading], (column + 0.5) / picture.width, (row + 0.5) / picture.height);
  }

  /** Move the other side to the weight of a cell of this one; return whether it has to move. */
  toTwin(cell) {
    const other = 1 - this.leading;
    const [here, there] = [this.sides[this.leading].picture, this.sides[other].picture];
    const view = here && there && twinView(here, cell, there, this.views[other]);
    if (!view || isSameView(view, this.views[other])) return false;
    this.glide(this.views.map((old, i) => (i === other ? view : old)));
    return true;
  }

  /** Locked and at rest: move the other side to what this one shows; return whether it has to move. */
  align() {
    return this.locked && Boolean(this.sides[this.leading].picture) && this.toTwin(this.middle());
  }
}
