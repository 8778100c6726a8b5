// Where the other side shows what this one does: the part of it to move into view, and the rings on both.

import { weightAt, cellsOf, displayedRows, describeCell } from "../places.js";
import { centreOf, centredOn } from "../viewport.js";

export const MOST_MARKS = 64;

/** The displayed cell in the middle of what is in view. */
export function middleCell(picture, view) {
  const { x, y } = centreOf(view);
  return {
    row: Math.min(picture.height - 1, Math.floor(y * picture.height)),
    column: Math.min(picture.width - 1, Math.floor(x * picture.width)),
  };
}

/** The view of the other side with the weight of `cell` in its middle; where it has no such weight, with its row; else null. */
export function twinView(here, cell, there, view) {
  const weight = weightAt(here, cell.row, cell.column);
  const centre = centreOf(view);
  const places = weight ? cellsOf(there, weight) : [];
  const x = ({ column }) => (column + 0.5) / there.width;
  const y = ({ row }) => (row + 0.5) / there.height;
  if (places.length > 0) {
    const far = (place) => Math.hypot(x(place) - centre.x, y(place) - centre.y);
    const nearest = places.reduce((best, place) => (far(place) < far(best) ? place : best));
    return centredOn(view, x(nearest), y(nearest));
  }
  const rows = displayedRows(there, here.rowIndex[cell.row]);
  if (rows.length === 0) return null;
  const near = rows.reduce((best, row) => (Math.abs(y({ row }) - centre.y) < Math.abs(y({ row: best }) - centre.y) ? row : best));
  return centredOn(view, centre.x, y({ row: near }));
}

/** Ring a weight wherever the two sides show it; return what it is in words, or "" where neither does. */
export function ringWeight(sides, weight) {
  const shown = sides.filter((side) => side.picture);
  for (const side of shown) side.marked = cellsOf(side.picture, weight).slice(0, MOST_MARKS);
  const here = shown.find((side) => side.marked.length > 0);
  if (!here) return "";
  const there = shown.find((side) => side !== here);
  return describeCell(here.picture, here.marked[0], there?.picture, there?.marked ?? [], there?.picture.label ?? "");
}
