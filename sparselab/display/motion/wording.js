// What each moment of a reordering means, in words.

import { COVERED, GROWN, DROPPED } from "../mask_view/bits.js";
import { count, percent } from "../mask_view/places.js";
import { stepAt } from "./geometry.js";

const still = (places) => places.every((place, index) => place === index);

export function meaningAt({ counts, rows, columns, rowPlaces, columnPlaces }, position) {
  const kept = counts[COVERED] + counts[DROPPED];
  if (position <= 0) return `The mask as it is in the file: ${count(kept)} of ${count(rows * columns)} weights are kept.`;
  if (position >= 3) {
    const share = kept > 0 ? ` (${percent(counts[COVERED] / kept)})` : "";
    return `After: ${count(counts[COVERED])} of ${count(kept)} kept weights lie in blocks${share}; ${count(counts[GROWN])} grew, ${count(counts[DROPPED])} dropped.`;
  }
  if (stepAt(position) === 0) {
    return still(rowPlaces)
      ? "The rows stay: they are in this order already."
      : "Rows travel until each group stands together. No weight changes.";
  }
  if (stepAt(position) === 1) {
    return still(columnPlaces)
      ? "The columns stay: they are in this order already."
      : "Columns travel to the first group that uses them. Still no weight changes.";
  }
  if (counts[GROWN] + counts[DROPPED] === 0) return "The blocks hold every kept weight and no other: nothing is to fill or to drop.";
  return `Blocks fill: ${count(counts[GROWN])} weights grow. Outside of them ${count(counts[DROPPED])} kept weights drop.`;
}

export function legendTexts({ counts }) {
  return [
    ["covered", `kept before and after ${count(counts[COVERED])}`],
    ["grown", `fill-in (grown) ${count(counts[GROWN])}`],
    ["dropped", `dropped ${count(counts[DROPPED])}`],
  ];
}
