// Several masks of one layer beside each other. One zoom for all: the same rows and columns are in view on each.

import { decodeWire, sameBytes } from "../mask_view/wire.js";
import { makePicture } from "../mask_view/bits.js";
import { WHILE_MOVING, AT_REST } from "../mask_view/resample.js";
import { readTheme, peakDensity, niceCeiling, paintPicture } from "../mask_view/paint.js";
import { drawMarks } from "../mask_view/marks.js";
import { listenTo } from "../mask_view/gestures.js";
import { Movement } from "../mask_view/linked/movement.js";
import { pixelRatio, sideElements, showLegend, average, scaleText, ariaText } from "../mask_view/side.js";
import { cellAt, weightInWords } from "./readings.js";

const STILL_MS = 200;
const SHOWN = new WeakMap();

class Panes {
  constructor(root) {
    this.root = root;
    this.panes = [];
    this.listening = new AbortController();
    const { signal } = this.listening;
    for (const button of root.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => this.act(button.dataset.action), { signal });
    }
    this.resizing = new ResizeObserver(() => this.paint());
    this.resizing.observe(root);
    this.reading = {
      hover: (canvas, fx, fy) => this.read(canvas, fx, fy),
      pin: (canvas, fx, fy) => this.read(canvas, fx, fy),
      leave: () => this.read(null),
      unpin: () => this.read(null),
    };
  }

  close() {
    this.listening.abort();
    this.resizing.disconnect();
    this.movement?.stop();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.resting);
  }

  show(bytes) {
    this.theme = readTheme(this.root);
    if (!sameBytes(this.bytes, bytes)) this.take(bytes);
    this.paint();
  }

  take(bytes) {
    const data = decodeWire(bytes);
    const before = this.data;
    Object.assign(this, { bytes, data });
    if (this.panes.length !== data.panes.length) this.build(data.panes.length);
    else if (before.rows !== data.rows || before.cols !== data.cols) this.movement.reset();
    data.panes.forEach((side, i) => {
      const pane = this.panes[i];
      Object.assign(pane, { picture: makePicture(side), layout: null, marked: [] });
      pane.label.textContent = pane.label.title = side.label;
      pane.caption.textContent = side.caption;
      showLegend(pane.legend, pane.picture);
    });
    this.read(null);
  }

  build(size) {
    const { signal } = this.listening;
    const template = this.root.querySelector("template");
    const figures = Array.from({ length: size }, () => template.content.firstElementChild.cloneNode(true));
    this.root.querySelector(".panes-row").replaceChildren(...figures);
    this.panes = figures.map((figure) => ({ ...sideElements(figure), legend: figure.querySelector(".legend") }));
    this.movement?.stop();
    this.movement = new Movement(this.panes, () => this.paintSoon());
    for (const { canvas } of this.panes) listenTo(canvas, this, signal);
  }

  paintSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paint({ moving: true });
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.paint(), STILL_MS);
    });
  }

  /** Paint all panes on one scale; while moving as well as time allows, else exactly. */
  paint({ moving = false } = {}) {
    if (!this.data || this.panes.some(({ canvas }) => canvas.clientWidth === 0)) return;
    const ratio = pixelRatio();
    for (const pane of this.panes) average(pane, this.movement.viewOf(pane), moving ? WHILE_MOVING : AT_REST, ratio);
    const top = Math.max(...this.panes.map((pane) => niceCeiling(peakDensity(pane.planes))));
    for (const pane of this.panes) {
      const view = this.movement.viewOf(pane);
      paintPicture(pane.canvas, pane.picture, pane.layout, pane.planes, top, this.theme, ratio);
      pane.planes = null;
      pane.scale.textContent = pane.scale.title = scaleText(pane, top, this.theme, view);
      pane.canvas.setAttribute("aria-label", ariaText(this.data.title, pane));
    }
    const { x0, x1, y0, y1 } = this.movement.views[0];
    this.root.dataset.view = [x0, x1, y0, y1].map((edge) => edge.toFixed(6)).join(",");
    this.root.classList.toggle("zoomed", !this.movement.whole);
    this.mark();
  }

  read(canvas, fx, fy) {
    const pane = this.panes.find((each) => each.canvas === canvas);
    const cell = pane ? cellAt(pane.picture, this.movement.viewOf(pane), fx, fy) : null;
    for (const each of this.panes) each.marked = cell ? [cell] : [];
    this.root.querySelector(".readout").textContent = cell
      ? weightInWords(this.panes.map(({ picture }) => picture), cell)
      : "Point at a picture, or tap it: the same weight is ringed on all.";
    this.mark();
  }

  mark() {
    for (const pane of this.panes) {
      if (!pane.layout) continue;
      drawMarks(pane.marks, pane.layout, pane.marked, this.movement.viewOf(pane), this.theme, pixelRatio());
    }
  }

  act(action) {
    if (action === "fit") this.movement?.fit();
    if (action === "in") this.movement?.zoom(2, 0.5, 0.5, { smooth: true });
    if (action === "out") this.movement?.zoom(1 / 2, 0.5, 0.5, { smooth: true });
  }

  engaged() {
    return this.panes.some(({ canvas }) => canvas === this.root.getRootNode().activeElement);
  }
}

export default function render({ data, parentElement }) {
  const root = parentElement.querySelector(".panes");
  if (!SHOWN.has(root)) SHOWN.set(root, new Panes(root));
  const panes = SHOWN.get(root);
  panes.show(data);
  return () => {
    panes.close();
    SHOWN.delete(root);
  };
}
