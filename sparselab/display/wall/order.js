// Which cards are shown, and in what order: plain functions of what the cards say.

/** The orders by name: what is compared, smallest first; what has no such number comes last. */
const KEYS = {
  network: (card) => card.place,
  kept: (card) => card.kept,
  size: (card) => -card.size,
  gain: (card) => (card.gain === null ? null : -card.gain),
};

/** Return the cards in an order; those that are level stay in the network's order. */
export function ordered(cards, by) {
  const key = KEYS[by];
  const compared = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return x - y;
  };
  return [...cards].sort((a, b) => compared(a, b) || a.place - b.place);
}

/** Whether a card is in a state ("" for any) and holds every word of a text, in its name, shape or structure. */
export function matches(card, text, state) {
  if (state && card.state !== state) return false;
  const said = `${card.name} ${card.shape} ${card.structure}`.toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => said.includes(word));
}

/** Where the arrow keys lead from a card, among `count` cards in rows of `columns`. */
export function stepped(place, key, count, columns) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -place, End: count - 1 - place };
  if (!(key in steps)) return null;
  const target = place + steps[key];
  return target >= 0 && target < count ? target : place;
}
