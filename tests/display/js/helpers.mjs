// What the tests of the mask view share: seeded numbers, packed bits, and a side as the server sends it.

/** Return numbers from 0 to 1, the same at every run (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomCells(height, width, density, random) {
  return Array.from({ length: height }, () => Array.from({ length: width }, () => (random() < density ? 1 : 0)));
}

/** Pack rows of cells as `numpy.packbits(..., axis=1)` does: eight to a byte, the first one on top. */
export function packed(cells) {
  const stride = Math.ceil(cells[0].length / 8);
  const bits = new Uint8Array(cells.length * stride);
  cells.forEach((line, row) => line.forEach((cell, column) => {
    bits[row * stride + (column >> 3)] |= cell << (7 - (column & 7));
  }));
  return bits;
}

export const upTo = (n) => Int32Array.from({ length: n }, (_, i) => i);

/** A side in natural order, unless `rowIndex` and `columnIndex` say otherwise. */
export function sideOf(before, after = null, { rowIndex, columnIndex, groups = [], rects = [] } = {}) {
  const [height, width] = [before.length, before[0].length];
  return {
    label: "side", caption: "", height, width,
    before: packed(before), after: after && packed(after),
    row_index: rowIndex ?? upTo(height),
    bands: [{ start: 0, stop: height, width, cols: columnIndex ?? upTo(width) }],
    rects: Int32Array.from(rects), groups: Int32Array.from(groups),
  };
}
