// Pointer, wheel and keys on a picture, told to the view's movement and reading.

const WHEEL_RATE = 0.0022;
const KEY_PAN = 0.15;
const BUTTON_ZOOM = 1.6;
const REST_MS = 400;
const TAP_REACH = 8; // CSS pixels: who moves further drags

export function listenTo(canvas, view, signal) {
  const on = (type, handler, options) => canvas.addEventListener(type, handler, { signal, ...options });
  const pointers = new Map();
  let pressed = null;
  on("wheel", (event) => wheel(event, canvas, view), { passive: false });
  on("dblclick", (event) => view.movement.zoom(event.shiftKey ? 1 / 2 : 2, ...fraction(event, canvas), { smooth: true }));
  on("keydown", (event) => press(event, canvas, view));
  on("focus", () => view.movement.lead(canvas));
  // Two fingers are the picture's; what one does is for touch-action to say.
  for (const type of ["touchstart", "touchmove"]) {
    on(type, (event) => event.touches.length > 1 && event.cancelable && event.preventDefault(), { passive: false });
  }
  on("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    view.movement.lead(canvas);
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, fraction(event, canvas));
    pressed = pointers.size === 1 ? event : null;
    canvas.classList.add("dragging");
  });
  on("pointermove", (event) => {
    const at = fraction(event, canvas);
    if (pressed && isFar(event, pressed)) pressed = null;
    if (pointers.has(event.pointerId)) drag(pointers, event.pointerId, at, view);
    if (event.pointerType === "mouse" || event.pointerType === "pen") view.reading.hover(canvas, ...at);
    else if (!pressed) view.reading.leave();
  });
  // A finger that was lifted still points: what it tapped stays read out.
  on("pointerleave", (event) => event.pointerType === "touch" || view.reading.leave());
  for (const type of ["pointerup", "pointercancel"]) {
    on(type, (event) => {
      if (type === "pointerup" && pressed?.pointerId === event.pointerId) view.reading.pin(canvas, ...fraction(event, canvas));
      pressed = null;
      pointers.delete(event.pointerId);
      if (pointers.size === 0) canvas.classList.remove("dragging");
    });
  }
}

const isFar = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) > TAP_REACH;

function fraction(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function drag(pointers, id, at, view) {
  const before = spread(pointers);
  const previous = pointers.get(id);
  pointers.set(id, at);
  if (pointers.size === 1) {
    view.movement.pan(previous[0] - at[0], previous[1] - at[1]);
    return;
  }
  const now = spread(pointers);
  view.movement.pan(before.x - now.x, before.y - now.y);
  if (before.reach > 0) view.movement.zoom(now.reach / before.reach, now.x, now.y);
}

function spread(pointers) {
  const [a, b = a] = pointers.values();
  return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, reach: Math.hypot(a[0] - b[0], a[1] - b[1]) };
}

let lastZoom = 0;

function wheel(event, canvas, view) {
  const pinching = event.ctrlKey || event.metaKey;
  if (!pinching && !view.engaged()) return;
  const outAtFit = event.deltaY > 0 && view.movement.whole;
  // A page must not feel stuck: scrolling on past the whole mask scrolls the page, unless it is the same stroke.
  if (!pinching && outAtFit && event.timeStamp - lastZoom > REST_MS) return;
  event.preventDefault();
  lastZoom = event.timeStamp;
  view.movement.lead(canvas);
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  const rate = event.ctrlKey && Math.abs(event.deltaY) < 40 ? 5 * WHEEL_RATE : WHEEL_RATE; // trackpad pinch: small steps
  view.movement.zoom(Math.exp(-event.deltaY * lines * rate), ...fraction(event, canvas));
}

function press(event, canvas, view) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const far = event.shiftKey ? 4 * KEY_PAN : KEY_PAN;
  const moves = {
    ArrowLeft: () => view.movement.pan(-far, 0),
    ArrowRight: () => view.movement.pan(far, 0),
    ArrowUp: () => view.movement.pan(0, -far),
    ArrowDown: () => view.movement.pan(0, far),
    "+": () => view.movement.zoom(BUTTON_ZOOM, 0.5, 0.5),
    "=": () => view.movement.zoom(BUTTON_ZOOM, 0.5, 0.5),
    "-": () => view.movement.zoom(1 / BUTTON_ZOOM, 0.5, 0.5),
    0: () => view.movement.fit(),
    Home: () => view.movement.fit(),
  };
  const acts = { t: "twin", l: "lock", Enter: "pin" };
  const act = acts[event.key] ?? acts[event.key.toLowerCase()];
  if (event.key === "Escape") {
    canvas.blur();
    view.reading.unpin();
  } else if (moves[event.key]) {
    event.preventDefault();
    moves[event.key]();
    // Without a pointer the weight in the middle is the one read out.
    view.reading.hover(canvas, 0.5, 0.5);
  } else if (act === "pin") view.reading.pin(canvas, 0.5, 0.5);
  else if (act) view.act(act);
}
