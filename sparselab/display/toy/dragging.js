// Rows and columns moved by their handles: a pointer drags one, arrow keys step it. The page scrolls everywhere else.

const ROW_KEYS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };
const COLUMN_KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

export const clampPlace = (place, size) => Math.min(size - 1, Math.max(0, place));

/** A handle for the head of a row or of a column. */
export function makeHandle(axis, id) {
  const handle = document.createElement("button");
  handle.type = "button";
  handle.className = "toy-handle";
  handle.dataset.axis = axis;
  handle.dataset.id = String(id);
  handle.textContent = String(id);
  handle.setAttribute("aria-label", `Move ${axis} ${id}`);
  return handle;
}

/** Let the handles of a grid move what they head. moved(axis, id, place, handle) puts it at a place; rested(axis, id) ends a move. */
export function listenToHandles(grid, { moved, rested }, signal) {
  const { host } = grid;
  const on = (type, handler) => host.addEventListener(type, handler, { signal });
  let drag = null;

  on("pointerdown", (event) => {
    const handle = event.target.closest(".toy-handle");
    if (!handle || event.button !== 0 || drag) return;
    handle.focus({ preventScroll: true });
    const { axis } = handle.dataset;
    const id = Number(handle.dataset.id);
    host.setPointerCapture(event.pointerId); // the grid, not the handle: it stays while rows change places
    const members = grid.members(axis, id);
    drag = { pointer: event.pointerId, handle, axis, id, members, grip: along(axis, event) - startOf(axis, members[0]), has: false };
    for (const member of members) member.classList.add("toy-held");
  });

  on("pointermove", (event) => {
    if (drag?.pointer !== event.pointerId) return;
    const { axis, id, members, grip, handle } = drag;
    const order = axis === "row" ? grid.rows : grid.columns;
    const first = axis === "row" ? grid.lines.get(order[0]).element : grid.top.cells.get(order[0]);
    const size = axis === "row" ? members[0].offsetHeight : members[0].offsetWidth;
    const pitch = order.length > 1 ? pitchOf(grid, axis, order) : size;
    const wanted = along(axis, event) - grip - restOf(axis, grid, first);
    const place = clampPlace(Math.round(wanted / pitch), order.length);
    if (place !== order.indexOf(id)) {
      drag.has = true;
      moved(axis, id, place, handle);
    }
    const lag = Math.min(Math.max(wanted, -pitch / 2), (order.length - 0.5) * pitch) - place * pitch;
    for (const member of members) member.style.translate = axis === "row" ? `0 ${lag}px` : `${lag}px 0`;
  });

  const end = (event) => {
    if (drag?.pointer !== event.pointerId) return;
    const { axis, id, members, has } = drag;
    drag = null;
    for (const member of members) {
      member.classList.remove("toy-held");
      member.style.translate = "";
    }
    if (has) rested(axis, id);
  };
  on("pointerup", end);
  on("pointercancel", end);
  on("lostpointercapture", end);

  on("keydown", (event) => {
    const handle = event.target.closest(".toy-handle");
    if (!handle || event.ctrlKey || event.altKey || event.metaKey) return;
    const { axis } = handle.dataset;
    const step = (axis === "row" ? ROW_KEYS : COLUMN_KEYS)[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const id = Number(handle.dataset.id);
    const order = axis === "row" ? grid.rows : grid.columns;
    const place = clampPlace(order.indexOf(id) + step, order.length);
    if (place === order.indexOf(id)) return;
    moved(axis, id, place, handle);
    rested(axis, id);
  });
}

const along = (axis, event) => (axis === "row" ? event.clientY : event.clientX);

const startOf = (axis, element) => (axis === "row" ? element.getBoundingClientRect().top : element.getBoundingClientRect().left);

const within = (axis, element) => (axis === "row" ? element.offsetTop : element.offsetLeft);

/** Where the first place begins on the screen, whatever travels through it at the moment. */
function restOf(axis, grid, first) {
  const frame = axis === "row" ? grid.host : grid.top.element;
  return startOf(axis, frame) + (axis === "row" ? frame.clientTop : frame.clientLeft) + within(axis, first);
}

function pitchOf(grid, axis, order) {
  const element = (id) => (axis === "row" ? grid.lines.get(id).element : grid.top.cells.get(id));
  return within(axis, element(order[1])) - within(axis, element(order[0]));
}
