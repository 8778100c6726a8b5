// Where rows and columns are while they travel: pure functions of a position from 0 to 3, one unit a step.

export const MOTION_STEPS = Object.freeze(["rows", "columns", "fill and drop"]);
export const END = MOTION_STEPS.length;

const within = (x, low, high) => Math.min(high, Math.max(low, x));

/** The share of a step that is done, 0 to 1. */
export const shareOf = (step, position) => within(position - step, 0, 1);

/** The step that leads to `position`: a step's end belongs to it, the start to the first one. */
export const stepAt = (position) => within(Math.ceil(position) - 1, 0, END - 1);

/** Where the picture is after `clock` steps of even time: each step starts and ends gently, and is half done at half time. */
export function easedPosition(clock) {
  const step = stepAt(clock);
  const share = shareOf(step, clock);
  return step + share * share * (3 - 2 * share);
}

/** The clock at which `easedPosition` is `position`. */
export function clockAt(position) {
  const step = stepAt(position);
  return step + 0.5 - Math.sin(Math.asin(1 - 2 * shareOf(step, position)) / 3);
}

export function positionText(position) {
  if (position <= 0) return "start: as in the file";
  const step = stepAt(position);
  return `${MOTION_STEPS[step]}: ${Math.round(100 * shareOf(step, position))} % of the way`;
}

/** order[place] = index becomes places[index] = place. */
export function placesOf(order) {
  const places = new Int32Array(order.length);
  order.forEach((index, place) => {
    places[index] = place;
  });
  return places;
}

/** The place of each index, on its straight way from itself to `places[index]`. */
export const placesAt = (places, share) => Float64Array.from(places, (place, index) => index + (place - index) * share);

/** The place of one weight at `position`, in rows and columns from the upper left. */
export function weightPlace({ rowPlaces, columnPlaces }, { row, column }, position) {
  return {
    row: row + (rowPlaces[row] - row) * shareOf(0, position),
    column: column + (columnPlaces[column] - column) * shareOf(1, position),
  };
}

/** How much of the grown and dropped weights is seen: first blocks fill and the rest is marked, then the rest fades. */
export function fillAt(position) {
  const share = shareOf(2, position);
  return { grown: Math.min(1, 2 * share), marked: Math.min(1, 2 * share), dropped: Math.min(1, 2 - 2 * share) };
}
