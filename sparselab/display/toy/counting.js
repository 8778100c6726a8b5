// What a toy counts, as plain functions. They say what sparselab/analysis/toy.py and toy_steps.py say; tests compare them on many toys.
// A toy of now: {kept, weights, inputs, heights, rows, columns}; rows and columns say which one of the file stands at each place.

export const TOY_METHODS = Object.freeze({
  dense: { title: "Dense", steps: denseSteps, reads: "" },
  csr: { title: "Sparse (CSR)", steps: csrSteps, reads: "column numbers read" },
  blocks: { title: "Blocks", steps: blockSteps, reads: "inputs gathered" },
});

/** The toy as it stands: what was told of it, with what has been done since. */
export function toyNow(told, { toggled, rows, columns }) {
  const kept = told.kept.map((line) => line.slice());
  for (const [row, column] of toggled) kept[row][column] = 1 - kept[row][column];
  return { kept, weights: told.weights, inputs: told.inputs, heights: told.heights, rows, columns };
}

/** The row order cut into runs, each with every column that one of its rows keeps, as listed on the screen. */
export function toyBlocks({ kept, heights, rows, columns }) {
  let start = 0;
  return heights.map((height) => {
    const own = rows.slice(start, (start += height));
    return { rows: own, columns: columns.filter((column) => own.some((row) => kept[row][column])) };
  });
}

function denseSteps({ rows, columns }) {
  return rows.flatMap((row) => columns.map((column) => ["multiply", row, column]));
}

function csrSteps({ kept, rows, columns }) {
  return rows.flatMap((row) =>
    columns.filter((column) => kept[row][column]).flatMap((column) => [["read", row, column], ["multiply", row, column]]));
}

function blockSteps(toy) {
  return toyBlocks(toy).flatMap((block) => [
    ...block.columns.map((column) => ["read", block.rows[0], column]),
    ...block.rows.flatMap((row) => block.columns.map((column) => ["multiply", row, column])),
  ]);
}

/** What some steps cost: multiplications, those of them by zero, and numbers read. */
export function countSteps({ kept }, steps) {
  const done = steps.filter(([kind]) => kind === "multiply");
  const zeros = done.filter(([, row, column]) => !kept[row][column]).length;
  return { multiplications: done.length, zeros, reads: steps.length - done.length };
}

/** The outputs, in the file's order, that some steps have reached. */
export function summedSteps({ kept, weights, inputs }, steps) {
  const sums = kept.map(() => 0);
  for (const [kind, row, column] of steps) {
    if (kind === "multiply" && kept[row][column]) sums[row] += weights[row][column] * inputs[column];
  }
  return sums;
}

/** y = W x in the file's order. */
export function toyProduct({ kept, weights, inputs }) {
  return kept.map((line, row) => line.reduce((sum, isKept, column) => sum + isKept * weights[row][column] * inputs[column], 0));
}

/** y' = W' x' of the weights and inputs as they are shown. */
export function permutedProduct({ kept, weights, inputs, rows, columns }) {
  const shown = rows.map((row) => columns.map((column) => kept[row][column] * weights[row][column]));
  const given = columns.map((column) => inputs[column]);
  return shown.map((line) => line.reduce((sum, weight, place) => sum + weight * given[place], 0));
}

export const keptCount = (kept) => kept.reduce((sum, line) => sum + line.reduce((part, isKept) => part + isKept, 0), 0);

export const sharedColumns = (kept, one, other) => columnsWhere(kept, (column) => kept[one][column] && kept[other][column]);

export const eitherColumns = (kept, one, other) => columnsWhere(kept, (column) => kept[one][column] || kept[other][column]);

const columnsWhere = (kept, holds) => [...kept[0].keys()].filter(holds);

/** Jaccard's similarity as a fraction that is not reduced: [shared, either]; of two rows that keep nothing [1, 1]. */
export function jaccardOf(kept, one, other) {
  const either = eitherColumns(kept, one, other).length;
  return either ? [sharedColumns(kept, one, other).length, either] : [1, 1];
}

/** The columns by the first group that uses them, once the rows stand group by group. */
export function groupedColumns(toy, sortedRows) {
  const natural = toy.columns.map((_, column) => column);
  const used = toyBlocks({ ...toy, rows: sortedRows, columns: natural }).flatMap((block) => block.columns);
  return [...new Set([...used, ...natural])];
}

/** An order in which `id` has gone to `place` and the others close up. */
export function movedTo(order, id, place) {
  const others = order.filter((each) => each !== id);
  return [...others.slice(0, place), id, ...others.slice(place)];
}
