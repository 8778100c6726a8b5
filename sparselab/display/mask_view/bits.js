// One side's mask: packed bits, the exact counts of 8 x 8 tiles, and what each single cell is.

export const COVERED = 0;
export const GROWN = 1;
export const DROPPED = 2;
export const EMPTY = 3;
export const BYTE = 8;
export const FIRST_LEVEL = 3; // 2 ** 3 = 8: one byte of bits is one row of a tile

export const POPCOUNT = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

export function makePicture(side) {
  const stride = Math.ceil(side.width / BYTE);
  const picture = {
    label: side.label,
    caption: side.caption,
    height: side.height,
    width: side.width,
    stride,
    before: side.before,
    after: side.after,
    rowIndex: side.row_index,
    bands: side.bands,
    rects: side.rects,
    groups: side.groups.filter((row) => row > 0 && row < side.height),
    levels: new Map(),
  };
  picture.levels.set(FIRST_LEVEL, countTiles(picture));
  picture.counts = picture.levels.get(FIRST_LEVEL).planes.map(total);
  picture.kinds = [COVERED, GROWN, DROPPED].filter((kind) => kind === COVERED || picture.counts[kind] > 0);
  return picture;
}

function countTiles({ before, after, height, stride }) {
  const rows = Math.ceil(height / BYTE);
  const planes = [0, 1, 2].map((kind) => new Uint8Array(kind === COVERED || after ? rows * stride : 0));
  const [covered, grown, dropped] = planes;
  for (let row = 0, tile = 0; row < rows; row++) {
    const end = Math.min(height, (row + 1) * BYTE) * stride;
    for (let k = 0; k < stride; k++, tile++) {
      let both = 0;
      let gained = 0;
      let lost = 0;
      for (let at = row * BYTE * stride + k; at < end; at += stride) {
        const was = before[at];
        const is = after === null ? was : after[at];
        both += POPCOUNT[was & is];
        gained += POPCOUNT[is & ~was];
        lost += POPCOUNT[was & ~is];
      }
      covered[tile] = both;
      if (after === null) continue;
      grown[tile] = gained;
      dropped[tile] = lost;
    }
  }
  return { planes, rows, columns: stride };
}

function total(plane) {
  let sum = 0;
  for (let i = 0; i < plane.length; i++) sum += plane[i];
  return sum;
}

export function tileLevel(picture, level) {
  const known = picture.levels.get(level);
  if (known) return known;
  const halved = halveTiles(tileLevel(picture, level - 1));
  picture.levels.set(level, halved);
  return halved;
}

function halveTiles({ planes, rows, columns }) {
  const half = { rows: Math.ceil(rows / 2), columns: Math.ceil(columns / 2) };
  half.planes = planes.map((plane) => {
    const sums = new Uint32Array(plane.length && half.rows * half.columns);
    for (let row = 0, at = 0; row < rows && plane.length; row++) {
      const base = (row >> 1) * half.columns;
      for (let column = 0; column < columns; column++, at++) sums[base + (column >> 1)] += plane[at];
    }
    return sums;
  });
  return half;
}

export function isSet(bits, stride, row, column) {
  return (bits[row * stride + (column >> 3)] >> (7 - (column & 7))) & 1;
}

export function cellKind({ before, after, stride }, row, column) {
  const was = isSet(before, stride, row, column);
  const is = after ? isSet(after, stride, row, column) : was;
  if (was) return is ? COVERED : DROPPED;
  return is ? GROWN : EMPTY;
}
