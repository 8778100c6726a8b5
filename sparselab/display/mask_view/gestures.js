// Pointer, wheel and keys on a picture, told to the view as pan(dx, dy), zoom(factor, fx, fy), hover(fx, fy).

import { isFit } from "./viewport.js";

const WHEEL_RATE = 0.0022;
const KEY_PAN = 0.15;
const BUTTON_ZOOM = 1.6;
const REST_MS = 400;

export function listenTo(canvas, view, signal) {
  const on = (type, handler, options) => canvas.addEventListener(type, handler, { signal, ...options });
  const pointers = new Map();
  on("wheel", (event) => wheel(event, canvas, view), { passive: false });
  on("dblclick", (event) => view.zoom(event.shiftKey ? 1 / 2 : 2, ...fraction(event, canvas), { smooth: true }));
  on("keydown", (event) => press(event, canvas, view));
  on("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, fraction(event, canvas));
    canvas.classList.add("dragging");
  });
  on("pointermove", (event) => {
    const at = fraction(event, canvas);
    if (pointers.has(event.pointerId)) drag(pointers, event.pointerId, at, view);
    view.hover(canvas, ...at);
  });
  on("pointerleave", () => view.leave());
  for (const type of ["pointerup", "pointercancel"]) {
    on(type, (event) => {
      pointers.delete(event.pointerId);
      if (pointers.size === 0) canvas.classList.remove("dragging");
    });
  }
}

function fraction(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function drag(pointers, id, at, view) {
  const before = spread(pointers);
  const previous = pointers.get(id);
  pointers.set(id, at);
  if (pointers.size === 1) {
    view.pan(previous[0] - at[0], previous[1] - at[1]);
    return;
  }
  const now = spread(pointers);
  view.pan(before.x - now.x, before.y - now.y);
  if (before.reach > 0) view.zoom(now.reach / before.reach, now.x, now.y);
}

function spread(pointers) {
  const [a, b = a] = pointers.values();
  return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, reach: Math.hypot(a[0] - b[0], a[1] - b[1]) };
}

let lastZoom = 0;

function wheel(event, canvas, view) {
  const pinching = event.ctrlKey || event.metaKey;
  if (!pinching && !view.engaged()) return;
  const outAtFit = event.deltaY > 0 && isFit(view.view);
  // A page must not feel stuck: scrolling on past the whole mask scrolls the page, unless it is the same stroke.
  if (!pinching && outAtFit && event.timeStamp - lastZoom > REST_MS) return;
  event.preventDefault();
  lastZoom = event.timeStamp;
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  const rate = event.ctrlKey && Math.abs(event.deltaY) < 40 ? 5 * WHEEL_RATE : WHEEL_RATE; // trackpad pinch: small steps
  view.zoom(Math.exp(-event.deltaY * lines * rate), ...fraction(event, canvas));
}

function press(event, canvas, view) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const far = event.shiftKey ? 4 * KEY_PAN : KEY_PAN;
  const actions = {
    ArrowLeft: () => view.pan(-far, 0),
    ArrowRight: () => view.pan(far, 0),
    ArrowUp: () => view.pan(0, -far),
    ArrowDown: () => view.pan(0, far),
    "+": () => view.zoom(BUTTON_ZOOM, 0.5, 0.5),
    "=": () => view.zoom(BUTTON_ZOOM, 0.5, 0.5),
    "-": () => view.zoom(1 / BUTTON_ZOOM, 0.5, 0.5),
    0: () => view.fit(),
    Home: () => view.fit(),
  };
  if (event.key === "Escape") {
    canvas.blur();
    view.leave();
  } else if (actions[event.key]) {
    event.preventDefault();
    actions[event.key]();
    // Without a pointer the weight in the middle is the one read out.
    view.hover(canvas, 0.5, 0.5);
  }
}
