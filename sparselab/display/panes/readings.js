// What the panes say of one weight: rows and columns are as in the file on every pane.

import { COVERED, GROWN, DROPPED, cellKind } from "../mask_view/bits.js";
import { count } from "../mask_view/places.js";

const WORDS = { [COVERED]: "kept", [GROWN]: "grown", [DROPPED]: "dropped" };

/** The cell at a point of a canvas, both as fractions of its extent; null outside. */
export function cellAt({ height, width }, view, fx, fy) {
  if (!(fx >= 0 && fx < 1 && fy >= 0 && fy < 1)) return null;
  const place = (from, to, at, size) => Math.min(size - 1, Math.floor((from + (to - from) * at) * size));
  return { row: place(view.y0, view.y1, fy, height), column: place(view.x0, view.x1, fx, width) };
}

export function weightInWords(pictures, { row, column }) {
  const said = pictures.map((picture) => `${picture.label}: ${WORDS[cellKind(picture, row, column)] ?? "never kept"}`);
  return `row ${count(row)}, column ${count(column)}. ${said.join("; ")}`;
}
