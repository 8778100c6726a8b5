// Two rows compared: the columns that both keep among those that either keeps, beside the same of every pair.

import { eitherColumns, jaccardOf, sharedColumns } from "./counting.js";
import { ToyGrid, remSize, setText } from "./grid.js";
import { listenToCells } from "./toggling.js";
import { PairMatrix } from "./pair_matrix.js";
import { cellLabel } from "./words.js";

export class PairMode {
  constructor(view) {
    this.view = view;
    const { signal } = view.listening;
    this.grid = new ToyGrid(view.template("picture"), { kind: "grid", head: (...which) => this.headOf(...which), outputs: false });
    this.matrix = new PairMatrix(view.find("matrix"), (one, other) => this.choose([one, other]), signal);
    this.toFirst = listenToCells(this.grid, (row, column) => view.toggle(row, column), signal);
    this.grid.host.addEventListener("click", ({ target }) => {
      const button = target.closest(".toy-handle");
      if (button) this.press(Number(button.dataset.row));
    }, { signal });
    view.find("stage").prepend(this.grid.host);
  }

  headOf(axis, id) {
    if (axis === "column") return document.createTextNode(id);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "toy-handle toy-chooser";
    button.dataset.row = String(id);
    return button;
  }

  build() {
    const toy = this.view.now();
    this.grid.build(toy);
    this.grid.given.element.hidden = true;
    this.marks = makeMarks(this.grid, toy);
    this.grid.host.append(this.marks.element);
    this.matrix.build(toy.rows);
    this.toFirst();
  }

  cellSize(width) {
    const { kept, inputs } = this.view.told;
    const beside = width >= 720;
    const room = beside ? width * 0.62 : width;
    const wide = Math.max(24, Math.min(56, Math.floor((room - 2.75 * remSize() - 16) / inputs.length) - 1));
    const tall = Math.max(24, Math.min(wide, Math.floor(window.innerHeight * 0.5 / (kept.length + 2))));
    this.matrix.resize(Math.max(24, Math.min(beside ? 60 : 44, Math.floor(((beside ? width * 0.38 - 40 : width) - 32) / kept.length) - 1)));
    return [wide, tall];
  }

  /** A row that is pressed takes the place of the one chosen first. */
  press(row) {
    const pair = this.view.state.pair;
    if (pair?.includes(row)) return;
    this.choose(pair ? [pair[1], row] : [row, row]);
  }

  choose(pair) {
    this.view.change({ pair });
    this.view.say(this.view.told.covered ? `Rows ${pair.join(" and ")} are chosen.` : this.said());
    this.view.rest();
  }

  said() {
    return `${this.view.find("fraction-words").textContent}`;
  }

  show() {
    const { view, grid } = this;
    const toy = view.now();
    const { pair } = view.state;
    const shared = new Set(pair ? sharedColumns(toy.kept, ...pair) : []);
    const either = new Set(pair ? eitherColumns(toy.kept, ...pair) : []);
    grid.paint((row, column) => {
      const isKept = toy.kept[row][column];
      const kind = !isKept ? "pruned" : !pair?.includes(row) ? "waiting" : shared.has(column) ? "shared" : "kept";
      return { kind, text: isKept ? toy.weights[row][column] : "", label: cellLabel(row, column, toy.weights[row][column], isKept) };
    });
    for (const [row, line] of grid.lines) showChooser(line, row, pair);
    for (const [column, cell] of this.marks.cells) {
      setText(cell, shared.has(column) ? "●" : either.has(column) ? "○" : "");
      cell.setAttribute("aria-label", `column ${column}: ${shared.has(column) ? "both keep it" : either.has(column) ? "one keeps it" : "none keeps it"}`);
    }
    this.showFraction(toy, pair);
    this.matrix.show(toy.kept, pair);
  }

  showFraction({ kept }, pair) {
    const { view } = this;
    view.find("fraction").hidden = !pair;
    if (!pair) return setText(view.find("fraction-words"), "Choose two rows by their numbers, or a cell of the matrix.");
    const [above, below] = jaccardOf(kept, ...pair);
    setText(view.find("above"), above);
    setText(view.find("below"), below);
    setText(view.find("decimal"), `= ${(above / below).toFixed(3)}`);
    const isEmpty = eitherColumns(kept, ...pair).length === 0;
    const words = pair[0] === pair[1]
      ? `Row ${pair[0]} with itself: choose another row.`
      : isEmpty
        ? `Rows ${pair[0]} and ${pair[1]} keep nothing: they count as alike.`
        : `Rows ${pair[0]} and ${pair[1]} both keep ${above} of the ${below} columns that either keeps.`;
    setText(view.find("fraction-words"), words);
  }
}

function showChooser({ element, heading }, row, pair) {
  const button = heading.querySelector("button");
  const name = !pair ? "" : pair[0] === row ? "A" : pair[1] === row ? "B" : "";
  setText(button, `${name} ${row}`.trim());
  button.setAttribute("aria-pressed", String(name !== ""));
  button.setAttribute("aria-label", `Compare row ${row}${name ? `, chosen as ${name}` : ""}`);
  element.classList.toggle("toy-chosen", name !== "");
}

/** A last line under the columns: who keeps them. */
function makeMarks(grid, { columns }) {
  const element = grid.given.element.cloneNode(true);
  element.hidden = false;
  element.className = "toy-row toy-marks";
  const [heading, ...cells] = element.children;
  heading.textContent = "A, B";
  return { element, cells: columns.map((column, at) => [column, cells[at]]) };
}
