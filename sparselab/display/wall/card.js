// One card: its elements, and what they say.

import { paintSmall } from "./small_picture.js";

export class Card {
  constructor(template) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.button = this.find("button");
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  show(told, theme) {
    if (this.told === told && this.theme === theme) return;
    const painted = this.told?.before === told.before && this.told?.after === told.after && this.theme === theme;
    Object.assign(this, { told, theme });
    const texts = { name: told.name, facts: told.facts, kept: told.words, chance: told.chance, speed: told.speed, structure: told.structure };
    for (const [name, text] of Object.entries(texts)) this.find(`.${name}`).textContent = text;
    this.find(".name").title = told.name;
    this.element.dataset.state = told.state;
    this.button.setAttribute("aria-label", spoken(told));
    this.showBar(told);
    if (!painted) this.paint();
  }

  /** The share kept as a bar, and where random groups come on it. */
  showBar({ kept, mark }) {
    const bar = this.find(".bar");
    bar.style.visibility = kept === null ? "hidden" : "visible";
    bar.style.setProperty("--kept", `${100 * (kept ?? 0)}%`);
    bar.querySelector(".by-chance").hidden = mark === null;
    bar.style.setProperty("--low", `${100 * (mark?.low ?? 0)}%`);
    bar.style.setProperty("--high", `${100 * (mark?.high ?? 0)}%`);
  }

  paint() {
    for (const side of ["before", "after"]) {
      const [canvas, picture] = [this.find(`canvas.${side}`), this.told[side]];
      canvas.classList.toggle("vacant", !picture);
      if (picture) paintSmall(canvas, picture, this.theme);
    }
  }
}

function spoken({ name, facts, words, chance, speed, structure }) {
  return [`Open ${name} in Explore`, facts, structure, words, chance, speed].filter(Boolean).join(". ");
}
