// The one weight that is followed: which one, where it is, and how to say it.

import { COVERED, GROWN, DROPPED } from "../mask_view/bits.js";
import { AFTER_WORDS, count } from "../mask_view/places.js";
import { weightPlace } from "./geometry.js";
import { eachWeight, fateOf } from "./reordering.js";

const EDGE_SHARE = 0.08; // of the picture: closer to its edge the ring is cut, or lies below the numbers
export const FATES = Object.freeze([COVERED, DROPPED, GROWN]);

/** The weight of this fate that travels far both ways, best one that starts and ends off the edge; null where there is none. */
export function travellerOf(reordering, wanted) {
  const { rows, columns, rowPlaces, columnPlaces } = reordering;
  let [best, farthest] = [null, -Infinity];
  eachWeight(reordering, (row, column, fate) => {
    if (fate !== wanted) return;
    const down = Math.abs(rowPlaces[row] - row) / rows;
    const across = Math.abs(columnPlaces[column] - column) / columns;
    const isOff = [[row, rows], [rowPlaces[row], rows], [column, columns], [columnPlaces[column], columns]]
      .every(([place, size]) => place >= EDGE_SHARE * size && place <= (1 - EDGE_SHARE) * size);
    const far = 4 * Math.min(down, across) + Math.max(down, across) + (isOff ? 5 : 0);
    if (far > farthest) [best, farthest] = [{ row, column }, far];
  });
  return best;
}

/** The weight seen nearest to a point, in fractions of the picture: grown ones are seen once blocks fill, dropped ones till the end. */
export function nearestWeight(reordering, position, fx, fy, aspect) {
  const { rows, columns } = reordering;
  let [best, closest] = [null, Infinity];
  eachWeight(reordering, (row, column, fate) => {
    if ((fate === GROWN && position <= 2) || (fate === DROPPED && position >= 3)) return;
    const place = weightPlace(reordering, { row, column }, position);
    const across = aspect * ((place.column + 0.5) / columns - fx);
    const down = (place.row + 0.5) / rows - fy;
    const far = across * across + down * down;
    if (far < closest) [best, closest] = [{ row, column }, far];
  });
  return best;
}

export function followedText(reordering, weight, position) {
  const { rows, rowPlaces, columnPlaces, groups } = reordering;
  const place = weightPlace(reordering, weight, position);
  const end = { row: rowPlaces[weight.row], column: columnPlaces[weight.column] };
  const group = groups[rows - 1] > 0 ? ` (group ${groups[end.row] + 1})` : "";
  const fate = AFTER_WORDS[fateOf(reordering, weight.row, weight.column)];
  const goal = `${count(end.row)} down${group}, ${count(end.column)} across`;
  const there = place.row === end.row && place.column === end.column;
  const now = `now at place ${count(Math.round(place.row))} down, ${count(Math.round(place.column))} across, on its way to ${goal}`;
  return `Followed: row ${count(weight.row)}, column ${count(weight.column)}: ${fate}; ${there ? `arrived at place ${goal}` : now}.`;
}
