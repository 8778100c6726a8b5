// The view itself: holds what is shown and what is in view, and repaints both sides when either changes.

import { decodeWire, sameBytes } from "./wire.js";
import { makePicture } from "./bits.js";
import { WHILE_MOVING, AT_REST } from "./resample.js";
import { FIT, panned, zoomed, between } from "./viewport.js";
import { readTheme, peakDensity, niceCeiling, paintPicture } from "./paint.js";
import { drawMarks } from "./marks.js";
import { listenTo } from "./gestures.js";
import { savePicture } from "./save.js";
import {
  pixelRatio,
  sideElements,
  describeSide,
  legendOf,
  legendColour,
  average,
  scaleText,
  ariaText,
  probe,
} from "./side.js";

const SETTLE_MS = 200;
const GLIDE_MS = 160;
const SLOW_MS = 28; // a moving frame beyond this: the next ones get half the pixels
const QUICK_MS = 8; // and back, once half the pixels cost no more than this
const VIEWS = new WeakMap();

class MaskView {
  constructor(root) {
    this.root = root;
    this.view = FIT;
    this.painted = 0;
    this.theme = readTheme(root);
    this.sides = [...root.querySelectorAll(".side")].map(sideElements);
    this.listening = new AbortController();
    this.listen(this.listening.signal);
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  listen(signal) {
    for (const side of this.sides) listenTo(side.canvas, this, signal);
    for (const button of this.root.querySelectorAll("button")) {
      button.addEventListener("click", () => this.act(button.dataset.action), { signal });
    }
    this.find(".contrast").addEventListener("change", () => this.paint(), { signal });
    window.addEventListener("resize", () => this.refresh(), { signal }); // the browser's own zoom changes the ratio
    this.resizing = new ResizeObserver(() => this.refresh());
    for (const side of this.sides) this.resizing.observe(side.canvas);
  }

  close() {
    this.listening.abort();
    this.resizing.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.settling);
    this.goal = null;
  }

  /** Repaint if the canvases changed their size: an observer also calls when nothing did. */
  refresh() {
    const ratio = pixelRatio();
    const fits = ({ canvas }) => canvas.width === Math.round(canvas.clientWidth * ratio)
      && canvas.height === Math.round(canvas.clientHeight * ratio);
    if (!this.shown().every(fits)) this.paint();
  }

  /** New data or a new theme: both arrive through the same call. */
  show(bytes) {
    this.theme = readTheme(this.root);
    if (!sameBytes(this.bytes, bytes)) this.take(bytes);
    this.paint();
    this.follow();
  }

  take(bytes) {
    const started = performance.now();
    const data = decodeWire(bytes);
    const sameShape = this.data?.rows === data.rows && this.data?.cols === data.cols;
    this.bytes = bytes;
    this.data = data;
    if (!sameShape) this.view = FIT;
    [data.left, data.right].forEach((side, i) => {
      // Until the next paint there is no layout: the old one speaks of other cells.
      Object.assign(this.sides[i], { picture: side && makePicture(side), layout: null, marked: [] });
    });
    this.root.dataset.decodeMs = (performance.now() - started).toFixed(1);
    this.describe();
  }

  describe() {
    const { title, note, digest, right } = this.data;
    this.find(".title").textContent = title;
    this.find(".note").textContent = right ? note : "";
    if (digest !== undefined) this.root.dataset.digest = String(digest);
    else delete this.root.dataset.digest;
    for (const side of this.sides) describeSide(side, note);
  }

  shown() {
    return this.sides.filter((side) => side.picture);
  }

  /** Paint both sides; while moving as well as time allows, else exactly. */
  paint({ moving = false } = {}) {
    const ratio = moving && this.slow ? pixelRatio() / 2 : pixelRatio();
    const budget = moving ? WHILE_MOVING : AT_REST;
    const sides = this.shown();
    if (!this.data || sides.some(({ canvas }) => canvas.clientWidth === 0)) return;
    const started = performance.now();
    clearTimeout(this.settling);
    for (const side of sides) average(side, this.view, budget, ratio);
    const peaks = this.scaleTops(sides);
    sides.forEach((side, i) => {
      paintPicture(side.canvas, side.picture, side.layout, side.planes, peaks[i], this.theme, ratio);
      side.planes = null; // at two megapixels and three kinds, too much to keep for nothing
      side.scale.textContent = scaleText(side, peaks[i], this.theme, this.view);
      side.canvas.setAttribute("aria-label", ariaText(this.data.title, side));
    });
    this.ratio = ratio;
    this.mark();
    this.report(moving, performance.now() - started);
  }

