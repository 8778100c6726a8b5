// The part of the mask in view, as fractions of each side's own extent: one view serves two sides of unequal width.

export const FIT = Object.freeze({ x0: 0, x1: 1, y0: 0, y1: 1 });
const LARGEST_CELL = 56; // CSS pixels; beyond it a zoom shows nothing new

export const spanX = (view) => view.x1 - view.x0;
export const spanY = (view) => view.y1 - view.y0;
export const isFit = (view) => spanX(view) > 1 - 1e-9 && spanY(view) > 1 - 1e-9;

function slideInside(start, span) {
  const kept = Math.min(1, span);
  const from = Math.min(Math.max(0, start), 1 - kept);
  return [from, Math.min(1, from + kept)];
}

export const centreOf = (view) => ({ x: (view.x0 + view.x1) / 2, y: (view.y0 + view.y1) / 2 });

/** The same magnification about fraction (x, y) of the mask, as far as the mask's edges allow. */
export function centredOn(view, x, y) {
  const centre = centreOf(view);
  return panned(view, (x - centre.x) / spanX(view), (y - centre.y) / spanY(view));
}

/** Whether fraction (x, y) of the mask is in view. */
export const isInView = (view, x, y) => x >= view.x0 && x <= view.x1 && y >= view.y0 && y <= view.y1;

export const isSameView = (a, b) => Object.keys(a).every((edge) => Math.abs(a[edge] - b[edge]) < 1e-9);

export function panned(view, dx, dy) {
  const [x0, x1] = slideInside(view.x0 + dx * spanX(view), spanX(view));
  const [y0, y1] = slideInside(view.y0 + dy * spanY(view), spanY(view));
  return { x0, x1, y0, y1 };
}

/** Zoom by `factor` so that the point at fraction (fx, fy) of the canvas stays where it is. */
export function zoomed(view, factor, fx, fy, picture, frame) {
  const [kx, ky] = towardsSquareCells(view, factor, picture, frame);
  const smallestX = Math.min(1, frame.width / LARGEST_CELL / picture.width);
  const smallestY = Math.min(1, frame.height / LARGEST_CELL / picture.height);
  const wide = Math.max(spanX(view) / kx, Math.min(smallestX, spanX(view)));
  const tall = Math.max(spanY(view) / ky, Math.min(smallestY, spanY(view)));
  const [x0, x1] = slideInside(view.x0 + fx * (spanX(view) - wide), wide);
  const [y0, y1] = slideInside(view.y0 + fy * (spanY(view) - tall), tall);
  return { x0, x1, y0, y1 };
}

// A fitted 512 x 4608 mask has cells seven times taller than wide; zooming in evens them out step by step.
function towardsSquareCells(view, factor, picture, frame) {
  if (factor <= 1) return [factor, factor];
  const cellWidth = frame.width / (picture.width * spanX(view));
  const cellHeight = frame.height / (picture.height * spanY(view));
  const most = 0.5 * Math.log(factor);
  const shift = Math.min(most, Math.max(-most, -Math.log(cellWidth / cellHeight) / 2));
  return [factor * Math.exp(shift), factor * Math.exp(-shift)];
}

export function between(from, to, t) {
  const mix = (name) => from[name] + (to[name] - from[name]) * t;
  return { x0: mix("x0"), x1: mix("x1"), y0: mix("y0"), y1: mix("y1") };
}
