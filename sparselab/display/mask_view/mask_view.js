// The view itself: holds what is shown and what is in view, and repaints both sides when either changes.

import { decodeWire, sameBytes } from "./wire.js";
import { makePicture } from "./bits.js";
import { WHILE_MOVING, AT_REST } from "./resample.js";
import { css, readTheme, peakDensity, niceCeiling, paintPicture } from "./paint.js";
import { drawMarks } from "./marks.js";
import { listenTo } from "./gestures.js";
import { savePicture } from "./save.js";
import { Movement } from "./linked/movement.js";
import { Reading } from "./linked/reading.js";
import { fitToWindow, watchWindow } from "./window/room.js";
import { listenToSwipes, nameTabs } from "./window/swipe.js";
import { listenToPresenter, present } from "./window/presenter.js";
import {
  pixelRatio,
  sideElements,
  describeSide,
  showLegend,
  showGroupsEntry,
  legendOf,
  legendColour,
  average,
  scaleText,
  ariaText,
} from "./side.js";

const SETTLE_MS = 200;
const LATE_MS = 300; // by then the page above has its height
const SLOW_MS = 28; // a moving frame beyond this: the next ones get half the pixels
const QUICK_MS = 8; // and back, once half the pixels cost no more than this
const VIEWS = new WeakMap();

class MaskView {
  constructor(root) {
    this.root = root;
    this.painted = 0;
    this.theme = readTheme(root);
    this.sides = [...root.querySelectorAll(".side")].map(sideElements);
    this.movement = new Movement(this.sides, () => this.paintSoon());
    this.reading = new Reading(this.sides, (text, weight) => this.tell(text, weight));
    this.listening = new AbortController();
    this.listen(this.listening.signal);
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  listen(signal) {
    for (const side of this.sides) listenTo(side.canvas, this, signal);
    listenToSwipes(this.root, (index) => (this.movement.leading = index), signal);
    listenToPresenter(this.root, { ask: (what) => this.ask(what), leave: () => this.act("present") }, signal);
    for (const button of this.root.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => this.act(button.dataset.action), { signal });
    }
    this.find(".contrast").addEventListener("change", () => this.paint(), { signal });
    watchWindow(({ sameRoom }) => {
      if (!sameRoom) fitToWindow(this.root);
      this.refresh(); // the browser's own zoom changes the ratio
    }, signal);
    this.resizing = new ResizeObserver(() => this.refresh());
    for (const side of this.sides) this.resizing.observe(side.canvas);
  }