  scaleTops(sides) {
    const mode = this.find(".contrast").value;
    const peaks = sides.map((side) => (mode === "absolute" ? 1 : niceCeiling(peakDensity(side.planes))));
    return mode === "shared" ? peaks.map(() => Math.max(...peaks)) : peaks;
  }

  report(moving, ms) {
    const finest = !moving || (!this.slow && this.shown().every((side) => side.exact));
    if (moving) this.slow = ms > (this.slow ? QUICK_MS : SLOW_MS);
    if (moving) this.settling = setTimeout(() => this.settle(finest), SETTLE_MS);
    const { x0, x1, y0, y1 } = this.view;
    const state = this.root.dataset;
    state.view = [x0, x1, y0, y1].map((edge) => edge.toFixed(6)).join(",");
    state.paintMs = ms.toFixed(1);
    state.settled = String(!moving);
    state.painted = String(++this.painted);
  }

  settle(finest) {
    const held = this.shown().some(({ canvas }) => canvas.classList.contains("dragging"));
    if (held) this.settling = setTimeout(() => this.settle(finest), SETTLE_MS);
    else if (finest) this.root.dataset.settled = "true";
    else this.paint();
  }

  /** Paint soon, quickly: finer averages follow once the movement rests. */
  move(view) {
    this.view = view;
    this.root.dataset.settled = "false";
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paint({ moving: true });
      this.follow();
    });
  }

  pan(dx, dy) {
    this.goal = null;
    this.move(panned(this.view, dx, dy));
  }

  zoom(factor, fx, fy, { smooth = false } = {}) {
    const { picture, canvas } = this.sides[0];
    const frame = { width: canvas.clientWidth, height: canvas.clientHeight };
    const from = (smooth && this.goal) || this.view; // a second press continues where the first one is going
    const target = zoomed(from, factor, fx, fy, picture, frame);
    this.goal = null;
    if (smooth) this.glide(target);
    else this.move(target);
  }

  fit() {
    this.glide(FIT);
  }

  glide(target) {
    const from = this.view;
    const duration = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : GLIDE_MS;
    const started = performance.now();
    const step = (now) => {
      if (this.goal !== target) return;
      const t = now - started < duration ? Math.max(0, now - started) / duration : 1;
      this.move(t === 1 ? target : between(from, target, t * (2 - t)));
      if (t === 1) this.goal = null;
      else requestAnimationFrame(step);
    };
    this.goal = target;
    this.root.dataset.settled = "false";
    requestAnimationFrame(step);
  }

  act(action) {
    if (action === "fit") this.fit();
    if (action === "in") this.zoom(2, 0.5, 0.5, { smooth: true });
    if (action === "out") this.zoom(1 / 2, 0.5, 0.5, { smooth: true });
    if (action === "save") this.save();
  }

  engaged() {
    return this.sides.some((side) => side.canvas === this.root.getRootNode().activeElement);
  }

  hover(canvas, fx, fy) {
    const here = this.sides.find((side) => side.canvas === canvas);
    const inside = here?.layout && fx >= 0 && fx < 1 && fy >= 0 && fy < 1;
    if (!inside) return this.leave();
    this.pointer = { here, fx, fy };
    return this.follow();
  }

  leave() {
    this.pointer = null;
    this.follow();
  }

  /** What is under the pointer now: also after the picture moved below a pointer at rest. */
  follow() {
    for (const side of this.sides) side.marked = [];
    let text = this.shown().length === 1
      ? "Point at the picture to read a weight."
      : "Point at a picture to read a weight and find it on the other side.";
    if (this.pointer?.here.layout) {
      const { here, fx, fy } = this.pointer;
      const there = this.sides.find((side) => side !== here);
      text = probe(here, there, fx, fy, this.ratio);
    }
    this.find(".readout").textContent = text;
    this.root.dataset.cell = this.pointer?.here.weight ? Object.values(this.pointer.here.weight).join(",") : "";
    this.mark();
  }

  mark() {
    for (const side of this.shown()) {
      if (side.layout) drawMarks(side.marks, side.layout, side.marked ?? [], this.view, this.theme, this.ratio);
    }
  }

  save() {
    this.paint();
    const sides = this.shown().map(({ canvas, picture, scale }) => ({
      canvas, label: picture.label, caption: picture.caption, scale: scale.textContent,
      legend: legendOf(picture).map(({ name, text }) => ({ text, colour: legendColour(name, this.theme) })),
    }));
    savePicture(this.data.title, sides, this.theme, this.ratio);
  }
}

export default function render({ data, parentElement }) {
  const root = parentElement.querySelector(".mask-view");
  if (!VIEWS.has(root)) VIEWS.set(root, new MaskView(root));
  const view = VIEWS.get(root);
  view.show(data);
  return () => {
    view.close();
    VIEWS.delete(root);
  };
}
