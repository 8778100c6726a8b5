// One side's picture: densities to colours, block outlines, group boundaries, the grid, and what lies outside a band.

import { GROWN, DROPPED, cellKind } from "./bits.js";
import { pixelEdges } from "./resample.js";
import { groupLines, groupColour } from "./groups.js";

export const ORANGE = [230, 159, 0];
export const SKY_BLUE = [86, 180, 233];
export const GREEN = [0, 158, 115];
export const VERMILLION = [213, 94, 0];
const GRID_FROM = 6; // CSS pixels per cell
const SIGNS_FROM = 12;
const OUTLINE_FROM = 3;
const NICE_STEPS = [1, 0.8, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15];

export const css = ([r, g, b], alpha = 1) => `rgba(${r}, ${g}, ${b}, ${alpha})`;

export function readTheme(element) {
  const style = getComputedStyle(element);
  const colour = (name, fallback) => parseColour(style.getPropertyValue(`--st-${name}`).trim() || fallback);
  const background = colour("background-color", "#ffffff");
  return {
    background,
    ink: colour("text-color", "#31333f"),
    quiet: colour("secondary-background-color", "#f0f2f6"),
    font: style.getPropertyValue("--st-font").trim() || "sans-serif",
    dark: isDark(background),
    group: groupColour(isDark(background)),
  };
}

const isDark = ([r, g, b]) => r + g + b < 384;

function parseColour(text) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/** Where cells lie on a canvas: pixel edges in cell coordinates, and boundaries back to pixels. */
export function layOut(picture, view, canvas) {
  const left = view.x0 * picture.width;
  const top = view.y0 * picture.height;
  const right = view.x1 * picture.width;
  const bottom = view.y1 * picture.height;
  const cellWidth = canvas.width / (right - left);
  const cellHeight = canvas.height / (bottom - top);
  return {
    left, top, right, bottom, cellWidth, cellHeight,
    columns: pixelEdges(left, right, canvas.width),
    rows: pixelEdges(top, bottom, canvas.height),
    toX: (column) => Math.round((column - left) * cellWidth),
    toY: (row) => Math.round((row - top) * cellHeight),
  };
}

export function peakDensity([covered, grown, dropped]) {
  let peak = 0;
  for (let i = 0; i < covered.length; i++) {
    const density = covered[i] + grown[i] + dropped[i];
    if (density > peak) peak = density;
  }
  return peak;
}

// The top of the colour scale moves in steps, so that panning does not make the whole picture breathe.
export function niceCeiling(peak) {
  if (peak <= 0) return 1;
  const decade = 10 ** Math.ceil(Math.log10(peak) - 1e-6);
  const fits = NICE_STEPS.filter((step) => step * decade >= peak * (1 - 1e-4));
  return Math.min(1, fits[fits.length - 1] * decade);
}

export function paintPicture(canvas, picture, layout, planes, scaleTop, theme, ratio) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const outlines = stampOutlines(picture, layout, canvas, ratio);
  colourise(image, planes, scaleTop, outlines, theme);
  context.putImageData(image, 0, 0);
  hatchOutside(context, picture, layout, canvas, theme, ratio);
  drawGrid(context, layout, canvas, ratio);
  drawSigns(context, picture, layout, ratio);
  drawGroups(context, picture, layout, canvas, theme, ratio);
}

// Plain arithmetic on purpose: this runs once per pixel per frame.
export function colourise(image, [covered, grown, dropped], scaleTop, outlines, theme) {
  const [r, g, b] = theme.background;
  const towards = (colour) => colour.map((channel, i) => (channel - theme.background[i]) / scaleTop);
  const [r0, g0, b0] = towards(theme.ink);
  const [r1, g1, b1] = towards(ORANGE);
  const [r2, g2, b2] = towards(SKY_BLUE);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) {
    const c = covered[i];
    const n = grown[i];
    const d = dropped[i];
    const over = outlines === null ? 0 : outlines[i] / 255;
    const under = 1 - over;
    const red = under * (r + c * r0 + n * r1 + d * r2) + over * GREEN[0];
    const green = under * (g + c * g0 + n * g1 + d * g2) + over * GREEN[1];
    const blue = under * (b + c * b0 + n * b1 + d * b2) + over * GREEN[2];
    pixels[i] = 0xff000000 | ((blue + 0.5) << 16) | ((green + 0.5) << 8) | (red + 0.5);
  }
}

// Stamped as coverage, not stroked: 30,000 outlines cost a millisecond, and an edge two blocks share is not drawn twice.
function stampOutlines({ rects, height }, layout, canvas, ratio) {
  if (rects.length === 0) return null;
  const stamp = new Uint8Array(canvas.width * canvas.height);
  const smallest = OUTLINE_FROM * ratio;
  const { from, to } = rectsInRows(rects, layout.top, layout.bottom, height);
  for (let i = from; i < to; i += 4) {
    if (rects[i + 1] <= layout.top || rects[i + 3] <= layout.left || rects[i + 2] >= layout.right) continue;
    const [y0, y1] = [layout.toY(rects[i]), layout.toY(rects[i + 1])];
    const [x0, x1] = [layout.toX(rects[i + 2]), layout.toX(rects[i + 3])];
    const size = Math.min(x1 - x0, y1 - y0);
    if (size >= smallest) stampOutline(stamp, canvas, x0, x1, y0, y1, size / ratio, Math.max(1, Math.round(ratio)));
  }
  return stamp;
}

