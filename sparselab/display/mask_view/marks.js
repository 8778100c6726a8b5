// The thin layer above a picture: rings around the hovered weight, and rails that show which part is in view.

import { spanX, spanY, isFit } from "./viewport.js";
import { VERMILLION, css } from "./paint.js";

// All in CSS pixels.
const RING = 7;
const TICK = 8;
const BOXED_FROM = 8;
const EDGE = 14;

export function drawMarks(canvas, layout, cells, view, theme, ratio) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.save();
  context.scale(ratio, ratio);
  const width = canvas.width / ratio;
  const height = canvas.height / ratio;
  if (!isFit(view)) drawRails(context, width, height, view, theme);
  for (const cell of cells) drawMark(context, cellBox(cell, layout, ratio), width, height, theme);
  context.restore();
}

function cellBox({ row, column }, layout, ratio) {
  const x = layout.toX(column) / ratio;
  const y = layout.toY(row) / ratio;
  return { x, y, width: layout.toX(column + 1) / ratio - x, height: layout.toY(row + 1) / ratio - y };
}

function drawMark(context, box, width, height, theme) {
  const x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  if (x < 0 || y < 0 || x > width || y > height) {
    drawArrow(context, x, y, width, height, theme);
    return;
  }
  const path = new Path2D();
  const boxed = Math.min(box.width, box.height) >= BOXED_FROM;
  const across = boxed ? box.width / 2 + 2 : RING;
  const down = boxed ? box.height / 2 + 2 : RING;
  if (boxed) path.rect(x - across, y - down, 2 * across, 2 * down);
  else path.arc(x, y, RING, 0, 2 * Math.PI);
  for (const side of [-1, 1]) {
    path.moveTo(x + side * across, y);
    path.lineTo(x + side * (across + TICK), y);
    path.moveTo(x, y + side * down);
    path.lineTo(x, y + side * (down + TICK));
  }
  strokeWithHalo(context, path, theme);
}

// The weight is there, but out of view: point to it.
function drawArrow(context, x, y, width, height, theme) {
  const atX = Math.min(width - EDGE, Math.max(EDGE, x));
  const atY = Math.min(height - EDGE, Math.max(EDGE, y));
  context.save();
  context.translate(atX, atY);
  context.rotate(Math.atan2(y - atY, x - atX));
  const path = new Path2D("M -8 -5 L 8 0 L -8 5 L -4 0 Z");
  strokeWithHalo(context, path, theme);
  context.fillStyle = css(VERMILLION);
  context.fill(path);
  context.restore();
}

function strokeWithHalo(context, path, theme) {
  context.lineWidth = 5;
  context.strokeStyle = css(theme.background, 0.9);
  context.stroke(path);
  context.lineWidth = 2;
  context.strokeStyle = css(VERMILLION);
  context.stroke(path);
}

function drawRails(context, width, height, view, theme) {
  const thumb = (start, span, length) => [start * length, Math.max(12, span * length)];
  const [x, wide] = thumb(view.x0, spanX(view), width);
  const [y, tall] = thumb(view.y0, spanY(view), height);
  context.fillStyle = css(theme.background, 0.75);
  context.fillRect(0, height - 6, width, 6);
  context.fillRect(width - 6, 0, 6, height);
  context.fillStyle = css(theme.ink, 0.6);
  context.fillRect(Math.min(x, width - wide), height - 4, wide, 3);
  context.fillRect(width - 4, Math.min(y, height - tall), 3, tall);
}
