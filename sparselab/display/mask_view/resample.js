// From cells to pixels: each pixel holds the exact mean density of the area it covers, never a sample of it.
// A line is integrated at the pixel edges (popcount of whole bytes, then the cut cell by its fraction); the mean of a
// pixel is the difference of two such sums, so nothing is counted twice and no rhythm of edges can show up as structure.

import { COVERED, GROWN, DROPPED, BYTE, FIRST_LEVEL, POPCOUNT, tileLevel } from "./bits.js";

const SNAP_PIXELS = 3; // from this size on, cells get whole pixels: crisp, and rounding cannot mislead any more
export const WHILE_MOVING = 3.5e6; // steps per picture: about 15 ms
export const AT_REST = 8e7;

/** Cell coordinates of the pixel edges over [start, stop). */
export function pixelEdges(start, stop, pixels) {
  const edges = new Float64Array(pixels + 1);
  const cell = pixels / (stop - start);
  for (let p = 0; p <= pixels; p++) edges[p] = start + p / cell;
  if (cell >= SNAP_PIXELS) snapEdges(edges, start, cell);
  edges[pixels] = Math.min(edges[pixels], Math.ceil(stop));
  return edges;
}

function snapEdges(edges, start, cell) {
  const boundary = (index) => Math.round((index - start) * cell);
  let index = Math.floor(start);
  for (let p = 0; p < edges.length; p++) {
    while (boundary(index + 1) <= p) index++;
    const first = boundary(index);
    edges[p] = index + (p - first) / (boundary(index + 1) - first);
  }
}

/** Mean densities per pixel, one plane for each of covered, grown and dropped, as exact as `budget` steps allow. */
export function averageDensities(picture, rows, columns, budget) {
  const level = chooseLevel(picture, rows, columns, budget);
  const none = new Float32Array((rows.length - 1) * (columns.length - 1));
  const planes = [COVERED, GROWN, DROPPED].map((kind) =>
    picture.kinds.includes(kind) ? averagePlane(lineReader(picture, level, kind, columns), rows, columns) : none,
  );
  return { planes, exact: level === 0 };
}

function chooseLevel(picture, rows, columns, budget) {
  const tall = rows[rows.length - 1] - rows[0];
  const wide = columns[columns.length - 1] - columns[0];
  const work = (size) => (tall / size) * (wide / Math.max(BYTE, size) + columns.length * 2) * picture.kinds.length;
  if (work(1) <= budget) return 0;
  let level = FIRST_LEVEL;
  while (work(2 ** level) > budget && 2 ** level * rows.length < tall) level++;
  return level;
}

function averagePlane(reader, rows, columns) {
  const wide = columns.length - 1;
  const plane = new Float32Array(wide * (rows.length - 1));
  const line = new Float32Array(wide);
  let held = -1;
  for (let y = 0, at = 0; y < rows.length - 1; y++, at += wide) {
    const top = rows[y];
    const bottom = rows[y + 1];
    for (let r = Math.floor(top / reader.size); r < reader.rows && r * reader.size < bottom; r++) {
      const start = r * reader.size;
      const tall = Math.min(reader.size, reader.height - start);
      const overlap = Math.min(start + tall, bottom) - Math.max(start, top);
      if (overlap <= 0) continue;
      if (r !== held) reader.read((held = r), line);
      const weight = overlap / tall / (bottom - top);
      for (let x = 0; x < wide; x++) plane[at + x] += weight * line[x];
    }
  }
  return plane;
}

function lineReader(picture, level, kind, columns) {
  if (level === 0) return bitReader(picture, kind, columns);
  return tileReader(picture, level, kind, columns);
}

function bitReader({ before, after, stride, height }, kind, columns) {
  const cuts = splitEdges(columns, BYTE);
  const shift = Uint8Array.from(cuts.inside, Math.floor);
  const part = Float64Array.from(cuts.inside, (position, e) => position - shift[e]);
  const bytes = new Uint8Array(stride + 1); // the spare zero byte is what an edge at the far right reads
  const first = cuts.unit[0];
  const last = Math.min(cuts.unit[cuts.unit.length - 1], stride - 1);
  const read = (row, line) => {
    kindBytes(bytes, before, after ?? before, kind, first, last, row * stride);
    integrateBits(bytes, cuts.unit, shift, part, cuts.scale, line);
  };
  return { size: 1, rows: height, height, read };
}

function kindBytes(bytes, before, after, kind, first, last, base) {
  const flipBefore = kind === GROWN ? 255 : 0;
  const flipAfter = kind === DROPPED ? 255 : 0;
  for (let k = first; k <= last; k++) bytes[k] = (before[base + k] ^ flipBefore) & (after[base + k] ^ flipAfter);
}

// Half of all painting time is spent here: plain loops over plain arrays.
function integrateBits(bytes, unit, shift, part, scale, line) {
  let sum = 0;
  let previous = 0;
  for (let e = 0, k = unit[0]; e < unit.length; e++) {
    const stop = unit[e];
    for (; k < stop; k++) sum += POPCOUNT[bytes[k]];
    const bits = bytes[k] << shift[e]; // bits left of the edge move beyond the byte, the cut one becomes its top bit
    const upToHere = sum + POPCOUNT[bits >> BYTE] + part[e] * ((bits >> 7) & 1);
    if (e > 0) line[e - 1] = (upToHere - previous) * scale[e - 1];
    previous = upToHere;
  }
}

function tileReader(picture, level, kind, columns) {
  const size = 2 ** level;
  const tiles = tileLevel(picture, level);
  const plane = tiles.planes[kind];
  const { unit, inside, scale } = splitEdges(columns, size);
  const read = (row, line) => {
    const base = row * tiles.columns;
    let sum = 0;
    let previous = 0;
    for (let e = 0, k = unit[0]; e < unit.length; e++) {
      while (k < unit[e]) sum += plane[base + k++];
      const cut = inside[e] && (plane[base + k] * inside[e]) / Math.min(size, picture.width - k * size);
      if (e > 0) line[e - 1] = (sum + cut - previous) * scale[e - 1];
      previous = sum + cut;
    }
  };
  return { size, rows: tiles.rows, height: picture.height, read };
}

function splitEdges(edges, size) {
  const unit = Int32Array.from(edges, (edge) => Math.floor(edge / size));
  const inside = Float64Array.from(edges, (edge, e) => edge - unit[e] * size);
  const scale = new Float64Array(edges.length - 1).map((_, x) => 1 / (edges[x + 1] - edges[x]));
  return { unit, inside, scale };
}
