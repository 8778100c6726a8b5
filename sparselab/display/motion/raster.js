// From weights to ink on pixels. Every weight puts its whole area of ink where it is, so that none is lost on the way, and where
// rows and columns stand still each pixel is the exact mean of the weights below it.

import { COVERED, GROWN, DROPPED } from "../mask_view/bits.js";
import { eachKept, eachWeight } from "./reordering.js";
import { placesAt, shareOf } from "./geometry.js";

const HAIR = 1e-9; // pixels; what rounding alone puts over an edge

/** Ink of the mask before: each row as a line of `pixels`, its columns as in the file. */
export function rowStrips({ before, rows, columns, stride }, pixels) {
  const strips = new Float32Array(rows * pixels);
  const extent = pixels / columns;
  eachKept(before, rows, stride, (row, column) => addSpan(strips, row * pixels, column * extent, extent, pixels, 1));
  return strips;
}

/** Ink of the mask before: each column as a line of `pixels`, its rows in the new order. */
export function columnStrips({ before, rows, columns, stride, rowPlaces }, pixels) {
  const strips = new Float32Array(columns * pixels);
  const extent = pixels / rows;
  eachKept(before, rows, stride, (row, column) => {
    addSpan(strips, column * pixels, rowPlaces[row] * extent, extent, pixels, 1);
  });
  return strips;
}

/** Ink in the new order: a plane for each of covered, grown and dropped. */
export function fatePlanes(reordering, width, height) {
  const { rows, columns, rowPlaces, columnPlaces } = reordering;
  const planes = [COVERED, GROWN, DROPPED].map(() => new Float32Array(width * height));
  const [across, down] = [width / columns, height / rows];
  eachWeight(reordering, (row, column, fate) => {
    const top = rowPlaces[row] * down;
    for (let y = Math.floor(top + HAIR); y < Math.min(height, top + down - HAIR); y++) {
      const share = Math.min(y + 1, top + down) - Math.max(y, top);
      addSpan(planes[fate], y * width, columnPlaces[column] * across, across, width, share);
    }
  });
  return planes;
}

function addSpan(line, base, from, extent, pixels, weight) {
  const to = from + extent;
  for (let p = Math.floor(from + HAIR); p < Math.min(pixels, to - HAIR); p++) {
    line[base + p] += weight * (Math.min(p + 1, to) - Math.max(p, from));
  }
}

/** Lay strips of `length` over `target`, each from its start (in lines of the target) on, `extent` lines thick. */
export function layStrips(target, strips, length, starts, extent) {
  target.fill(0);
  const lines = target.length / length;
  for (let i = 0; i < starts.length; i++) {
    const from = starts[i];
    const to = from + extent;
    for (let line = Math.floor(from + HAIR); line < Math.min(lines, to - HAIR); line++) {
      const share = Math.min(line + 1, to) - Math.max(line, from);
      const base = line * length;
      for (let k = 0, at = i * length; k < length; k++, at++) target[base + k] += share * strips[at];
    }
  }
}

/** The frames of a reordering on `width` x `height` pixels; what they are made of is made once, when first needed. */
export function makeFrames(reordering, width, height) {
  const target = new Float32Array(width * height);
  let [byRow, byColumn, planes] = [null, null, null];
  const scaled = (places, share, extent) => placesAt(places, share).map((place) => place * extent);
  return {
    width, height,
    /** Ink of the mask before at a position of 0 to 2: row by row, or column by column (`upright`). */
    travelling(position) {
      const { rows, columns, rowPlaces, columnPlaces } = reordering;
      if (position <= 1) {
        const starts = scaled(rowPlaces, shareOf(0, position), height / rows);
        byRow ??= rowStrips(reordering, width);
        layStrips(target, byRow, width, starts, height / rows);
      } else {
        const starts = scaled(columnPlaces, shareOf(1, position), width / columns);
        byColumn ??= columnStrips(reordering, height);
        layStrips(target, byColumn, height, starts, width / columns);
      }
      return { ink: target, upright: position > 1 };
    },
    /** Ink in the new order: covered, grown, dropped. */
    arrived() {
      planes ??= fatePlanes(reordering, width, height);
      return planes;
    },
  };
}
