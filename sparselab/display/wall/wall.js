// The wall: every layer of a network as a card. A message holds the whole wall, or cards that have become known since.

import { decodeWire, sameBytes } from "../mask_view/wire.js";
import { css, readTheme, ORANGE, SKY_BLUE } from "../mask_view/paint.js";
import { Card } from "./card.js";
import { ordered, matches, stepped } from "./order.js";

const WALLS = new WeakMap();
const NEWS = "sparselab-wall-news";

class Wall {
  constructor(root) {
    this.root = root;
    this.list = root.querySelector(".cards");
    this.template = root.querySelector("template");
    this.cards = new Map();
    this.listening = new AbortController();
    const { signal } = this.listening;
    for (const control of root.querySelectorAll(".controls input, .controls select")) {
      control.addEventListener("input", () => this.arrange(), { signal });
    }
    this.list.addEventListener("click", (event) => this.click(event), { signal });
    this.list.addEventListener("keydown", (event) => this.press(event), { signal });
    this.list.addEventListener("focusin", (event) => this.rove(event.target.closest("button")), { signal });
    document.addEventListener(NEWS, ({ detail }) => this.hear(detail), { signal });
  }

  close() {
    this.listening.abort();
  }

  find(name) {
    return this.root.querySelector(name);
  }

  show(bytes, open) {
    this.open = open;
    const theme = readTheme(this.root);
    if (JSON.stringify(theme) !== JSON.stringify(this.theme)) this.theme = theme;
    this.root.style.setProperty("--grown", css(ORANGE));
    this.root.style.setProperty("--dropped", css(SKY_BLUE));
    if (!sameBytes(this.bytes, bytes)) this.take(bytes);
    this.paint();
  }

  take(bytes) {
    const data = decodeWire(bytes);
    this.bytes = bytes;
    this.edition = data.edition;
    this.told = new Map(data.cards.map((card) => [card.name, card]));
    this.learn(keptNews(data.edition));
    for (const name of this.cards.keys()) if (!this.told.has(name)) this.cards.delete(name);
    this.root.dataset.cards = String(data.cards.length);
    this.arrange();
  }

  learn(cards) {
    for (const card of cards) this.told.set(card.name, { ...card, before: card.before ?? this.told.get(card.name)?.before });
  }

  hear({ edition, cards }) {
    if (edition !== this.edition) return;
    this.learn(cards);
    this.paint();
    if (this.find(".order").value !== "network" || this.find(".state").value) this.arrange();
  }

  paint() {
    for (const [name, card] of this.cards) if (this.told.has(name)) card.show(this.told.get(name), this.theme);
    this.root.dataset.known = String([...this.told.values()].filter((card) => card.before).length);
  }

  /** Put the cards that are asked for in the order asked for. */
  arrange() {
    const [text, state, by] = [this.find(".search").value, this.find(".state").value, this.find(".order").value];
    const told = ordered([...this.told.values()], by).filter((card) => matches(card, text.trim(), state));
    const shown = told.map((card) => this.cardOf(card));
    this.list.replaceChildren(...shown.map((card) => card.element));
    this.find(".count").textContent = `${told.length} of ${this.told.size} layers`;
    this.find(".none").hidden = told.length > 0;
    this.rove(shown.find((card) => card.button.tabIndex === 0)?.button ?? shown[0]?.button);
  }

  cardOf(told) {
    if (!this.cards.has(told.name)) this.cards.set(told.name, new Card(this.template));
    const card = this.cards.get(told.name);
    card.button.dataset.layer = told.name;
    if (this.theme) card.show(told, this.theme);
    return card;
  }

  /** One card alone is reached by Tab; the arrow keys lead to the others. */
  rove(button) {
    for (const { button: each } of this.cards.values()) each.tabIndex = each === button ? 0 : -1;
  }

  click(event) {
    const button = event.target.closest("button");
    if (!button) return;
    button.classList.add("opening"); // said at once: the page takes its time
    this.open(button.dataset.layer);
  }

  press(event) {
    const buttons = [...this.list.querySelectorAll("button")];
    const columns = buttons.filter((each) => each.offsetTop === buttons[0].offsetTop).length;
    const place = buttons.indexOf(event.target);
    const target = stepped(place, event.key, buttons.length, columns);
    if (place < 0 || target === null) return;
    event.preventDefault();
    buttons[target].focus();
  }
}

/** News go from one instance of the component to another, by the document; they may come before the wall they are about. */
function tellNews(news) {
  const kept = document[NEWS]?.edition === news.edition ? document[NEWS].cards : [];
  document[NEWS] = { edition: news.edition, cards: [...kept, ...news.cards] };
  document.dispatchEvent(new CustomEvent(NEWS, { detail: news }));
}

function keptNews(edition) {
  return document[NEWS]?.edition === edition ? document[NEWS].cards : [];
}

export default function render({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".wall");
  const told = WALLS.has(root) ? null : decodeWire(data);
  if (told?.is_news) {
    root.hidden = true;
    if (root.dataset.edition !== told.edition + told.cards.length) tellNews(told);
    root.dataset.edition = told.edition + told.cards.length;
    return undefined;
  }
  if (!WALLS.has(root)) WALLS.set(root, new Wall(root));
  const wall = WALLS.get(root);
  wall.show(data, (name) => setTriggerValue("open", name));
  return () => {
    wall.close();
    WALLS.delete(root);
  };
}