// Sorted by first row, so the end is found by bisection; how far back to start follows from the tallest block.
function rectsInRows(rects, top, bottom, height) {
  const count = rects.length / 4;
  const tallest = tallestRect(rects, height);
  const firstWith = (row) => {
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rects[4 * middle] < row) low = middle + 1;
      else high = middle;
    }
    return 4 * low;
  };
  return tallest === null ? { from: 0, to: rects.length } : { from: firstWith(top - tallest), to: firstWith(bottom) };
}

const TALLEST = new WeakMap();

function tallestRect(rects, height) {
  if (!TALLEST.has(rects)) {
    let tallest = 0;
    for (let i = 0; i < rects.length && tallest !== null; i += 4) {
      const sorted = i === 0 || rects[i] >= rects[i - 4];
      tallest = sorted ? Math.max(tallest, Math.min(height, rects[i + 1] - rects[i])) : null;
    }
    TALLEST.set(rects, tallest);
  }
  return TALLEST.get(rects);
}

function stampOutline(stamp, canvas, x0, x1, y0, y1, size, thick) {
  const alpha = Math.round(255 * Math.min(1, 0.35 + (size - OUTLINE_FROM) / 16));
  const fill = (left, right, top, bottom) => {
    for (let y = Math.max(0, top); y < Math.min(canvas.height, bottom); y++) {
      const row = y * canvas.width;
      for (let x = Math.max(0, left); x < Math.min(canvas.width, right); x++) {
        if (stamp[row + x] < alpha) stamp[row + x] = alpha;
      }
    }
  };
  // The last edge of a block that ends with the canvas still has to fit on it.
  const right = x1 === canvas.width ? x1 - thick : x1;
  const bottom = y1 === canvas.height ? y1 - thick : y1;
  fill(x0, right + thick, y0, y0 + thick);
  fill(x0, right + thick, bottom, bottom + thick);
  fill(x0, x0 + thick, y0, bottom);
  fill(right, right + thick, y0, bottom);
}

function hatchOutside(context, picture, layout, canvas, theme, ratio) {
  const outside = new Path2D();
  let any = false;
  for (const band of picture.bands) {
    if (band.width >= layout.right || band.stop <= layout.top || band.start >= layout.bottom) continue;
    const x = Math.max(0, layout.toX(band.width));
    const y = layout.toY(band.start);
    outside.rect(x, y, canvas.width - x, layout.toY(band.stop) - y);
    any = true;
  }
  if (!any) return;
  context.fillStyle = css(theme.quiet);
  context.fill(outside);
  context.fillStyle = hatch(context, theme, ratio);
  context.fill(outside);
}

function hatch(context, theme, ratio) {
  const size = Math.round(8 * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  pen.strokeStyle = css(theme.ink, 0.16);
  pen.lineWidth = ratio;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 1, size + 1);
    pen.lineTo(shift + size + 1, -1);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

function drawGrid(context, layout, canvas, ratio) {
  const fade = (cell) => Math.min(0.4, (0.4 * (cell / ratio - GRID_FROM + 2)) / GRID_FROM);
  const thick = Math.max(1, Math.round(ratio));
  if (layout.cellWidth >= GRID_FROM * ratio) {
    context.fillStyle = `rgba(128, 128, 128, ${fade(layout.cellWidth)})`;
    for (let column = Math.ceil(layout.left); column < layout.right; column++) {
      context.fillRect(layout.toX(column), 0, thick, canvas.height);
    }
  }
  if (layout.cellHeight >= GRID_FROM * ratio) {
    context.fillStyle = `rgba(128, 128, 128, ${fade(layout.cellHeight)})`;
    for (let row = Math.ceil(layout.top); row < layout.bottom; row++) {
      context.fillRect(0, layout.toY(row), canvas.width, thick);
    }
  }
}

// A plus for grown and a minus for dropped: the colours are not the only ones to say it.
function drawSigns(context, picture, layout, ratio) {
  const cell = Math.min(layout.cellWidth, layout.cellHeight);
  if (cell < SIGNS_FROM * ratio || picture.kinds.length === 1) return;
  const arm = Math.max(2, Math.round(Math.min(cell, 40 * ratio) * 0.22));
  const thick = Math.max(1, Math.round(arm / 3));
  context.fillStyle = "rgba(0, 0, 0, 0.75)";
  for (let row = Math.floor(layout.top); row < layout.bottom; row++) {
    for (let column = Math.floor(layout.left); column < layout.right; column++) {
      const kind = cellKind(picture, row, column);
      if (kind !== GROWN && kind !== DROPPED) continue;
      const x = Math.round((layout.toX(column) + layout.toX(column + 1)) / 2);
      const y = Math.round((layout.toY(row) + layout.toY(row + 1)) / 2);
      const half = thick / 2;
      context.fillRect(x - arm, Math.round(y - half), 2 * arm, thick);
      if (kind === GROWN) context.fillRect(Math.round(x - half), y - arm, thick, 2 * arm);
    }
  }
}

function drawGroups(context, { groups }, layout, canvas, theme, ratio) {
  const thick = Math.ceil((layout.cellHeight >= GRID_FROM * ratio ? 2 : 1) * ratio);
  context.fillStyle = css(theme.group);
  for (const row of groupLines(groups, layout, ratio)) {
    context.fillRect(0, layout.toY(row) - (thick >> 1), canvas.width, thick);
  }
}
