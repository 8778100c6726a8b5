// The film, seen: holds which frame is shown, and repaints when that or the theme changes.

import { decodeWire, sameBytes } from "../mask_view/wire.js";
import { GREEN, ORANGE, SKY_BLUE, css, niceCeiling, readTheme } from "../mask_view/paint.js";
import { percent } from "../mask_view/places.js";
import { fatePlanes } from "../motion/raster.js";
import { inkMixed, mixed } from "../motion/inking.js";
import { startRecording, videoType } from "../motion/recording.js";
import { fitCanvas, motionUnwanted } from "../motion/screen.js";
import { ROW_ORDERS, blocksShown, changeAt, makeFilm, rowsShown } from "./frames.js";
import { curveColour, drawCurves, stepUnder } from "./curves.js";
import { changeText, curveNames, filmText, measuredText, placeText } from "./wording.js";

const FILM_PLAYERS = new WeakMap();
const OUTLINED_FROM = 3; // CSS pixels a weight: below, outlines would hide what they surround
const KEYS = { ArrowLeft: -1, ArrowRight: 1, ",": -1, ".": 1 };
const CHANGE_TEXTS = { covered: "kept", grown: "new since the frame before", dropped: "gone since the frame before" };
const VIDEO_GAP = 12;

class FilmPlayer {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`.film-${name}`);
    this.canvas = this.find("stage");
    this.curves = this.find("curves");
    this.raster = document.createElement("canvas");
    this.listening = new AbortController();
    this.listen(this.listening.signal);
  }

  listen(signal) {
    const on = (element, type, handler) => element.addEventListener(type, handler, { signal });
    on(this.find("play"), "click", () => this.press());
    on(this.find("back"), "click", () => this.step(-1));
    on(this.find("next"), "click", () => this.step(1));
    on(this.find("scrubber"), "input", ({ target }) => this.show(Number(target.value)));
    on(this.find("order"), "change", () => this.paint());
    on(this.find("save"), "click", () => this.saveVideo());
    on(this.curves, "click", (event) => this.pick(event));
    on(this.canvas, "keydown", (event) => this.key(event));
    on(matchMedia("(prefers-reduced-motion: reduce)"), "change", () => this.show(Math.floor(this.position)));
    this.find("save").hidden = videoType() === null;
    this.resizing = new ResizeObserver(() => this.paint());
    this.resizing.observe(this.canvas);
    this.resizing.observe(this.curves);
  }

  close() {
    this.pause();
    this.listening.abort();
    this.resizing.disconnect();
  }

  /** New data or a new theme: both arrive through the same call. */
  take(bytes) {
    this.theme = readTheme(this.root);
    for (const name of ["metric", "together"]) this.root.style.setProperty(`--film-${name}`, css(curveColour(name, this.theme)));
    this.root.style.setProperty("--film-group", css(this.theme.group));
    if (!sameBytes(this.bytes, bytes)) this.load(bytes);
    else this.paint();
  }

  load(bytes) {
    this.pause();
    this.bytes = bytes;
    this.film = makeFilm(decodeWire(bytes));
    const { film } = this;
    Object.assign(this.find("scrubber"), { min: 0, max: film.length - 1, value: 0, disabled: film.length < 2 });
    for (const name of ["play", "back", "next", "save"]) this.find(name).disabled = film.length < 2;
    const orders = film.groups === null ? ["file"] : Object.keys(ROW_ORDERS);
    this.find("order").replaceChildren(...orders.map((name) => new Option(ROW_ORDERS[name], name, false, name === "last")));
    this.find("ordering").hidden = orders.length < 2;
    this.find("rate").value = String(film.rate);
    this.find("note").textContent = film.note;
    this.find("summary").textContent = filmText(film);
    this.find("legend").replaceChildren(...Object.entries(this.legend()).map(([name, text]) => legendLine(name, text)));
    this.find("names").replaceChildren(...curveNames(film).map(([name, text]) => legendLine(name, text)));
    this.planes = null;
    this.show(0);
  }

  legend() {
    return this.film.groups === null ? CHANGE_TEXTS : { ...CHANGE_TEXTS, blocks: "between groups of rows that share blocks" };
  }

  press() {
    if (this.playing) return this.show(Math.floor(this.position));
    const from = this.position >= this.last ? 0 : this.position;
    if (motionUnwanted()) return this.show(Math.floor(from) + (this.position >= this.last ? 0 : 1));
    return this.play(from);
  }

  get last() {
    return this.film.length - 1;
  }

  play(from) {
    cancelAnimationFrame(this.playing);
    this.position = from;
    let earlier = null;
    const tick = (now) => {
      const gone = earlier === null ? 0 : (now - earlier) / 1000;
      earlier = now;
      this.position = Math.min(this.last, this.position + gone * Number(this.find("rate").value));
      this.playing = this.position < this.last ? requestAnimationFrame(tick) : null;
      this.paint();
      if (!this.playing) this.endRecording();
    };
    this.playing = requestAnimationFrame(tick);
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

  /** Stand still at a frame. */
  show(frame) {
    this.pause();
    this.position = Math.min(this.last, Math.max(0, frame));
    this.paint();
  }

  step(by) {
    this.show(by < 0 ? Math.ceil(this.position) + by : Math.floor(this.position) + by);
  }

  key(event) {
    const to = { Home: 0, End: this.last }[event.key];
    if (event.key in KEYS) this.step(KEYS[event.key]);
    else if (to !== undefined) this.show(to);
    else if (event.key === " ") this.press();
    else return;
    event.preventDefault();
  }

  pick(event) {
    const box = this.curves.getBoundingClientRect();
    const at = stepUnder(this.film, event.clientX - box.left, box.width);
    const far = [...this.film.at].map((place) => Math.abs(place - at));
    this.show(far.indexOf(Math.min(...far)));
  }

  /** Play it once from the start and save that; pausing it ends the video there. */
  saveVideo() {
    this.show(0);
    const button = this.find("save");
    this.stopRecording = startRecording("film", () => this.shown(), () => {
      button.disabled = false;
      button.textContent = "Save as video";
    });
    button.disabled = true;
    button.textContent = "Recording";
    this.play(0);
  }

  /** What a frame of the video shows now: the mask, and the curves below it. */
  shown() {
    const { film, theme, canvas, curves, ratio } = this;
    this.sheet ??= document.createElement("canvas");
    const [width, height] = [Math.max(canvas.width, curves.width), canvas.height + curves.height + Math.round(VIDEO_GAP * ratio)];
    if (this.sheet.width !== width || this.sheet.height !== height) Object.assign(this.sheet, { width, height });
    const pen = this.sheet.getContext("2d");
    pen.fillStyle = css(theme.background);
    pen.fillRect(0, 0, width, height);
    pen.drawImage(canvas, 0, 0);
    pen.drawImage(curves, 0, height - curves.height);
    const colours = { covered: theme.ink, grown: ORANGE, dropped: SKY_BLUE, blocks: theme.group };
    const legend = [
      ...Object.entries(this.legend()).map(([name, text]) => ({ text, colour: colours[name] })),
      ...curveNames(film).filter(([name]) => name !== "chance").map(([name, text]) => ({ text, colour: curveColour(name, theme) })),
    ];
    return { title: film.title, meaning: placeText(film, Math.floor(this.position)), legend, theme, stage: this.sheet, ratio };
  }

  paint() {
    if (!this.film || this.canvas.clientWidth === 0) return;
    const started = performance.now();
    this.ratio = fitCanvas(this.canvas);
    fitCanvas(this.curves);
    const frame = Math.min(this.last, Math.floor(this.position));
    this.prepare(frame);
    this.ink(this.position - frame);
    this.draw(frame);
    const context = this.curves.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    drawCurves(context, this.film, this.position, this.curves.width / this.ratio, this.curves.height / this.ratio, this.theme);
    this.say(frame);
    this.root.dataset.frameMs = (performance.now() - started).toFixed(1);
    this.root.dataset.frames = String(1 + Number(this.root.dataset.frames ?? 0));
  }

  /** The ink of a frame and of what changed, made once a frame. */
  prepare(frame) {
    const order = this.find("order").value;
    const { width, height } = this.canvas;
    const key = `${frame}|${order}|${width}|${height}`;
    if (this.planes?.key === key) return;
    const { rowOrder, edges } = rowsShown(this.film, frame, order);
    const change = changeAt(this.film, frame, rowOrder);
    const inks = fatePlanes(change, width, height);
    this.planes = { key, inks, edges, change, order };
    const sized = `${order}|${width}|${height}|${this.film.title}`;
    if (this.sized === sized) return;
    this.sized = sized;
    Object.assign(this.raster, { width, height });
    this.image = this.raster.getContext("2d").createImageData(width, height);
    this.top = this.densest(order, width, height);
  }

  /** The ink that is full colour: that of the densest pixel of the first, a middle and the last frame. */
  densest(order, width, height) {
    let most = 0;
    for (const frame of [0, this.last >> 1, this.last]) {
      const [covered, grown] = fatePlanes(changeAt(this.film, frame, rowsShown(this.film, frame, order).rowOrder), width, height);
      for (let i = 0; i < covered.length; i++) most = Math.max(most, covered[i] + grown[i]);
    }
    return niceCeiling(Math.min(1, most));
  }

  /** What is new turns into what is kept, and what is gone fades, while the next frame comes. */
  ink(share) {
    const { theme, image } = this;
    const colours = [theme.ink, mixed(ORANGE, theme.ink, share), SKY_BLUE];
    inkMixed(new Uint32Array(image.data.buffer), this.planes.inks, colours, [1, 1 - share], theme.background, this.top);
    this.raster.getContext("2d").putImageData(image, 0, 0);
  }

  draw(frame) {
    const { ratio, film, theme, planes } = this;
    const [width, height] = [this.canvas.width / ratio, this.canvas.height / ratio];
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.drawImage(this.raster, 0, 0, width, height);
    const [wide, tall] = [width / film.columns, height / film.rows];
    context.fillStyle = css(theme.group);
    for (const edge of planes.edges) context.fillRect(0, Math.round(edge * tall), width, 1);
    const own = planes.order === "each" || (planes.order === "last" && frame === this.last);
    if (own && Math.min(wide, tall) >= OUTLINED_FROM) {
      context.strokeStyle = css(GREEN);
      for (const [top, bottom, left, right] of blocksShown(planes.change, planes.edges)) {
        context.strokeRect(left * wide + 0.5, top * tall + 0.5, (right - left) * wide - 1, (bottom - top) * tall - 1);
      }
    }
    context.strokeStyle = css(theme.ink, 0.3);
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
  }

  say(frame) {
    const { film } = this;
    const place = placeText(film, frame);
    this.find("position").textContent = place;
    this.find("readout").textContent = [changeText(film, frame), measuredText(film, frame)].filter(Boolean).join(" ");
    // Read aloud where it stands still, not thirty times a second.
    this.find("readout").setAttribute("aria-live", this.playing ? "off" : "polite");
    this.find("scrubber").value = String(frame);
    this.find("scrubber").setAttribute("aria-valuetext", place);
    this.canvas.setAttribute("aria-label", `Mask of ${film.title}. ${place}. ${changeText(film, frame)} Arrow keys: frame by frame.`);
    this.curves.setAttribute("aria-label", `Curves. ${filmText(film)} ${measuredText(film, frame)}`);
    this.find("back").disabled = frame === 0;
    this.find("next").disabled = frame === this.last;
    const again = this.last > 0 && this.position >= this.last ? "Play again" : "Play";
    this.find("play").textContent = this.playing ? "Pause" : motionUnwanted() ? "Next frame" : again;
    const most = this.top < 1 ? `${percent(this.top)} kept or more` : "every weight kept";
    this.find("scale").textContent = `${this.theme.dark ? "Brightest" : "Darkest"} = ${most}.`;
  }
}

function legendLine(name, text) {
  const item = document.createElement("li");
  item.className = name;
  item.textContent = text;
  return item;
}

export default function renderFilm({ data, parentElement }) {
  const root = parentElement.querySelector(".film");
  if (!FILM_PLAYERS.has(root)) FILM_PLAYERS.set(root, new FilmPlayer(root));
  const player = FILM_PLAYERS.get(root);
  player.take(data);
  return () => {
    player.close();
    FILM_PLAYERS.delete(root);
  };
}
