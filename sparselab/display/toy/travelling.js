// Elements that have a new place go there in sight: first the change, then the way back is undone (FLIP).

export const motionIsUnwanted = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Change the page, then let elements travel from where they were; resolves when all have come. */
export function travel(elements, change, milliseconds) {
  if (motionIsUnwanted() || milliseconds === 0) {
    change();
    return Promise.resolve();
  }
  for (const element of elements) element.getAnimations().forEach((animation) => animation.finish());
  const before = elements.map(offsetOf);
  change();
  const ways = elements.map((element, at) => {
    const now = offsetOf(element);
    const [x, y] = [before[at].x - now.x, before[at].y - now.y];
    if (x === 0 && y === 0) return null;
    const frames = [{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }];
    return element.animate(frames, { duration: milliseconds, easing: "cubic-bezier(.3, 0, .2, 1)" }).finished.catch(() => {});
  });
  return Promise.all(ways);
}

// Within its parent: a cell travels in its row, and the row takes it along.
const offsetOf = ({ offsetLeft: x, offsetTop: y }) => ({ x, y });
