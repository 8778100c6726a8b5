// A small picture on a canvas of its own pixels, in the colours of the mask view.

import { colourise } from "../mask_view/paint.js";

const LEVELS = 15;

/** Return densities 0 to 1 of the densest pixel: kept, grown, dropped. Two pixels a byte, the left one in the upper half. */
export function unpackPlanes({ rows, cols, planes }) {
  const stride = (cols + 1) >> 1;
  const size = rows * stride;
  return [0, 1, 2].map((kind) => {
    const plane = new Float32Array(rows * cols);
    if ((kind + 1) * size > planes.length) return plane;
    for (let row = 0, at = 0; row < rows; row++) {
      for (let col = 0; col < cols; col++, at++) {
        const byte = planes[kind * size + row * stride + (col >> 1)];
        plane[at] = (col & 1 ? byte & 15 : byte >> 4) / LEVELS;
      }
    }
    return plane;
  });
}

export function paintSmall(canvas, picture, theme) {
  canvas.width = picture.cols;
  canvas.height = picture.rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(picture.cols, picture.rows);
  colourise(image, unpackPlanes(picture), 1, null, theme);
  context.putImageData(image, 0, 0);
}
