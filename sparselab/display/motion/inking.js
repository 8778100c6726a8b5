// From ink to colours. Ink `top` and more is full colour; where kinds of weights share a pixel their colours mix by their ink.
// Plain arithmetic on purpose: this runs once a pixel a frame.

import { ORANGE, SKY_BLUE } from "../mask_view/paint.js";
import { fillAt } from "./geometry.js";

export const mixed = (from, to, share) => from.map((channel, i) => channel + (to[i] - channel) * share);

const LEVELS = 1024; // four a step of a colour's channel: finer than a screen shows

/** Paint the frame at `position` into `pixels` (RGBA, one number each). */
export function paintFrame(pixels, frames, position, theme, top) {
  if (position <= 2) {
    const { ink, upright } = frames.travelling(position);
    const colours = rampOf(theme);
    if (upright) inkUpright(pixels, frames.width, frames.height, ink, colours, top);
    else for (let i = 0; i < pixels.length; i++) pixels[i] = colours[levelOf(ink[i], top)];
    return;
  }
  const { grown, marked, dropped } = fillAt(position);
  const colours = [theme.ink, ORANGE, mixed(theme.ink, SKY_BLUE, marked)];
  inkMixed(pixels, frames.arrived(), colours, [grown, dropped], theme.background, top);
}

const packed = ([red, green, blue]) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;

function rampOf({ background, ink }) {
  const colour = (_, level) => packed(mixed(background, ink, level / (LEVELS - 1)).map(Math.round));
  return Uint32Array.from({ length: LEVELS }, colour);
}

const levelOf = (ink, top) => (ink >= top ? LEVELS - 1 : ((LEVELS - 1) * ink / top + 0.5) | 0);

// Column by column: eight at a time, so that what is read and what is written both stay near.
function inkUpright(pixels, width, height, ink, colours, top) {
  for (let left = 0; left < width; left += 8) {
    const right = Math.min(width, left + 8);
    for (let y = 0; y < height; y++) {
      for (let x = left; x < right; x++) pixels[y * width + x] = colours[levelOf(ink[x * height + y], top)];
    }
  }
}

/** Paint planes of covered, grown and dropped ink in their colours, the last two as far as they are seen. */
export function inkMixed(pixels, [covered, grown, dropped], colours, [seenGrown, seenDropped], background, top) {
  const [paperR, paperG, paperB] = background;
  const [[r0, g0, b0], [r1, g1, b1], [r2, g2, b2]] =
    colours.map((colour) => colour.map((channel, i) => channel - background[i]));
  for (let i = 0; i < pixels.length; i++) {
    const c = covered[i];
    const n = seenGrown * grown[i];
    const d = seenDropped * dropped[i];
    const sum = c + n + d;
    const scale = 1 / (sum > top ? sum : top);
    const red = paperR + scale * (c * r0 + n * r1 + d * r2) + 0.5;
    const green = paperG + scale * (c * g0 + n * g1 + d * g2) + 0.5;
    const blue = paperB + scale * (c * b0 + n * b1 + d * b2) + 0.5;
    pixels[i] = 0xff000000 | (blue << 16) | (green << 8) | red;
  }
}
