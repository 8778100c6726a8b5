// The picture as a file: both sides with their captions, as shown.

import { css } from "./paint.js";

const MARGIN = 16;
const LINE = 20;

export function savePicture(title, sides, theme, ratio) {
  const canvas = composePicture(title, sides, theme, ratio);
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `mask-${fileName(title)}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

export const fileName = (title) => title.replace(/[^\w.]+/g, "-").replace(/^-|-$/g, "").slice(0, 80) || "view";

function composePicture(title, sides, theme, ratio) {
  const widths = sides.map((side) => side.canvas.width / ratio);
  const height = Math.max(...sides.map((side) => side.canvas.height / ratio));
  const canvas = document.createElement("canvas");
  const total = widths.reduce((sum, width) => sum + width + MARGIN, MARGIN);
  canvas.width = Math.round(total * ratio);
  canvas.height = Math.round((height + 4 * LINE + 4 + 2 * MARGIN) * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.fillStyle = css(theme.background);
  pen.fillRect(0, 0, total, canvas.height);
  pen.textBaseline = "middle";
  writeLine(pen, title, `600 15px ${theme.font}`, theme, MARGIN, MARGIN + LINE / 2, total - 2 * MARGIN);
  let x = MARGIN;
  sides.forEach((side, i) => {
    composeSide(pen, side, theme, x, MARGIN + LINE, widths[i], side.canvas.height / ratio);
    x += widths[i] + MARGIN;
  });
  return canvas;
}

function composeSide(pen, side, theme, x, y, width, height) {
  const small = `12px ${theme.font}`;
  writeLine(pen, `${side.label}: ${side.caption}`, `13px ${theme.font}`, theme, x, y + LINE / 2, width);
  const top = y + LINE + 4;
  pen.drawImage(side.canvas, x, top, width, height);
  pen.strokeStyle = css(theme.ink, 0.25);
  pen.strokeRect(x - 0.5, top - 0.5, width + 1, height + 1);
  writeLine(pen, side.scale, small, theme, x, top + height + LINE / 2 + 2, width);
  let at = x;
  for (const { colour, text } of side.legend) {
    pen.fillStyle = css(colour);
    pen.fillRect(at, top + height + LINE + 7, 10, 10);
    writeLine(pen, text, small, theme, at + 15, top + height + LINE + 12, width);
    at += 15 + pen.measureText(text).width + 14;
  }
}

export function writeLine(pen, text, font, theme, x, y, width) {
  pen.font = font;
  pen.fillStyle = css(theme.ink);
  pen.fillText(text, x, y, width);
}
