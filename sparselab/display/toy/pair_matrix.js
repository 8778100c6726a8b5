// The similarity of every pair of rows as a square of fractions; a cell chooses its pair.

import { jaccardOf } from "./counting.js";

const ROOM_FOR_FRACTION = 40;

export class PairMatrix {
  constructor(host, chosen, signal) {
    this.host = host;
    const on = (type, handler) => host.addEventListener(type, handler, { signal });
    on("click", ({ target }) => {
      const cell = target.closest(".toy-similar");
      if (cell) chosen(Number(cell.dataset.one), Number(cell.dataset.other));
    });
    on("focusin", ({ target }) => target.matches(".toy-similar") && this.rove(target));
    on("keydown", (event) => this.press(event, chosen));
  }

  build(rows) {
    const cell = (role, kind, text = "") => {
      const element = document.createElement("span");
      element.setAttribute("role", role);
      element.className = kind;
      element.textContent = text;
      return element;
    };
    this.rows = [...rows].sort((a, b) => a - b);
    const line = (...parts) => {
      const element = cell("row", "toy-row");
      element.append(...parts);
      return element;
    };
    this.cells = this.rows.map((one) => this.rows.map((other) => {
      const element = cell("gridcell", "toy-similar");
      Object.assign(element.dataset, { one, other });
      return element;
    }));
    this.host.style.setProperty("--columns", this.rows.length);
    this.host.replaceChildren(
      line(cell("columnheader", "toy-heading"), ...this.rows.map((row) => cell("columnheader", "toy-column", String(row)))),
      ...this.cells.map((cells, at) => line(cell("rowheader", "toy-heading", String(this.rows[at])), ...cells)),
    );
    this.rove(this.cells[0][0]);
  }

  resize(size) {
    this.size = size;
    this.host.style.setProperty("--cell-wide", `${size}px`);
    this.host.style.setProperty("--cell-tall", `${size}px`);
  }

  rove(cell) {
    for (const each of this.cells.flat()) each.tabIndex = each === cell ? 0 : -1;
  }

  press(event, chosen) {
    const cell = event.target.closest(".toy-similar");
    if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
    const [one, other] = [Number(cell.dataset.one), Number(cell.dataset.other)];
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (event.key === "Enter" || event.key === " ") chosen(one, other);
    else if (down || right) this.cells[one + down]?.[other + right]?.focus();
    else return;
    event.preventDefault();
  }

  show(kept, pair) {
    for (const cell of this.cells.flat()) {
      const [one, other] = [Number(cell.dataset.one), Number(cell.dataset.other)];
      const [above, below] = jaccardOf(kept, one, other);
      cell.textContent = this.size >= ROOM_FOR_FRACTION ? `${above}/${below}` : shortDecimal(above / below);
      cell.style.setProperty("--alike", `${(100 * above) / below}%`);
      cell.setAttribute("aria-label", `rows ${one} and ${other}: ${above} of ${below}`);
      const isChosen = pair?.includes(one) && pair.includes(other) && (one !== other || pair[0] === pair[1]);
      cell.setAttribute("aria-selected", String(Boolean(isChosen)));
    }
  }
}

const shortDecimal = (share) => (share === 1 ? "1" : share === 0 ? "0" : share.toFixed(2).slice(1));
