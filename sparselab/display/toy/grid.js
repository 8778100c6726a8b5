// The grid of a toy as elements: a row of column numbers, a row of inputs, and a row for each output. The elements stand in the
// order in which they are seen, so that they are read and reached in it.

import { travel } from "./travelling.js";

const makePart = (kind, role, text = "") => {
  const element = document.createElement("span");
  element.className = `toy-${kind}`;
  if (role) element.setAttribute("role", role);
  element.textContent = text;
  return element;
};

export class ToyGrid {
  /** kind: "grid" (cells are toggled), "table" (handles move) or "img" (a picture). head: makes what stands in a row's or column's head. */
  constructor(host, { kind, head = (_, id) => document.createTextNode(id), outputs = true }) {
    Object.assign(this, { host, kind, head, outputs });
    host.classList.add("toy-grid");
    host.setAttribute("role", kind);
  }

  build({ rows, columns, inputs }) {
    // A picture says what it shows in its label: its parts have no roles of their own.
    const part = (kind, role, text) => makePart(kind, this.kind === "img" ? null : role, text);
    const roles = this.kind === "grid" ? "gridcell" : "cell";
    const line = (title, makeCell, last) => {
      const element = part("row", "row");
      const heading = part("heading", "rowheader");
      heading.append(title);
      const cells = columns.map(makeCell);
      element.append(heading, ...cells);
      if (this.outputs) element.append(last);
      return { element, heading, cells: new Map(columns.map((column, at) => [column, cells[at]])), last };
    };
    this.top = line("", (column) => {
      const cell = part("column", "columnheader");
      cell.append(this.head("column", column));
      return cell;
    }, part("output", "columnheader", "y"));
    this.given = line("x", (column) => part("input", roles, String(inputs[column])), part("output", roles));
    this.lines = new Map([...rows].sort((a, b) => a - b).map((row) => [
      row,
      line(this.head("row", row), (column) => {
        const cell = part("cell", roles);
        Object.assign(cell.dataset, { row, column });
        return cell;
      }, part("output", roles)),
    ]));
    this.host.replaceChildren();
    for (const { element } of this.all()) this.host.append(element);
    this.arrange(rows, columns);
  }

  all() {
    return [this.top, this.given, ...this.lines.values()];
  }

  cell(row, column) {
    return this.lines.get(row).cells.get(column);
  }

  /** Put rows and columns in an order. Nothing else of what has the focus or a finger is taken out of the page: `still` stays. */
  arrange(rows, columns, still = null) {
    for (const each of this.all()) place(columns.map((column) => each.cells.get(column)), each.heading, still);
    place(rows.map((row) => this.lines.get(row).element), this.given.element, still);
    [this.rows, this.columns] = [rows, columns];
  }

  /** The same, seen: what has a new place travels there. */
  travelTo(rows, columns, still, milliseconds) {
    const movers = [
      ...[...this.lines.values()].map((line) => line.element),
      ...this.all().flatMap((line) => [...line.cells.values()]),
    ].filter((element) => element !== still && !(still && element.contains(still) && element.matches(".toy-row")));
    return travel(movers, () => this.arrange(rows, columns, still), milliseconds);
  }

  /** The elements of a row or of a column, which are dragged as one. */
  members(axis, id) {
    return axis === "row" ? [this.lines.get(id).element] : this.all().map((line) => line.cells.get(id));
  }

  /** Write each cell: `look(row, column)` gives {kind, text, label, edges, mark}. */
  paint(look) {
    for (const [row, line] of this.lines) {
      for (const [column, cell] of line.cells) paintCell(cell, look(row, column));
    }
  }

  paintOutputs(texts) {
    for (const [row, line] of this.lines) setText(line.last, texts[row]);
  }
}

/** Put siblings one after another behind `anchor`; those that stand there already, and the one that holds `still`, are not touched. */
function place(elements, anchor, still) {
  const fixed = still && elements.find((element) => element.contains(still));
  if (!fixed) return elements.reduce((last, element) => (last.nextSibling === element || last.after(element), element), anchor);
  const at = elements.indexOf(fixed);
  for (const element of elements.slice(0, at)) fixed.before(element);
  elements.slice(at + 1).reduce((last, element) => (last.after(element), element), fixed);
}

function paintCell(cell, { kind, text = "", label = "", edges = "", mark = "" }) {
  if (cell.dataset.kind !== kind) cell.dataset.kind = kind;
  if (cell.dataset.mark !== mark) cell.dataset.mark = mark;
  if (cell.dataset.edges !== edges) cell.dataset.edges = edges;
  if (label && cell.getAttribute("aria-label") !== label) cell.setAttribute("aria-label", label);
  setText(cell, text);
}

/** A rem in CSS pixels: a projector's is larger. */
export const remSize = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

export function setText(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}
