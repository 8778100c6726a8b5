// Where the outlines of blocks run: for every cell the sides on which its block ends.

import { toyBlocks } from "./counting.js";

/** Return edges(row, column): letters of "trbl" (top, right, bottom, left) for a cell in a block, "-" for one inside, "" for others. */
export function blockEdges(toy) {
  const found = new Map();
  for (const block of toyBlocks(toy)) {
    const inside = new Set(block.columns);
    for (const [at, row] of block.rows.entries()) {
      for (const [place, column] of toy.columns.entries()) {
        if (!inside.has(column)) continue;
        const sides = [
          at === 0 && "t",
          !inside.has(toy.columns[place + 1]) && "r",
          at === block.rows.length - 1 && "b",
          !inside.has(toy.columns[place - 1]) && "l",
        ];
        found.set(`${row},${column}`, sides.filter(Boolean).join("") || "-");
      }
    }
  }
  return (row, column) => found.get(`${row},${column}`) ?? "";
}