  close() {
    this.listening.abort();
    this.resizing.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.settling);
    clearTimeout(this.fitting);
    this.movement.stop();
  }

  /** Repaint if the canvases changed their size: an observer also calls when nothing did. */
  refresh() {
    const ratio = pixelRatio();
    const fits = ({ canvas }) => canvas.width === Math.round(canvas.clientWidth * ratio)
      && canvas.height === Math.round(canvas.clientHeight * ratio);
    if (!this.shown().every(fits)) this.paint();
  }

  /** New data or a new theme: both arrive through the same call. */
  show(bytes, ask) {
    this.ask = ask;
    this.theme = readTheme(this.root);
    this.root.style.setProperty("--group", css(this.theme.group));
    if (!sameBytes(this.bytes, bytes)) this.take(bytes);
    this.paint();
    this.reading.follow();
    this.movement.align();
  }

  take(bytes) {
    const started = performance.now();
    const data = decodeWire(bytes);
    const sameShape = this.data?.rows === data.rows && this.data?.cols === data.cols;
    const presented = Boolean(data.presenter) !== Boolean(this.data?.presenter);
    this.bytes = bytes;
    this.data = data;
    if (!sameShape) this.movement.reset();
    if (!sameShape) this.answered = false;
    this.reading.renew({ sameShape });
    [data.left, data.right].forEach((side, i) => {
      // Until the next paint there is no layout: the old one speaks of other cells.
      Object.assign(this.sides[i], { picture: side && makePicture(side), layout: null, marked: [] });
    });
    this.root.dataset.decodeMs = (performance.now() - started).toFixed(1);
    this.describe();
    if (presented) present(this.root, Boolean(data.presenter));
    // Once for a layer, once more for its first answer, then never: turning knobs moves nothing.
    if (!sameShape || presented || (data.right && !this.answered)) this.fitSoon();
    this.answered ||= Boolean(data.right);
  }

  fitSoon() {
    fitToWindow(this.root);
    this.root.dataset.fitted = "false";
    clearTimeout(this.fitting);
    this.fitting = setTimeout(() => {
      if (fitToWindow(this.root)) this.refresh();
      this.root.dataset.fitted = "true";
    }, LATE_MS);
  }

  describe() {
    const { title, note, digest, left, right } = this.data;
    this.find(".title").textContent = title;
    this.find(".note").textContent = right ? note : "";
    if (digest !== undefined) this.root.dataset.digest = String(digest);
    else delete this.root.dataset.digest;
    for (const side of this.sides) describeSide(side, note);
    showLegend(this.find(".legend"), this.sides[1].picture ?? this.sides[0].picture);
    nameTabs(this.root, [left.label, right?.label ?? "after"]);
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
    for (const side of sides) average(side, this.movement.viewOf(side), budget, ratio);
    const peaks = this.scaleTops(sides);
    sides.forEach((side, i) => {
      paintPicture(side.canvas, side.picture, side.layout, side.planes, peaks[i], this.theme, ratio);
      side.planes = null; // at two megapixels and three kinds, too much to keep for nothing
      side.scale.textContent = side.scale.title = scaleText(side, peaks[i], this.theme, this.movement.viewOf(side));
    });
    this.ratio = this.reading.ratio = ratio;
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
    const edges = ({ x0, x1, y0, y1 }) => [x0, x1, y0, y1].map((edge) => edge.toFixed(6)).join(",");
    const state = this.root.dataset;
    [state.view, state.viewRight] = this.movement.views.map(edges);
    this.root.classList.toggle("zoomed", !this.movement.whole);
    state.paintMs = ms.toFixed(1);
    state.settled = String(!moving);
    state.painted = String(++this.painted);
    if (!moving) this.name();
  }

  settle(finest) {
    const held = this.shown().some(({ canvas }) => canvas.classList.contains("dragging"));
    const moves = this.movement.goal || this.frame; // a busy browser takes longer from one frame to the next
    if (held || moves) this.settling = setTimeout(() => this.settle(finest), SETTLE_MS);
    else if (this.movement.align()) this.root.dataset.settled = "false";
    else if (finest) this.rest();
    else this.paint();
  }

  rest() {
    this.name();
    this.root.dataset.settled = "true";
  }

  name() {
    showGroupsEntry(this.find(".legend"), this.shown().at(-1), this.ratio);
    for (const side of this.shown()) side.canvas.setAttribute("aria-label", ariaText(this.data.title, side));
  }

  /** Paint soon, quickly: finer averages follow once the movement rests. */
  paintSoon() {
    this.root.dataset.settled = "false";
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paint({ moving: true });
      this.reading.follow();
    });
  }

  act(action) {
    const { movement, reading } = this;
    const acts = {
      fit: () => movement.fit(),
      in: () => movement.zoom(2, 0.5, 0.5, { smooth: true }),
      out: () => movement.zoom(1 / 2, 0.5, 0.5, { smooth: true }),
      twin: () => this.goToTwin(),
      lock: () => this.lock(),
      save: () => this.save(),
      present: () => this.present(),
    };
    reading.leave(); // what was tapped moves; its ring stays
    acts[action]();
  }

  /** Move the other side to the ringed weight if it is in view, else to the one in the middle, which is then ringed. */
  goToTwin() {
    const { picture } = this.sides[this.movement.leading];
    if (!picture) return;
    const pinned = this.reading.pinnedCell(picture);
    const cell = pinned && this.movement.shows(pinned) ? pinned : this.movement.middle();
    this.reading.pinCell(picture, cell);
    this.movement.toTwin(cell);
  }

  lock() {
    this.movement.locked = !this.movement.locked;
    this.find("[data-action=lock]").setAttribute("aria-pressed", String(this.movement.locked));
    this.movement.align();
  }

  /** The whole screen, or the page again. The page is told: its address says which. */
  present() {
    const on = !this.root.classList.contains("presenting");
    present(this.root, on);
    this.fitSoon();
    this.ask(on ? "present" : "leave");
  }

  engaged() {
    return this.sides.some((side) => side.canvas === this.root.getRootNode().activeElement);
  }

  tell(text, weight) {
    this.find(".readout").textContent = text;
    this.root.dataset.cell = weight ? Object.values(weight).join(",") : "";
    this.mark();
  }

  mark() {
    for (const side of this.shown()) {
      if (side.layout) drawMarks(side.marks, side.layout, side.marked ?? [], this.movement.viewOf(side), this.theme, this.ratio);
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

export default function render({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".mask-view");
  if (!VIEWS.has(root)) VIEWS.set(root, new MaskView(root));
  const view = VIEWS.get(root);
  view.show(data, (what) => setTriggerValue("asked", what));
  return () => {
    view.close();
    VIEWS.delete(root);
  };
}
