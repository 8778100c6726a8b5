// One of the two pictures on the page: its elements, its words, its canvas, and what lies under the pointer.

import { COVERED, GROWN, DROPPED } from "./bits.js";
import { averageDensities } from "./resample.js";
import { isFit } from "./viewport.js";
import { ORANGE, SKY_BLUE, GREEN, layOut } from "./paint.js";
import { groupLines } from "./groups.js";
import { meaningOf } from "./meaning.js";
import { MOST_MARKS } from "./linked/twins.js";
import { count, percent, weightAt, cellsOf, describeCell, describeArea, representative } from "./places.js";

export const pixelRatio = () => Math.min(2, window.devicePixelRatio || 1);

export function sideElements(figure) {
  const find = (selector) => figure.querySelector(selector);
  return {
    label: find(".label"), caption: find(".caption"), canvas: find(".picture"), marks: find(".marks"),
    placeholder: find(".placeholder"), scale: find(".scale"),
  };
}

export function describeSide(side, note) {
  const { picture } = side;
  side.label.textContent = picture?.label ?? "";
  side.caption.textContent = picture?.caption ?? "";
  side.placeholder.hidden = Boolean(picture);
  side.placeholder.textContent = picture ? "" : note;
  side.canvas.classList.toggle("vacant", !picture);
  side.canvas.tabIndex = picture ? 0 : -1;
  if (picture) return;
  side.scale.textContent = "";
  side.canvas.setAttribute("aria-label", note || "nothing to show yet");
  for (const canvas of [side.canvas, side.marks]) canvas.width = canvas.width; // assigning clears it
}

/** What the colours of both sides mean: the side after holds all that the side before does. */
export function showLegend(list, picture) {
  list.replaceChildren(...(picture ? legendOf(picture).map(legendItem) : []));
}

/** The legend names the lines between groups only where they are drawn; their place in it stays. */
export function showGroupsEntry(list, side, ratio) {
  const entry = list.querySelector(".groups");
  if (!entry || !side.layout) return;
  const drawn = groupLines(side.picture.groups, side.layout, ratio).length > 0;
  entry.style.visibility = drawn ? "visible" : "hidden";
}

export function legendOf({ counts, after, rects, groups }) {
  const kept = count(counts[COVERED]);
  const entries = [{ name: "covered", text: after ? `kept (${kept} still)` : `kept ${kept}` }];
  if (after) entries.push({ name: "grown", text: `fill-in (grown) ${count(counts[GROWN])}` });
  if (after) entries.push({ name: "dropped", text: `dropped ${count(counts[DROPPED])}` });
  if (rects.length > 0) entries.push({ name: "blocks", text: "block outline" });
  if (groups.length > 0) entries.push({ name: "groups", text: "group boundary" });
  return entries;
}

export function legendColour(name, theme) {
  return { covered: theme.ink, grown: ORANGE, dropped: SKY_BLUE, blocks: GREEN, groups: theme.group }[name];
}

function legendItem({ name, text }) {
  const item = document.createElement("li");
  item.className = name;
  item.textContent = text;
  return item;
}

export function average(side, view, budget, ratio) {
  const { canvas, marks, picture } = side;
  for (const layer of [canvas, marks]) resize(layer, canvas.clientWidth * ratio, canvas.clientHeight * ratio);
  side.layout = layOut(picture, view, canvas);
  Object.assign(side, averageDensities(picture, side.layout.rows, side.layout.columns, budget));
}

// Assigning a size clears the canvas even when it is the same: that is what flickers.
function resize(canvas, width, height) {
  if (canvas.width !== Math.round(width)) canvas.width = Math.round(width);
  if (canvas.height !== Math.round(height)) canvas.height = Math.round(height);
}

export function scaleText({ picture, layout, canvas }, scaleTop, theme, view) {
  const short = (n) => n.toLocaleString("en-US", { maximumSignificantDigits: n < 100 ? 2 : 3 });
  const [tall, wide] = [layout.cellHeight, layout.cellWidth];
  const magnified = tall >= 1 && wide >= 1;
  const ratio = magnified
    ? `1 weight = ${short(tall)} x ${short(wide)} pixels`
    : `1 pixel = ${short(1 / tall)} x ${short(1 / wide)} weights`;
  const ink = magnified && scaleTop === 1 ? "" : `; ${theme.dark ? "brightest" : "darkest"} = ${percent(scaleTop)}`;
  if (isFit(view)) return `${ratio}${ink}; all ${count(picture.height)} x ${count(picture.width)}`;
  const range = (from, to) => `${count(Math.floor(from))}–${count(Math.ceil(to - 1e-6) - 1)}`;
  return `${ratio}${ink}; rows ${range(layout.top, layout.bottom)}, columns ${range(layout.left, layout.right)}`;
}

export function ariaText(title, { picture, scale }) {
  return meaningOf(title, picture, scale.textContent);
}

/** Mark the weight under the pointer on both sides and return what the readout says. */
export function probe(here, there, fx, fy, ratio) {
  const area = areaUnder(here, fx, fy, ratio);
  const single = area.row1 - area.row0 <= 1 && area.column1 - area.column0 <= 1;
  const cell = single ? { row: area.row0, column: area.column0 } : representative(here.picture, area);
  here.weight = weightAt(here.picture, cell.row, cell.column);
  const twins = here.weight && there.picture ? cellsOf(there.picture, here.weight).slice(0, MOST_MARKS) : [];
  here.marked = here.weight ? [cell] : [];
  there.marked = twins;
  const words = describeCell(here.picture, cell, there.picture, twins, there.picture?.label ?? "");
  if (single || !here.weight) return words;
  return `${describeArea(here.picture, area)}; ring: ${words}`;
}

/** The displayed cells below one CSS pixel, by the very edges that were painted. */
function areaUnder({ layout, canvas }, fx, fy, ratio) {
  const span = (edges, fraction, pixels) => {
    const first = Math.min(pixels - 1, Math.floor(fraction * pixels));
    const last = Math.min(pixels, first + Math.max(1, Math.round(ratio)));
    const from = Math.floor(edges[first]);
    return [from, Math.max(from + 1, Math.ceil(edges[last] - 1e-9))];
  };
  const [row0, row1] = cellsOrOne(span(layout.rows, fy, canvas.height), layout.cellHeight);
  const [column0, column1] = cellsOrOne(span(layout.columns, fx, canvas.width), layout.cellWidth);
  return { row0, row1, column0, column1 };
}

// A pixel across the border of two cells that are larger than itself still points at one cell.
function cellsOrOne([from, to], cell) {
  return cell >= 1 ? [from, from + 1] : [from, to];
}
