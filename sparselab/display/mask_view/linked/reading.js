// Which weight is read out and ringed on both sides: the one under the pointer, else the one that was pinned.

import { probe } from "../side.js";
import { cellsOf, weightAt } from "../places.js";
import { ringWeight } from "./twins.js";

export class Reading {
  /** `told(text, weight)`: what the readout says, and the original weight under the pointer; then the marks are to be drawn. */
  constructor(sides, told) {
    this.sides = sides;
    this.told = told;
    this.ratio = 1;
    this.pointer = null;
    this.pinned = null;
  }

  hover(canvas, fx, fy) {
    const here = this.sides.find((side) => side.canvas === canvas);
    const inside = here?.layout && fx >= 0 && fx < 1 && fy >= 0 && fy < 1;
    this.pointer = inside ? { here, fx, fy } : null;
    this.follow();
  }

  /** Keep the ring of the weight at (fx, fy), wherever it is shown next. */
  pin(canvas, fx, fy) {
    this.hover(canvas, fx, fy);
    this.pinned = this.pointer?.here.weight ?? null;
    this.tapped = Boolean(this.pointer);
  }

  /** Pin the weight of a displayed cell, as one that nothing points at. */
  pinCell(picture, cell) {
    this.pinned = weightAt(picture, cell.row, cell.column);
    this.leave();
  }

  /** Where a picture shows the pinned weight. */
  pinnedCell(picture) {
    return this.pinned && picture ? cellsOf(picture, this.pinned)[0] : undefined;
  }

  unpin() {
    this.pinned = null;
    this.leave();
  }

  leave() {
    this.pointer = null;
    this.follow();
  }

  /** Other cells come: a finger that was lifted does not point at them; a mouse at rest does. */
  renew({ sameShape }) {
    if (!sameShape) this.pinned = null;
    if (this.tapped && matchMedia("(hover: none)").matches) this.pointer = null;
  }

  /** What is under the pointer now: also after the picture moved below a pointer at rest. */
  follow() {
    for (const side of this.sides) side.marked = [];
    let text = "";
    if (this.pointer?.here.layout) {
      const { here, fx, fy } = this.pointer;
      text = probe(here, this.sides.find((side) => side !== here), fx, fy, this.ratio);
    } else if (this.pinned) text = ringWeight(this.sides, this.pinned);
    this.told(text || this.invitation(), this.pointer ? this.pointer.here.weight : this.pinned);
  }

  invitation() {
    const verb = matchMedia("(hover: none)").matches ? "Tap" : "Point at";
    return this.sides.filter((side) => side.picture).length === 1
      ? `${verb} the picture to read a weight.`
      : `${verb} a picture to read a weight and find it on the other side.`;
  }
}
