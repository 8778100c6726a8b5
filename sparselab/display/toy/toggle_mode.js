// Weights kept or pruned one by one, and the density that follows.

import { keptCount } from "./counting.js";
import { ToyGrid, remSize, setText } from "./grid.js";
import { listenToCells } from "./toggling.js";
import { cellLabel, shareText } from "./words.js";

export class ToggleMode {
  constructor(view) {
    this.view = view;
    this.grid = new ToyGrid(view.template("picture"), { kind: "grid", outputs: false });
    this.toFirst = listenToCells(this.grid, (row, column) => view.toggle(row, column), view.listening.signal);
    view.find("stage").replaceChildren(this.grid.host);
  }

  build() {
    this.grid.build(this.view.now());
    this.grid.given.element.hidden = true;
    this.toFirst();
  }

  cellSize(width) {
    const { kept, inputs } = this.view.told;
    const wide = Math.max(24, Math.min(56, Math.floor((width - 2.75 * remSize() - 16) / inputs.length) - 1));
    return [wide, Math.max(24, Math.min(wide, Math.floor(window.innerHeight * 0.6 / (kept.length + 1))))];
  }

  said() {
    return this.view.find("density").textContent;
  }

  show() {
    const { kept, weights } = this.view.now();
    this.grid.paint((row, column) => ({
      kind: kept[row][column] ? "kept" : "pruned",
      text: kept[row][column] ? weights[row][column] : "",
      label: cellLabel(row, column, weights[row][column], kept[row][column]),
    }));
    const count = keptCount(kept);
    setText(this.view.find("density"), `Density ${shareText(count, kept.length * kept[0].length)}`);
    this.view.find("bar").style.setProperty("--kept", `${(100 * count) / (kept.length * kept[0].length)}%`);
    this.view.find("bar").style.setProperty("--zeros", "0%");
  }
}
