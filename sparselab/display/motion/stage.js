// What lies over the ink: the bar of groups on the left, and the followed weight with its way and its numbers.

import { VERMILLION, css } from "../mask_view/paint.js";
import { count } from "../mask_view/places.js";
import { placesAt, shareOf, weightPlace } from "./geometry.js";

export const BAR = 14; // CSS pixels
const GAP = 4;
const RING_RADIUS = 8;
const ROW_LABEL = 84; // the width kept free for "row 12,345"
const GROUP_HUES = [205, 45, 330, 160, 260, 20];

/** A colour a group, next to each other in hue never: where the bar is one piece, so is the group. */
export function drawBar(context, { rows, rowPlaces, groups }, position, height, theme) {
  if (groups[rows - 1] === 0) return;
  const tall = height / rows;
  const light = theme.dark ? 62 : 45;
  placesAt(rowPlaces, shareOf(0, position)).forEach((place, row) => {
    const group = groups[rowPlaces[row]];
    context.fillStyle = `hsl(${GROUP_HUES[group % GROUP_HUES.length]}, 55%, ${light + 6 * (group % 2)}%)`;
    context.fillRect(0, place * tall, BAR - GAP, Math.max(1, tall + 0.5)); // no seam between neighbours
  });
}

export function drawFollowed(context, reordering, weight, position, width, height, theme) {
  const cell = { width: width / reordering.columns, height: height / reordering.rows };
  const spot = (at) => {
    const place = weightPlace(reordering, weight, at);
    return { x: (place.column + 0.5) * cell.width, y: (place.row + 0.5) * cell.height };
  };
  const now = spot(position);
  drawWay(context, [spot(0), spot(1), spot(2)], theme);
  const [across, down] = [cell.width, cell.height].map((size) => Math.max(RING_RADIUS, size / 2 + 2));
  const cross = new Path2D();
  cross.moveTo(0, now.y);
  cross.lineTo(Math.max(0, now.x - across), now.y);
  cross.moveTo(now.x, 0);
  cross.lineTo(now.x, Math.max(0, now.y - down));
  stroke(context, cross, theme, 2);
  write(context, `row ${count(weight.row)}`, { x: now.x - across < ROW_LABEL ? now.x + across + 4 : 4, y: now.y }, width, height, theme);
  write(context, `column ${count(weight.column)}`, { x: now.x + 5, y: 9 }, width, height, theme);
  const ring = new Path2D();
  ring.ellipse(now.x, now.y, across, down, 0, 0, 2 * Math.PI);
  stroke(context, ring, theme, 2);
}

function drawWay(context, [from, turn, to], theme) {
  const way = new Path2D();
  way.moveTo(from.x, from.y);
  way.lineTo(turn.x, turn.y);
  way.lineTo(to.x, to.y);
  context.setLineDash([3, 4]);
  stroke(context, way, theme, 1.5);
  context.setLineDash([]);
  for (const { x, y } of [from, to]) {
    context.beginPath();
    context.arc(x, y, 3, 0, 2 * Math.PI);
    context.fillStyle = css(VERMILLION);
    context.fill();
  }
}

function stroke(context, path, theme, thick) {
  context.lineWidth = thick + 2;
  context.strokeStyle = css(theme.background, 0.85);
  context.stroke(path);
  context.lineWidth = thick;
  context.strokeStyle = css(VERMILLION);
  context.stroke(path);
}

function write(context, text, { x, y }, width, height, theme) {
  context.font = `600 12px ${theme.font}`;
  context.textBaseline = "middle";
  const wide = context.measureText(text).width + 8;
  const left = Math.min(x, width - wide);
  const middle = Math.min(height - 9, Math.max(9, y));
  context.fillStyle = css(theme.background, 0.9);
  context.fillRect(left, middle - 9, wide, 18);
  context.fillStyle = css(theme.ink);
  context.fillText(text, left + 4, middle);
}
