// What a film says in words.

import { POPCOUNT } from "../mask_view/bits.js";
import { count, percent } from "../mask_view/places.js";
import { bitsAt, lookAt } from "./frames.js";

const counted = (bits) => bits.reduce((sum, byte) => sum + POPCOUNT[byte], 0);

/** How many weights stay, are new and are gone at a frame. */
export function changesAt(film, frame) {
  const now = bitsAt(film, frame);
  const before = bitsAt(film, Math.max(0, frame - 1));
  let stay = 0;
  for (let i = 0; i < now.length; i++) stay += POPCOUNT[now[i] & before[i]];
  return { stay, fresh: counted(now) - stay, gone: counted(before) - stay };
}

export const valueText = (film, value) => (film.percent ? percent(value) : value.toLocaleString("en-US", { maximumSignificantDigits: 4 }));

export function placeText(film, frame) {
  const updates = film.unit === "step" ? `, ${count(film.updates[frame])} update${film.updates[frame] === 1 ? "" : "s"} of the mask` : "";
  return `Frame ${frame + 1} of ${film.length}: ${film.unit} ${count(film.at[frame])}${updates}`;
}

export function changeText(film, frame) {
  const { stay, fresh, gone } = changesAt(film, frame);
  if (frame === 0) return `${count(stay)} of ${count(film.rows * film.columns)} weights are kept at the start.`;
  return `${count(stay + fresh)} weights kept: ${count(stay)} stay, ${count(fresh)} are new, ${count(gone)} are gone since the frame before.`;
}

/** What the curves say at a frame, one sentence each. */
export function measuredText(film, frame) {
  const said = [];
  const at = (values) => (frame > 0 && values !== null && Number.isFinite(values[frame - 1]) ? values[frame - 1] : null);
  const [kept, blocks] = [at(film.kept), at(film.blocks)];
  if (kept !== null) said.push(`${percent(kept)} of the weights kept before stay`);
  if (blocks !== null) said.push(`${percent(blocks)} of the row pairs that shared blocks still do (by chance ${percent(film.chance[frame - 1])})`);
  const look = lookAt(film, frame);
  if (look !== null) said.push(`${film.split} ${film.metric} ${valueText(film, look)}`);
  const text = said.join("; ");
  return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "";
}

/** The whole film in words, for those who do not see it: how each curve begins and ends. */
export function filmText(film) {
  const ends = (values, text) => `from ${text(values[0])} to ${text(values[values.length - 1])}`;
  const finite = (values) => (values === null ? [] : [...values].filter(Number.isFinite));
  const said = [`${film.title}: ${count(film.rows)} rows, ${count(film.columns)} columns, ${film.length} frame${film.length === 1 ? "" : "s"}`];
  const [kept, blocks] = [finite(film.kept), finite(film.blocks)];
  if (kept.length) said.push(`weights that stay from frame to frame ${ends(kept, percent)}`);
  if (blocks.length) said.push(`row pairs that still share blocks ${ends(blocks, percent)}`);
  if (film.looks.values.length) said.push(`${film.split} ${film.metric} ${ends(film.looks.values, (value) => valueText(film, value))}`);
  return `${said.join("; ")}.`;
}

/** The curves' names, in the order in which they are drawn. */
export function curveNames(film) {
  const names = [];
  if (film.looks.values.length) names.push(["metric", `${film.split} ${film.metric}`]);
  if (film.length > 1) names.push(["stay", "weights kept before that stay"]);
  if (film.blocks !== null && film.length > 1) names.push(["together", "row pairs that still share blocks"], ["chance", "the same by chance"]);
  return names;
}
