// What a picture means, in words: for who cannot see it, as a name of its canvas.

import { COVERED, GROWN, DROPPED } from "./bits.js";
import { count, percent } from "./places.js";

const share = (part, whole) => percent(whole > 0 ? part / whole : 0);

/** Density, groups and weights kept of a side, then what is in view of it. */
export function meaningOf(title, picture, inView) {
  const { height, width, after, caption, label } = picture;
  const head = `${title}, ${label}: ${count(height)} rows by ${count(width)} columns, ${caption}.`;
  return [head, after ? changeOf(picture) : "", groupsOf(picture), `In view: ${inView}.`].filter(Boolean).join(" ");
}

function changeOf({ counts }) {
  const [covered, grown, dropped] = [counts[COVERED], counts[GROWN], counts[DROPPED]];
  return `Of ${count(covered + dropped)} weights kept before, ${count(covered)} (${share(covered, covered + dropped)}) are kept still `
    + `and ${count(dropped)} were dropped; of ${count(covered + grown)} weights kept now, ${count(grown)} `
    + `(${share(grown, covered + grown)}) had been removed before.`;
}

function groupsOf({ groups, height }) {
  if (groups.length === 0) return "";
  const edges = [0, ...groups, height];
  const sizes = edges.slice(1).map((edge, i) => edge - edges[i]);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return `${count(sizes.length)} groups of ${least === most ? count(least) : `${count(least)} to ${count(most)}`} rows.`;
}
