// Which weight a displayed cell is, where the other side shows the same weight, and how to say it in words.

import { COVERED, GROWN, DROPPED, EMPTY, cellKind } from "./bits.js";

export const AFTER_WORDS = {
  [COVERED]: "kept before, kept after",
  [GROWN]: "zero before, grown after (fill-in)",
  [DROPPED]: "kept before, dropped after",
  [EMPTY]: "zero before, zero after",
};
const BEFORE_WORDS = { [COVERED]: "kept", [EMPTY]: "zero" };

export const count = (n) => n.toLocaleString("en-US");
export const percent = (x) => `${(100 * x).toLocaleString("en-US", { maximumSignificantDigits: 3 })} %`;

/** The index of the last band or boundary that starts at or before `row`. */
function lastAtOrBefore(length, startOf, row) {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startOf(middle) <= row) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const bandAt = ({ bands }, row) => bands[lastAtOrBefore(bands.length, (i) => bands[i].start, row)];
const groupAt = ({ groups }, row) => lastAtOrBefore(groups.length, (i) => groups[i], row) + 1;

/** The original (row, column) of a displayed cell, or null where a band has no such cell. */
export function weightAt(picture, row, column) {
  const band = bandAt(picture, row);
  if (!band || column >= band.width) return null;
  return { row: picture.rowIndex[row], column: band.cols[column] };
}

/** Every displayed cell that shows the weight: packed rows can be shown once per group. */
export function cellsOf(picture, weight) {
  const cells = [];
  for (const row of displayedRows(picture, weight.row)) {
    const column = bandAt(picture, row).cols.indexOf(weight.column);
    if (column >= 0) cells.push({ row, column });
  }
  return cells;
}

/** The displayed rows that show an original row. */
export function displayedRows(picture, original) {
  picture.rowsOf ??= invert(picture.rowIndex);
  return picture.rowsOf.get(original) ?? [];
}

function invert(rowIndex) {
  const rowsOf = new Map();
  rowIndex.forEach((original, row) => {
    const rows = rowsOf.get(original);
    if (rows) rows.push(row);
    else rowsOf.set(original, [row]);
  });
  return rowsOf;
}

/** What the weight is before and after, as far as the two sides together can tell. */
function kindOf(picture, cell, other, twins) {
  const here = cellKind(picture, cell.row, cell.column);
  if (picture.after || !other?.after || twins.length === 0) return { kind: here, knowsAfter: Boolean(picture.after) };
  const kinds = twins.map((twin) => cellKind(other, twin.row, twin.column));
  const best = [COVERED, GROWN, DROPPED, EMPTY].find((kind) => kinds.includes(kind));
  return { kind: best, knowsAfter: true };
}

export function describeCell(picture, cell, other, twins, otherName) {
  const weight = weightAt(picture, cell.row, cell.column);
  if (!weight) return `no weight here: this group uses ${count(bandAt(picture, cell.row).width)} columns`;
  const { kind, knowsAfter } = kindOf(picture, cell, other, twins);
  const grouped = picture.groups.length > 0 ? [picture, cell] : [other, twins[0]];
  const group = grouped[0]?.groups.length > 0 && grouped[1] ? ` (group ${groupAt(grouped[0], grouped[1].row)})` : "";
  const words = knowsAfter ? AFTER_WORDS[kind] : BEFORE_WORDS[kind];
  const lost = other && twins.length === 0 ? `; not shown in “${otherName}”` : "";
  const several = twins.length > 1 ? `; shown ${twins.length} times in “${otherName}”` : "";
  return `row ${count(weight.row)}, column ${count(weight.column)}${group}: ${words}${lost}${several}`;
}

export function describeArea(picture, area) {
  const counts = countArea(picture, area);
  const cells = Math.max(1, counts.reduce((sum, n) => sum + n));
  const shown = isNatural(picture) ? "" : "displayed ";
  const range = (name, from, to) =>
    to - from === 1 ? `${shown}${name} ${count(from)}` : `${shown}${name}s ${count(from)}–${count(to - 1)}`;
  const where = `${range("row", area.row0, area.row1)}, ${range("column", area.column0, area.column1)}`;
  const group = picture.groups.length > 0 ? ` (group ${groupAt(picture, area.row0)})` : "";
  const before = percent((counts[COVERED] + counts[DROPPED]) / cells);
  if (!picture.after) return `${where}${group}: density ${before}`;
  return `${where}${group}: density ${before} before, ${percent((counts[COVERED] + counts[GROWN]) / cells)} after`;
}

function isNatural(picture) {
  const inOrder = (index) => index.every((value, i) => value === i);
  picture.natural ??= picture.bands.length === 1 && inOrder(picture.rowIndex) && inOrder(picture.bands[0].cols);
  return picture.natural;
}

function countArea(picture, { row0, row1, column0, column1 }) {
  const counts = [0, 0, 0, 0];
  for (let row = row0; row < row1; row++) {
    const end = Math.min(column1, bandAt(picture, row).width);
    for (let column = column0; column < end; column++) counts[cellKind(picture, row, column)]++;
  }
  return counts;
}

/** A cell worth following out of an area: the first one kept on both sides, else the one in the middle. */
export function representative(picture, area) {
  for (let row = area.row0; row < area.row1; row++) {
    for (let column = area.column0; column < area.column1; column++) {
      if (cellKind(picture, row, column) === COVERED) return { row, column };
    }
  }
  return { row: (area.row0 + area.row1) >> 1, column: (area.column0 + area.column1) >> 1 };
}
