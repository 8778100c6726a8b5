// The film as one value: the bits of every frame, in which order its rows are shown, and what changed from the frame before.

import { placesOf } from "../motion/geometry.js";

/** The orders in which rows can be shown: as in the file, by the groups of the last frame, or by those of the frame itself. */
export const ROW_ORDERS = Object.freeze({ file: "as in the file", last: "by blocks of the last frame", each: "by blocks of each frame" });

export function makeFilm(message) {
  const { rows, cols, masks, at } = message;
  const stride = Math.ceil(cols / 8);
  return { ...message, columns: cols, stride, size: rows * stride, length: at.length, columnOrder: Int32Array.from({ length: cols }, (_, i) => i), masks };
}

export const bitsAt = (film, frame) => film.masks.subarray(frame * film.size, (frame + 1) * film.size);

const groupsAt = (film, frame) => film.groups.subarray(frame * film.rows, (frame + 1) * film.rows);

/** The rows from top to bottom at a frame, and where groups start: like groups together, rows of no block last. */
export function rowsShown(film, frame, order) {
  const inFile = Int32Array.from({ length: film.rows }, (_, row) => row);
  if (order === "file" || film.groups === null) return { rowOrder: inFile, edges: [] };
  const groups = groupsAt(film, order === "last" ? film.length - 1 : frame);
  const rank = (row) => (groups[row] === 0 ? Infinity : groups[row]);
  const rowOrder = inFile.sort((a, b) => (rank(a) === rank(b) ? a - b : rank(a) - rank(b)));
  const edges = [];
  for (let place = 1; place < film.rows; place++) if (groups[rowOrder[place]] !== groups[rowOrder[place - 1]]) edges.push(place);
  return { rowOrder, edges };
}

/** What `motion/raster.js` paints: the frame before as it is in the file, this frame in the order shown. */
export function changeAt(film, frame, rowOrder) {
  const { rows, columns, stride, columnOrder } = film;
  const [before, now] = [bitsAt(film, Math.max(0, frame - 1)), bitsAt(film, frame)];
  const after = new Uint8Array(film.size);
  rowOrder.forEach((row, place) => after.set(now.subarray(row * stride, (row + 1) * stride), place * stride));
  return { rows, columns, stride, before, after, rowOrder, columnOrder, rowPlaces: placesOf(rowOrder), columnPlaces: columnOrder };
}

/** The blocks of a frame whose rows are shown by its own groups: [from row, to row, from column, to column], runs of whole columns. */
export function blocksShown({ rows, columns, stride, after }, edges) {
  const found = [];
  const starts = [0, ...edges];
  starts.forEach((from, i) => {
    const to = starts[i + 1] ?? rows;
    const whole = after.slice(from * stride, (from + 1) * stride);
    for (let row = from + 1; row < to; row++) for (let byte = 0; byte < stride; byte++) whole[byte] &= after[row * stride + byte];
    for (let column = 0, start = -1; column <= columns; column++) {
      const kept = column < columns && (whole[column >> 3] >> (7 - (column & 7))) & 1;
      if (kept && start < 0) start = column;
      if (!kept && start >= 0) {
        found.push([from, to, start, column]);
        start = -1;
      }
    }
  });
  return found;
}

/** The last known value of the metric at a frame; null before there is one. */
export function lookAt({ looks, at }, frame) {
  let found = null;
  looks.at.forEach((place, i) => {
    if (place <= at[frame]) found = looks.values[i];
  });
  return found;
}
