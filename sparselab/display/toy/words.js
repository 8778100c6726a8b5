// What a toy says in words.

const many = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

export const shareText = (part, whole) => `${((100 * part) / whole).toFixed(1).replace(/\.0$/, "")} %`;

/** The picture in a sentence. */
export function sizeSentence(kept, count) {
  const [rows, columns] = [kept.length, kept[0].length];
  return `${many(rows, "row")}, ${many(columns, "column")}, ${count} of ${many(rows * columns, "weight")} kept (${shareText(count, rows * columns)}).`;
}

export function cellLabel(row, column, weight, isKept) {
  return `row ${row}, column ${column}, weight ${weight}, ${isKept ? "kept" : "pruned"}`;
}

/** What a step does, as one computes it by hand. */
export function stepSentence(toy, [kind, row, column], isGather) {
  const input = toy.inputs[column];
  if (kind === "read") return isGather ? `gather input ${column}: ${input}` : `row ${row}: read that its next column is ${column}`;
  const weight = toy.kept[row][column] ? toy.weights[row][column] : 0;
  return `row ${row}: ${weight} × ${input} = ${weight * input}${weight === 0 ? ", adds nothing" : ""}`;
}

export function blocksSentence(blocks, { multiplications, zeros }, all) {
  const areas = blocks.map((block) => `${block.rows.length} × ${block.columns.length}`).join(" + ");
  return `${many(blocks.length, "block")}: ${areas} = ${many(multiplications, "multiplication")}, ${zeros} of them by zero (${
    multiplications ? shareText(zeros, multiplications) : "none"}). The dense product has ${all}.`;
}

export function movedSentence(axis, id, place, size) {
  return `${axis === "row" ? "Row" : "Column"} ${id} is at place ${place + 1} of ${size}.`;
}

export function equalSentence(equal, size) {
  return equal === size
    ? `Same answer: each of the ${size} outputs is the number it was in the file's order, and has travelled with its row.`
    : `Another answer: ${equal} of ${size} outputs are what they were in the file's order.`;
}
