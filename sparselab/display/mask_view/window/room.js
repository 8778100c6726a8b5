// How tall the pictures may be: what is left of the window below them, and the same until the window changes.

const LEAST_PICTURE = 240; // CSS pixels
const BELOW = 8;
const HEAD_OF_PHONE = 60; // what the app keeps at the top of a scrolled page

export const swiped = (root) => getComputedStyle(root.querySelector(".tabs")).display !== "none";

/** Fit the pictures into the window; return whether their height changed. */
export function fitToWindow(root) {
  const frame = root.querySelector(".side:not(:has(.vacant)) .frame") ?? root.querySelector(".frame");
  const around = root.querySelector(".readout").getBoundingClientRect().bottom - root.getBoundingClientRect().top - frame.offsetHeight;
  const presenting = root.classList.contains("presenting");
  const most = presenting ? Infinity : Number(root.dataset.height);
  const above = presenting ? 0 : topOf(root);
  let room = window.innerHeight - above - around - BELOW;
  // Where the pictures begin below the first screen, they fit the screen to which one scrolls.
  if (room < LEAST_PICTURE && swiped(root)) room = window.innerHeight - HEAD_OF_PHONE - around - BELOW;
  const height = `${Math.round(Math.min(most, Math.max(LEAST_PICTURE, room)))}px`;
  if (root.style.getPropertyValue("--picture-height") === height) return false;
  root.style.setProperty("--picture-height", height);
  return true;
}

/** Where the view begins on a page that is not scrolled. */
function topOf(root) {
  let top = root.getBoundingClientRect().top + window.scrollY;
  for (let node = root; node; node = node.assignedSlot ?? node.parentElement ?? node.getRootNode().host) {
    if (node !== document.scrollingElement) top += node.scrollTop;
  }
  return top;
}

/** Call `changed` when the window has another size; not when a phone's address bar comes or goes. */
export function watchWindow(changed, signal) {
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    const same = width === window.innerWidth && matchMedia("(hover: none)").matches;
    width = window.innerWidth;
    changed({ sameRoom: same });
  }, { signal });
}
