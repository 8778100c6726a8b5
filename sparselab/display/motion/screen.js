// What the reader's screen asks for: as many pixels as it has, and whether things may move.

export const motionUnwanted = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Give a canvas the pixels of its place on the page; return how many there are to a CSS pixel. */
export function fitCanvas(canvas) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((size) => Math.round(size * ratio));
  // Assigning a size clears the canvas even when it is the same.
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return ratio;
}
