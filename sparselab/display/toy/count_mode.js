// The product played step by step: dense, sparse and by blocks beside each other, on one clock of steps.

import { TOY_METHODS, countSteps, summedSteps } from "./counting.js";
import { blockEdges } from "./edges.js";
import { ToyGrid, remSize, setText } from "./grid.js";
import { motionIsUnwanted } from "./travelling.js";
import { stepSentence } from "./words.js";

const GAP = 24; // between panels, as toy.css has it
const SMALL_GAP = 12;
const LEAST_WITH_NUMBERS = 16;

export class CountMode {
  constructor(view) {
    this.view = view;
    this.playing = null;
    const { signal } = view.listening;
    const on = (name, type, handler) => view.find(name).addEventListener(type, handler, { signal });
    on("play", "click", () => (this.playing ? this.pause() : this.play()));
    on("back", "click", () => this.go(this.at - 1));
    on("forth", "click", () => this.go(this.at + 1));
    on("end", "click", () => this.go(this.total));
    on("scrubber", "input", ({ target }) => this.scrub(Number(target.value)));
    on("scrubber", "change", ({ target }) => this.go(Number(target.value)));
    matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", () => this.show(), { signal });
  }

  build() {
    const { view } = this;
    const toy = view.now();
    const names = Object.keys(TOY_METHODS).filter((name) => name !== "blocks" || toy.heights.length > 0);
    this.panels = names.map((name) => makePanel(view.template("panel"), name, toy));
    view.find("stage").replaceChildren(...this.panels.map((panel) => panel.element));
    this.total = Math.max(...this.panels.map((panel) => panel.steps.length));
    view.find("scrubber").max = String(this.total);
  }

  get at() {
    return Math.min(this.view.state.step, this.total);
  }

  cellSize(width) {
    const { told, root } = this.view;
    const [rows, columns, across] = [told.kept.length, told.inputs.length, this.panels.length];
    const most = Math.min(44, Math.floor((window.innerHeight * 0.5) / rows));
    const sizeOf = (gap, beside) => Math.min(most, Math.floor(((width - (across - 1) * gap) / across - beside) / columns) - 1);
    // All on one screen, so that a race is seen: where there is no room for numbers, cells alone.
    const whole = sizeOf(GAP, 4 * remSize() + 4);
    const isSmall = whole < LEAST_WITH_NUMBERS;
    const size = Math.max(3, isSmall ? sizeOf(SMALL_GAP, 2) : whole);
    root.toggleAttribute("data-small", isSmall);
    root.toggleAttribute("data-bare", size < LEAST_WITH_NUMBERS);
    return [size, size];
  }

  play() {
    if (this.at >= this.total) this.scrub(0);
    const tick = () => {
      if (this.at >= this.total) return this.pause();
      this.playing = setTimeout(tick, 1000 / Number(this.view.find("speed").value));
      this.scrub(this.at + 1, this.playing);
    };
    tick();
  }

  pause() {
    this.stop();
    this.show();
    this.view.rest();
  }

  stop() {
    clearTimeout(this.playing);
    this.playing = null;
  }

  scrub(step, playing = null) {
    if (!playing) this.stop();
    this.view.change({ step: Math.max(0, Math.min(this.total, step)) });
  }

  /** A step that somebody chose: it is said aloud, and told. */
  go(step) {
    this.scrub(step);
    this.view.say(`Step ${this.at} of ${this.total}. ${this.panels.map((panel) => `${panel.title}: ${panel.said}`).join(". ")}`);
    this.view.rest();
  }

  show() {
    const { view, at, total } = this;
    const toy = view.now();
    for (const panel of this.panels) showPanel(panel, toy, at);
    view.find("scrubber").value = String(at);
    view.find("scrubber").setAttribute("aria-valuetext", `step ${at} of ${total}`);
    setText(view.find("position"), `Step ${at} of ${total}`);
    setText(view.find("play"), this.playing ? "Pause" : at >= total ? "Play again" : "Play");
    view.find("play").hidden = view.find("speed-label").hidden = motionIsUnwanted();
    view.find("back").disabled = at === 0;
    view.find("forth").disabled = view.find("end").disabled = at >= total;
  }
}

function makePanel(element, name, toy) {
  const find = (part) => element.querySelector(`.toy-${part}`);
  const { title, steps, reads } = TOY_METHODS[name];
  element.dataset.method = name;
  setText(find("title"), title);
  setText(find("reads-name"), reads || "numbers read");
  const grid = new ToyGrid(find("picture"), { kind: "img" });
  grid.build(toy);
  return { element, find, title, grid, name, steps: steps(toy), edges: name === "blocks" ? blockEdges(toy) : () => "" };
}

function showPanel(panel, toy, at) {
  const { find, grid, steps, edges, name, title } = panel;
  const done = steps.slice(0, at);
  const now = at <= steps.length ? done.at(-1) : undefined;
  const multiplied = new Set(done.filter(([kind]) => kind === "multiply").map(([, row, column]) => `${row},${column}`));
  grid.paint((row, column) => {
    const [isKept, isDone] = [toy.kept[row][column], multiplied.has(`${row},${column}`)];
    const mark = now && now[1] === row && now[2] === column ? now[0] : "";
    const text = isKept ? toy.weights[row][column] : isDone ? "0" : "";
    return { kind: isKept ? (isDone ? "kept" : "waiting") : isDone ? "zero" : "pruned", text, mark, edges: edges(row, column) };
  });
  for (const [column, cell] of grid.given.cells) cell.dataset.mark = now?.[2] === column ? now[0] : "";
  const sums = summedSteps(toy, done);
  grid.paintOutputs(sums.map((sum, row) => (multiplied.size && done.some(([kind, at]) => kind === "multiply" && at === row) ? sum : "")));
  for (const [row, line] of grid.lines) line.last.dataset.mark = now?.[0] === "multiply" && now[1] === row ? "multiply" : "";
  const cost = countSteps(toy, done);
  setText(find("steps"), `${done.length} of ${steps.length} steps`);
  setText(find("multiplications"), cost.multiplications);
  setText(find("zeros"), cost.zeros);
  setText(find("reads"), cost.reads);
  find("progress").style.setProperty("--done", `${(100 * done.length) / Math.max(1, steps.length)}%`);
  find("progress").style.setProperty("--zeros", `${(100 * cost.zeros) / Math.max(1, steps.length)}%`);
  const sentence = now ? stepSentence(toy, now, name === "blocks") : at === 0 ? "not begun" : "done";
  setText(find("now"), sentence);
  panel.said = `${done.length} of ${steps.length} steps, ${cost.multiplications} multiplications, ${cost.zeros} of them by zero`;
  grid.host.setAttribute("aria-label", `${title}: ${panel.said}; ${sentence}`);
  panel.element.dataset.done = String(done.length);
}
