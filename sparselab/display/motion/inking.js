// From ink to colours: what is shown of each kind of weight at a position, and the pixels of it.

import { ORANGE, SKY_BLUE } from "../mask_view/paint.js";
import { fillAt } from "./geometry.js";

const mixed = (from, to, share) => from.map((channel, i) => channel + (to[i] - channel) * share);

/** The layers of a frame: planes of ink, each with its colour and how much of it is seen. */
export function layersAt(frames, position, theme) {
  if (position <= 2) {
    const { ink, upright } = frames.travelling(position);
    return { upright, layers: [{ ink, colour: theme.ink, share: 1 }] };
  }
  const { grown, marked, dropped } = fillAt(position);
  const [covered, gained, lost] = frames.arrived();
  return {
    upright: false,
    layers: [
      { ink: covered, colour: theme.ink, share: 1 },
      { ink: gained, colour: ORANGE, share: grown },
      { ink: lost, colour: mixed(theme.ink, SKY_BLUE, marked), share: dropped },
    ],
  };
}

/** Full colour from `top` ink on; where more lies over each other the colours mix by their ink. Runs once a pixel a frame. */
export function inkPixels(pixels, width, height, { layers, upright }, background, top) {
  const seen = layers.filter(({ share }) => share > 0);
  const [paperR, paperG, paperB] = background;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const at = upright ? x * height + y : i;
      let [sum, red, green, blue] = [0, 0, 0, 0];
      for (let k = 0; k < seen.length; k++) {
        const { ink, colour, share } = seen[k];
        const amount = share * ink[at];
        sum += amount;
        red += amount * (colour[0] - paperR);
        green += amount * (colour[1] - paperG);
        blue += amount * (colour[2] - paperB);
      }
      const scale = 1 / (sum > top ? sum : top);
      pixels[i] = 0xff000000
        | ((paperB + scale * blue + 0.5) << 16) | ((paperG + scale * green + 0.5) << 8) | (paperR + scale * red + 0.5);
    }
  }
}
