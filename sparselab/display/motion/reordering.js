// The reordering as one value: the bits before (as in the file) and after (in the new order), and both orders.

import { COVERED, GROWN, DROPPED, EMPTY, isSet } from "../mask_view/bits.js";
import { placesOf } from "./geometry.js";

/** From the message of a view in the order “by group”. */
export function makeReordering({ title, rows, cols, left, right }) {
  const [rowOrder, columnOrder] = [right.row_index, right.bands[0].cols];
  const reordering = {
    title, rows, columns: cols, stride: Math.ceil(cols / 8),
    before: left.before, after: right.after,
    rowOrder, columnOrder, rowPlaces: placesOf(rowOrder), columnPlaces: placesOf(columnOrder),
    groups: groupOfPlaces(right.groups, rows),
  };
  return { ...reordering, counts: countKinds(reordering) };
}

/** The group of each place, from the rows at which groups start. */
function groupOfPlaces(edges, rows) {
  const groups = new Int32Array(rows);
  const starts = edges.filter((edge) => edge > 0 && edge < rows);
  for (const start of starts) groups.fill(1, start, start + 1);
  for (let place = 1; place < rows; place++) groups[place] += groups[place - 1];
  return groups;
}

/** What becomes of a weight, given by its row and column in the file. */
export function fateOf({ before, after, stride, rowPlaces, columnPlaces }, row, column) {
  const was = isSet(before, stride, row, column);
  const is = isSet(after, stride, rowPlaces[row], columnPlaces[column]);
  if (was) return is ? COVERED : DROPPED;
  return is ? GROWN : EMPTY;
}

export function eachKept(bits, rows, stride, visit) {
  for (let row = 0, at = 0; row < rows; row++) {
    for (let byte = 0; byte < stride; byte++, at++) {
      for (let left = bits[at]; left !== 0; ) {
        const bit = Math.clz32(left) - 24;
        visit(row, 8 * byte + bit);
        left &= 0x7f >> bit;
      }
    }
  }
}

/** Every weight kept before or after, once: visit(row, column, fate), by its row and column in the file. */
export function eachWeight(reordering, visit) {
  const { before, after, rows, stride, rowOrder, columnOrder } = reordering;
  eachKept(before, rows, stride, (row, column) => visit(row, column, fateOf(reordering, row, column)));
  eachKept(after, rows, stride, (place, at) => {
    const [row, column] = [rowOrder[place], columnOrder[at]];
    if (!isSet(before, stride, row, column)) visit(row, column, GROWN);
  });
}

function countKinds(reordering) {
  const counts = [0, 0, 0];
  eachWeight(reordering, (_row, _column, fate) => counts[fate]++);
  return counts;
}
