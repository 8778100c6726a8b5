// The toy: a layer of a few rows in which every weight is seen and moved. What is done shows at once; the server is told at rest.

import { decodeWire } from "../mask_view/wire.js";
import { CountMode } from "./count_mode.js";
import { keptCount, toyNow } from "./counting.js";
import { PairMode } from "./pair_mode.js";
import { RowsMode } from "./rows_mode.js";
import { ToggleMode } from "./toggle_mode.js";
import { setText } from "./grid.js";
import { cellLabel, sizeSentence } from "./words.js";

const TOYS = new WeakMap();
const TOY_MODES = { count: CountMode, rows: RowsMode, pair: PairMode, toggle: ToggleMode };
const TELL_AFTER_MS = 400; // several cells toggled one after another are told together

class ToyView {
  constructor(root) {
    this.root = root;
    this.resizing = new ResizeObserver(() => this.resize());
  }

  find(name) {
    return this.root.querySelector(`.toy-body .toy-${name}`);
  }

  /** A copy of a part of the markup. */
  template(name) {
    return this.root.querySelector(`template.toy-${name}-part`).content.firstElementChild.cloneNode(true);
  }

  close() {
    clearTimeout(this.telling);
    this.resizing.disconnect();
    this.mode?.stop?.();
    this.listening?.abort();
  }

  /** New data come with every run of the page: only another toy begins anew. */
  take(bytes, tell) {
    this.tell = tell;
    const told = decodeWire(bytes);
    this.root.toggleAttribute("data-covered", told.covered);
    if (told.edition === this.told?.edition) return this.uncover(told.covered);
    this.close();
    this.told = told;
    this.toldState = JSON.stringify(told.state);
    this.listening = new AbortController();
    this.root.dataset.mode = told.mode;
    this.root.querySelector(".toy-body").replaceChildren(this.template(told.mode));
    this.find("reset").addEventListener("click", () => this.reset(), { signal: this.listening.signal });
    this.mode = new TOY_MODES[told.mode](this);
    this.begin(told.state);
    this.resizing.observe(this.root);
  }

  /** What is counted and compared is kept back while covered: what shows it stands in .toy-answers, and none of it is said. */
  uncover(covered) {
    if (covered === this.told.covered) return;
    this.told.covered = covered;
    this.resize();
  }

  begin(state) {
    this.mode.stop?.();
    this.state = state;
    this.mode.build();
    this.resize();
  }

  reset() {
    this.begin(this.told.start);
    this.say("As at the start.");
    this.rest();
  }

  now() {
    return toyNow(this.told, this.state);
  }

  change(part) {
    this.state = { ...this.state, ...part };
    this.show();
  }

  toggle(row, column) {
    const rest = this.state.toggled.filter(([r, c]) => r !== row || c !== column);
    const toggled = rest.length < this.state.toggled.length ? rest : [...rest, [row, column]];
    this.change({ toggled: toggled.sort((a, b) => a[0] - b[0] || a[1] - b[1]) });
    const { kept, weights } = this.now();
    this.say(`${cellLabel(row, column, weights[row][column], kept[row][column])}. ${this.told.covered ? "" : this.mode.said()}`);
    this.rest();
  }

  /** Something has come to rest: tell the server what it has not been told. */
  rest() {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      const state = JSON.stringify(this.state);
      if (state === this.toldState) return;
      this.toldState = state;
      this.tell({ edition: this.told.edition, ...this.state });
    }, TELL_AFTER_MS);
  }

  say(text) {
    setText(this.root.querySelector(".toy-live"), text);
  }

  show() {
    this.mode.show();
    const { kept } = this.now();
    setText(this.root.querySelector(".toy-sentence"), sizeSentence(kept, keptCount(kept)));
    this.root.dataset.state = JSON.stringify(this.state);
  }

  resize() {
    const width = this.root.clientWidth;
    if (!this.mode || width === 0) return;
    const [wide, tall] = this.mode.cellSize(width);
    this.root.style.setProperty("--cell-wide", `${wide}px`);
    this.root.style.setProperty("--cell-tall", `${tall}px`);
    this.root.style.setProperty("--columns", this.told.inputs.length);
    this.show();
  }
}

export default function renderToy({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".toy");
  if (!TOYS.has(root)) TOYS.set(root, new ToyView(root));
  const view = TOYS.get(root);
  view.take(data, (state) => setStateValue("state", state));
  return () => {
    view.close();
    TOYS.delete(root);
  };
}
