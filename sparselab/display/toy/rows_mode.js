// Rows and columns moved by hand, by buttons, or by the machine: the product stays, the zeros in the blocks change.

import { countSteps, groupedColumns, keptCount, movedTo, permutedProduct, toyBlocks, toyProduct, TOY_METHODS } from "./counting.js";
import { clampPlace, listenToHandles, makeHandle } from "./dragging.js";
import { blockEdges } from "./edges.js";
import { ToyGrid, remSize, setText } from "./grid.js";
import { blocksSentence, equalSentence, movedSentence } from "./words.js";

const ASIDE_MS = 160;
const SORT_MS = 900;
const ROOM_FOR_ASIDE = 900;

export class RowsMode {
  constructor(view) {
    this.view = view;
    const { signal } = view.listening;
    const on = (name, handler) => view.find(name).addEventListener("click", handler, { signal });
    on("sort", () => this.sort());
    on("earlier", () => this.step(-1));
    on("later", () => this.step(1));
    this.grid = new ToyGrid(view.template("picture"), { kind: "table", head: makeHandle });
    view.find("stage").replaceChildren(this.grid.host);
    const handlers = { moved: (...move) => this.move(...move), rested: (...move) => this.rest(...move) };
    listenToHandles(this.grid, handlers, signal);
  }

  build() {
    const { view } = this;
    this.byHand = null;
    this.grid.build(view.now());
    const options = (axis, count) => {
      const group = document.createElement("optgroup");
      group.label = axis === "row" ? "Rows" : "Columns";
      group.append(...Array.from({ length: count }, (_, id) => new Option(`${axis} ${id}`, `${axis} ${id}`)));
      return group;
    };
    view.find("which").replaceChildren(options("row", view.told.kept.length), options("column", view.told.inputs.length));
    const hasBlocks = view.told.heights.length > 0;
    for (const name of ["sort", "bar", "blocks"]) view.find(name).hidden = !hasBlocks;
  }

  cellSize(width) {
    const { kept, inputs } = this.view.told;
    const rem = remSize();
    const room = (width >= ROOM_FOR_ASIDE ? width - 18 * rem : width) - 5.25 * rem - 8; // beside the head and the output
    const wide = Math.max(12, Math.min(56, Math.floor(room / inputs.length) - 1));
    const tall = Math.max(26, Math.min(wide, Math.floor(window.innerHeight * 0.56 / (kept.length + 2))));
    return [Math.min(wide, Math.round(1.5 * tall)), tall];
  }

  /** While a row or column moves: the others step aside, and everything is counted anew. */
  move(axis, id, place, handle) {
    const { rows, columns } = this.view.state;
    const order = axis === "row" ? { rows: movedTo(rows, id, place) } : { columns: movedTo(columns, id, place) };
    this.byHand = null;
    this.view.find("which").value = `${axis} ${id}`;
    this.view.change(order);
    this.grid.travelTo(this.view.state.rows, this.view.state.columns, handle, ASIDE_MS);
  }

  rest(axis, id) {
    const order = axis === "row" ? this.view.state.rows : this.view.state.columns;
    this.view.say(`${movedSentence(axis, id, order.indexOf(id), order.length)} ${this.said()}`);
    this.view.rest();
  }

  said() {
    const { told } = this.view;
    const shown = told.covered ? [] : told.heights.length > 0 ? ["equal", "blocks"] : ["equal"];
    return shown.map((name) => this.view.find(name).textContent).join(" ");
  }

  step(by) {
    const [axis, number] = this.view.find("which").value.split(" ");
    const order = axis === "row" ? this.view.state.rows : this.view.state.columns;
    const place = clampPlace(order.indexOf(Number(number)) + by, order.length);
    this.move(axis, Number(number), place, null);
    this.rest(axis, Number(number));
  }

  /** The machine's order: rows travel until the groups stand together, then columns. Pressed again: back to the hand's. */
  async sort() {
    const { view, grid } = this;
    const { rows, columns } = view.state;
    const back = this.byHand;
    const wanted = back ?? { rows: view.told.sorted, columns: groupedColumns(view.now(), view.told.sorted) };
    this.byHand = back ? null : { rows, columns };
    for (const order of [{ rows: wanted.rows }, { columns: wanted.columns }]) {
      view.change(order);
      const { state } = view;
      await grid.travelTo(state.rows, state.columns, null, SORT_MS);
      if (view.state !== state) return; // somebody has moved a row meanwhile
    }
    view.say(`${back ? "Back in the order of before." : "Sorted."} ${this.said()}`);
    view.rest();
  }

  show() {
    const { view, grid } = this;
    const toy = view.now();
    const edges = blockEdges(toy);
    grid.paint((row, column) => {
      const [isKept, sides] = [toy.kept[row][column], edges(row, column)];
      return {
        kind: isKept ? "kept" : sides ? "zero" : "pruned", text: isKept ? toy.weights[row][column] : sides ? "0" : "", edges: sides,
        label: isKept ? String(toy.weights[row][column]) : sides ? "0, in a block" : "pruned",
      };
    });
    const product = toyProduct(toy);
    const shown = permutedProduct(toy);
    const outputs = [];
    for (const [place, row] of toy.rows.entries()) outputs[row] = shown[place];
    grid.paintOutputs(outputs);
    const equal = outputs.filter((output, row) => output === product[row]).length;
    setText(view.find("equal"), `${equal === product.length ? "✓ " : "✗ "}${equalSentence(equal, product.length)}`);
    if (toy.heights.length > 0) this.showBlocks(toy);
  }

  showBlocks(toy) {
    const { view } = this;
    const cost = countSteps(toy, TOY_METHODS.blocks.steps(toy));
    const all = toy.rows.length * toy.columns.length;
    const byHand = this.byHand ? ` Your order: ${zerosOf({ ...toy, ...this.byHand })} by zero.` : "";
    setText(view.find("blocks"), `${blocksSentence(toyBlocks(toy), cost, all)}${byHand}`);
    view.find("bar").style.setProperty("--kept", `${(100 * keptCount(toy.kept)) / all}%`);
    view.find("bar").style.setProperty("--zeros", `${(100 * cost.zeros) / all}%`);
    view.root.dataset.zeros = String(cost.zeros);
    setText(view.find("sort"), this.byHand ? "Back to my order" : "The machine sorts");
  }
}

const zerosOf = (toy) => countSteps(toy, TOY_METHODS.blocks.steps(toy)).zeros;
