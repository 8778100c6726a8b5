// Accuracy and stability against the steps, with a marker at the frame that is shown.

import { GREEN, VERMILLION, css } from "../mask_view/paint.js";
import { count } from "../mask_view/places.js";
import { valueText } from "./wording.js";

const ROOM = Object.freeze({ left: 44, right: 12, top: 12, bottom: 36 }); // CSS pixels
const DASHES = { metric: [], stay: [6, 3], together: [], chance: [2, 3] };
const DOT_RADIUS = 4;
const HEADROOM = 0.08; // of a metric that is no share

export function curveColour(name, theme) {
  const green = theme.dark ? [64, 201, 156] : [0, 115, 84];
  const red = theme.dark ? [255, 140, 66] : VERMILLION;
  return { metric: red, stay: theme.ink, together: green, chance: green }[name] ?? GREEN;
}

/** The curves of a film as points of (at, share of the height). */
export function curvesOf(film) {
  const later = [...film.at].slice(1);
  const points = (at, values, place = (value) => value) =>
    [...at].map((x, i) => [x, place(values[i])]).filter(([, y]) => Number.isFinite(y));
  const found = {};
  if (film.looks.values.length) found.metric = points(film.looks.at, film.looks.values, metricPlace(film));
  if (later.length) found.stay = points(later, film.kept);
  if (later.length && film.blocks !== null) Object.assign(found, { together: points(later, film.blocks), chance: points(later, film.chance) });
  return found;
}

function metricRange({ percent, looks }) {
  if (percent) return [0, 1];
  const [low, high] = [Math.min(...looks.values), Math.max(...looks.values)];
  const room = HEADROOM * (high - low || Math.abs(high) || 1);
  return [low - room, high + room];
}

function metricPlace(film) {
  const [low, high] = metricRange(film);
  return (value) => (value - low) / (high - low);
}

/** Where a place on the canvas is in steps. */
export function stepUnder(film, x, width) {
  const [first, last] = rangeOf(film);
  return first + ((x - ROOM.left) / Math.max(1, width - ROOM.left - ROOM.right)) * (last - first);
}

function rangeOf(film) {
  const every = [...film.at, ...film.looks.at];
  const [first, last] = [Math.min(...every), Math.max(...every)];
  return [first, last > first ? last : first + 1];
}

export function drawCurves(context, film, position, width, height, theme) {
  const [first, last] = rangeOf(film);
  const toX = (at) => ROOM.left + ((at - first) / (last - first)) * (width - ROOM.left - ROOM.right);
  const toY = (share) => height - ROOM.bottom - share * (height - ROOM.bottom - ROOM.top);
  context.fillStyle = css(theme.background);
  context.fillRect(0, 0, width, height);
  drawAxes(context, film, { first, last, toX, toY }, width, height, theme);
  const curves = curvesOf(film);
  for (const [name, points] of Object.entries(curves)) drawCurve(context, points, name, toX, toY, theme);
  drawMarker(context, film, position, curves, toX, toY, theme);
}

function drawAxes(context, film, { first, last, toX, toY }, width, height, theme) {
  context.font = `12px ${theme.font}`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const [low, high] = metricRange(film.looks.values.length ? film : { percent: true });
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    context.fillStyle = css(theme.ink, share === 0 ? 0.5 : 0.15);
    context.fillRect(ROOM.left, Math.round(toY(share)), width - ROOM.left - ROOM.right, 1);
    context.fillStyle = css(theme.ink, 0.85);
    context.fillText(`${100 * share} %`, ROOM.left - 6, toY(share));
  }
  if (!film.percent && film.looks.values.length) {
    context.fillStyle = css(curveColour("metric", theme));
    for (const [share, value] of [[0, low], [1, high]]) context.fillText(valueText(film, value), width - ROOM.right, toY(share) - 8);
  }
  context.fillStyle = css(theme.ink, 0.85);
  context.textAlign = "left";
  context.fillText(count(first), toX(first), height - ROOM.bottom + 12);
  context.textAlign = "right";
  context.fillText(count(last), toX(last), height - ROOM.bottom + 12);
  context.textAlign = "center";
  context.fillText(film.unit, (toX(first) + toX(last)) / 2, height - ROOM.bottom + 24);
  context.textAlign = "left";
}

function drawCurve(context, points, name, toX, toY, theme) {
  const line = new Path2D();
  points.forEach(([at, share], i) => (i ? line.lineTo(toX(at), toY(share)) : line.moveTo(toX(at), toY(share))));
  context.strokeStyle = css(curveColour(name, theme));
  context.lineWidth = name === "chance" ? 1.25 : 2;
  context.setLineDash(DASHES[name]);
  context.stroke(line);
  context.setLineDash([]);
  if (name !== "metric" && points.length > 1) return; // one point alone makes no line
  context.fillStyle = css(curveColour(name, theme));
  for (const [at, share] of points) context.fillRect(toX(at) - 2, toY(share) - 2, 4, 4);
}

function drawMarker(context, film, position, curves, toX, toY, theme) {
  const frame = Math.min(film.length - 1, Math.floor(position));
  const [from, to] = [film.at[frame], film.at[Math.min(film.length - 1, frame + 1)]];
  const x = toX(from + (to - from) * (position - frame));
  context.fillStyle = css(theme.ink, 0.7);
  context.fillRect(x - 0.75, toY(1), 1.5, toY(0) - toY(1));
  for (const [name, points] of Object.entries(curves)) {
    const here = points.filter(([at]) => at <= from).pop();
    if (name === "chance" || !here) continue;
    context.beginPath();
    context.arc(x, toY(here[1]), DOT_RADIUS, 0, 2 * Math.PI);
    context.fillStyle = css(curveColour(name, theme));
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = css(theme.background);
    context.stroke();
  }
}
