// The reordering, seen: holds how far it is and which weight is followed, and repaints when either changes.

import { decodeWire, sameBytes } from "../mask_view/wire.js";
import { COVERED } from "../mask_view/bits.js";
import { css, niceCeiling, readTheme } from "../mask_view/paint.js";
import { percent } from "../mask_view/places.js";
import { legendColour } from "../mask_view/side.js";
import { END, clockAt, easedPosition, positionText, stepAt } from "./geometry.js";
import { makeReordering } from "./reordering.js";
import { makeFrames } from "./raster.js";
import { paintFrame } from "./inking.js";
import { FATES, followedText, nearestWeight, travellerOf } from "./following.js";
import { fitCanvas, motionUnwanted } from "./screen.js";
import { BAR, drawBar, drawFollowed } from "./stage.js";
import { startRecording, videoType } from "./recording.js";
import { legendTexts, meaningAt } from "./wording.js";

const STEP_MS = 3000;
const MOST_STRIPS = 2 ** 23; // numbers: 32 MB; a layer with more rows or columns is painted on fewer pixels
const WARM_MS = 100;
const PLAYERS = new WeakMap();

class MotionPlayer {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`.motion-${name}`);
    this.canvas = this.find("stage");
    this.raster = document.createElement("canvas");
    this.listening = new AbortController();
    this.listen(this.listening.signal);
  }

  listen(signal) {
    const on = (element, type, handler) => element.addEventListener(type, handler, { signal });
    on(this.find("play"), "click", () => this.press());
    on(this.find("scrubber"), "input", ({ target }) => this.scrub(Number(target.value)));
    on(this.find("follow"), "change", ({ target }) => this.follow(travellerOf(this.reordering, Number(target.value))));
    this.find("save").hidden = videoType() === null;
    on(this.find("save"), "click", () => this.saveVideo());
    on(this.canvas, "click", (event) => this.pick(event));
    on(matchMedia("(prefers-reduced-motion: reduce)"), "change", () => this.scrub(this.position));
    for (const button of this.root.querySelectorAll("[data-step]")) {
      on(button, "click", () => this.playStep(Number(button.dataset.step)));
    }
    this.resizing = new ResizeObserver(() => this.paint());
    this.resizing.observe(this.canvas);
  }

  close() {
    this.pause();
    clearTimeout(this.warming);
    this.listening.abort();
    this.resizing.disconnect();
  }

  /** New data or a new theme: both arrive through the same call. */
  show(bytes) {
    this.theme = readTheme(this.root);
    if (!sameBytes(this.bytes, bytes)) this.take(bytes);
    this.paint();
  }

  take(bytes) {
    this.pause();
    this.bytes = bytes;
    this.reordering = makeReordering(decodeWire(bytes));
    this.frames = null;
    this.position = 0;
    for (const option of this.find("follow").options) option.disabled = this.reordering.counts[option.value] === 0;
    const fate = FATES.find((each) => this.reordering.counts[each] > 0) ?? COVERED;
    this.find("follow").value = String(fate);
    this.followed = travellerOf(this.reordering, fate);
    this.find("legend").replaceChildren(...legendTexts(this.reordering).map(([name, text]) => {
      const item = document.createElement("li");
      item.className = name;
      item.textContent = text;
      return item;
    }));
    this.scrub(0);
  }

  press() {
    if (this.playing) return this.scrub(this.position);
    const from = this.position >= END ? 0 : this.position;
    if (motionUnwanted()) return this.scrub(Math.floor(from) + 1);
    return this.play(from, END);
  }

  playStep(step) {
    if (motionUnwanted()) this.scrub(step + 1);
    else this.play(step, step + 1);
  }

  play(from, to) {
    cancelAnimationFrame(this.playing);
    let clock = clockAt(from);
    let last = null;
    const tick = (now) => {
      clock = Math.min(to, clock + (last === null ? 0 : now - last) / STEP_MS);
      last = now;
      this.position = easedPosition(clock);
      this.playing = clock < to ? requestAnimationFrame(tick) : null;
      this.paint();
      if (!this.playing) this.endRecording();
    };
    this.playing = requestAnimationFrame(tick);
  }

  /** Play it once from the start and save that; pausing it ends the video there. */
  saveVideo() {
    this.scrub(0);
    const button = this.find("save");
    this.stopRecording = startRecording("reordering", () => this.shown(), () => {
      button.disabled = false;
      button.textContent = "Save as video";
    });
    button.disabled = true;
    button.textContent = "Recording";
    this.play(0, END);
  }

  /** What a frame of the video shows now. */
  shown() {
    const { reordering, position, theme, canvas, ratio } = this;
    const legend = legendTexts(reordering).map(([name, text]) => ({ text, colour: legendColour(name, theme) }));
    return { title: reordering.title, meaning: meaningAt(reordering, position), legend, theme, stage: canvas, ratio };
  }

  pause() {
    cancelAnimationFrame(this.playing);
    this.playing = null;
    this.endRecording();
  }

  endRecording() {
    this.stopRecording?.();
    this.stopRecording = null;
  }

  scrub(position) {
    this.pause();
    this.position = position;
    this.paint();
  }

  follow(weight) {
    this.followed = weight;
    this.paint();
  }

  pick(event) {
    const box = this.canvas.getBoundingClientRect();
    const [width, fx] = [box.width - BAR, (event.clientX - box.left - BAR) / (box.width - BAR)];
    const fy = (event.clientY - box.top) / box.height;
    const weight = nearestWeight(this.reordering, this.position, fx, fy, width / box.height);
    if (weight) this.follow(weight);
  }

  paint() {
    if (!this.reordering || this.canvas.clientWidth <= BAR) return;
    const started = performance.now();
    this.ratio = fitCanvas(this.canvas);
    this.prepare(this.canvas.width - Math.round(BAR * this.ratio), this.canvas.height);
    const { frames, image, theme } = this;
    const pixels = new Uint32Array(image.data.buffer);
    paintFrame(pixels, frames, this.position, theme, this.top);
    this.raster.getContext("2d").putImageData(image, 0, 0);
    this.draw();
    this.say();
    this.root.dataset.frameMs = (performance.now() - started).toFixed(1);
    this.root.dataset.frames = String(1 + Number(this.root.dataset.frames ?? 0));
  }

  /** The pixels to paint on, and the ink that is full colour: that of the densest pixel in either order. */
  prepare(wide, tall) {
    const width = Math.max(1, Math.min(wide, Math.floor(MOST_STRIPS / this.reordering.rows)));
    const height = Math.max(1, Math.min(tall, Math.floor(MOST_STRIPS / this.reordering.columns)));
    if (this.frames?.width === width && this.frames.height === height) return;
    this.frames = makeFrames(this.reordering, width, height);
    const densest = [0, 1, 2].map((at) => this.frames.travelling(at).ink.reduce((most, ink) => (ink > most ? ink : most), 0));
    this.top = niceCeiling(Math.min(1, Math.max(...densest)));
    Object.assign(this.raster, { width, height });
    clearTimeout(this.warming);
    this.warming = setTimeout(() => this.frames.arrived(), WARM_MS); // or the film would halt there when it comes to it
    this.image = this.raster.getContext("2d").createImageData(width, height);
  }

  draw() {
    const { ratio } = this;
    const [width, height] = [this.canvas.width / ratio - BAR, this.canvas.height / ratio];
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = css(this.theme.background);
    context.fillRect(0, 0, width + BAR, height);
    drawBar(context, this.reordering, this.position, height, this.theme);
    context.translate(BAR, 0);
    context.drawImage(this.raster, 0, 0, width, height);
    context.strokeStyle = css(this.theme.ink, 0.3);
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
    if (this.followed) drawFollowed(context, this.reordering, this.followed, this.position, width, height, this.theme);
  }

  say() {
    const { reordering, position } = this;
    const told = positionText(position);
    const meaning = meaningAt(reordering, position);
    this.find("position").textContent = told;
    // It is read aloud when it changes: once a step, not once a frame.
    if (this.find("meaning").textContent !== meaning) this.find("meaning").textContent = meaning;
    this.find("readout").textContent = this.followed ? followedText(reordering, this.followed, position) : "";
    this.find("scrubber").value = String(position);
    this.find("scrubber").setAttribute("aria-valuetext", told);
    this.canvas.setAttribute("aria-label", `Reordering of ${reordering.title}, ${told}. ${meaning}`);
    const shade = this.theme.dark ? "brightest" : "darkest";
    const most = this.top < 1 ? `${percent(this.top)} kept or more` : "every weight kept";
    this.find("scale").textContent = `${shade} = ${most}. Bar on the left: one colour a group of rows.`;
    const again = position >= END ? "Play again" : "Play";
    this.find("play").textContent = this.playing ? "Pause" : motionUnwanted() ? "Next step" : again;
    for (const button of this.root.querySelectorAll("[data-step]")) {
      const here = position > 0 && Number(button.dataset.step) === stepAt(position);
      if (here) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    }
  }
}

export default function renderMotion({ data, parentElement }) {
  const root = parentElement.querySelector(".motion");
  if (!PLAYERS.has(root)) PLAYERS.set(root, new MotionPlayer(root));
  const player = PLAYERS.get(root);
  player.show(data);
  return () => {
    player.close();
    PLAYERS.delete(root);
  };
}
