// Where there is no room for two pictures beside each other: one at a time, swiped, or chosen by its button.

/** Tell `turned(index)` which picture has come into view. */
export function listenToSwipes(root, turned, signal) {
  const strip = root.querySelector(".sides");
  const tabs = [...root.querySelectorAll(".tabs button")];
  const mark = (index) => tabs.forEach((tab, i) => tab.setAttribute("aria-pressed", String(i === index)));
  tabs.forEach((tab, i) => tab.addEventListener("click", () => turnTo(strip, i), { signal }));
  strip.addEventListener("scroll", () => {
    const index = Math.round(strip.scrollLeft / Math.max(1, strip.clientWidth));
    mark(index);
    turned(index);
  }, { signal, passive: true });
  mark(0);
}

export function nameTabs(root, labels) {
  root.querySelectorAll(".tabs button").forEach((tab, i) => {
    tab.textContent = labels[i][0].toUpperCase() + labels[i].slice(1);
  });
}

function turnTo(strip, index) {
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
  strip.scrollTo({ left: strip.children[index].offsetLeft - strip.children[0].offsetLeft, behavior });
}
