// Cells kept or pruned by click, tap, Space and Enter; arrow keys lead from cell to cell, of which one is reached by Tab.

const CELL_STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** toggled(row, column): a cell was pressed. Returns what makes the first cell the one that Tab reaches. */
export function listenToCells(grid, toggled, signal) {
  const on = (type, handler) => grid.host.addEventListener(type, handler, { signal });
  const cellOf = (event) => event.target.closest(".toy-cell");
  const toggle = (cell) => toggled(Number(cell.dataset.row), Number(cell.dataset.column));
  on("click", (event) => {
    const cell = cellOf(event);
    if (!cell) return;
    cell.focus({ preventScroll: true });
    toggle(cell);
  });
  on("focusin", (event) => cellOf(event) && roveToCell(grid, cellOf(event)));
  on("keydown", (event) => {
    const cell = cellOf(event);
    if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === " " || event.key === "Enter") toggle(cell);
    else if (!leadOn(grid, cell, event.key)) return;
    event.preventDefault();
  });
  return () => roveToCell(grid, grid.cell(grid.rows[0], grid.columns[0]));
}

function roveToCell(grid, cell) {
  for (const each of grid.host.querySelectorAll(".toy-cell")) each.tabIndex = each === cell ? 0 : -1;
}

/** Move the focus where a key leads; false where the key is none of ours. */
function leadOn(grid, cell, key) {
  const { rows, columns } = grid;
  const at = [rows.indexOf(Number(cell.dataset.row)), columns.indexOf(Number(cell.dataset.column))];
  const ends = { Home: [at[0], 0], End: [at[0], columns.length - 1] };
  if (!(key in CELL_STEPS) && !(key in ends)) return false;
  const [row, column] = ends[key] ?? [at[0] + CELL_STEPS[key][0], at[1] + CELL_STEPS[key][1]];
  if (rows[row] !== undefined && columns[column] !== undefined) grid.cell(rows[row], columns[column]).focus();
  return true;
}
