// The picture on the whole screen, for a projector: large type, and the keys that a clicker sends.

const STEPS = { PageDown: "next", PageUp: "previous" };
const BLANK_KEYS = [".", "b", "B"];

/** Hear a presenter's keys while `root` is on the whole screen. `ask(what)`: next or previous order; `leave()`: the page again. */
export function listenToPresenter(root, { ask, leave }, signal) {
  window.addEventListener("keydown", (event) => {
    if (!root.classList.contains("presenting") || event.ctrlKey || event.metaKey || event.altKey) return;
    const blank = root.classList.contains("blank");
    if (BLANK_KEYS.includes(event.key)) root.classList.toggle("blank");
    else if (blank) root.classList.remove("blank");
    else if (STEPS[event.key]) ask(STEPS[event.key]);
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
  }, { signal });
  root.querySelector(".blank-screen").addEventListener("click", () => root.classList.remove("blank"), { signal });
}

export function present(root, on) {
  root.classList.toggle("presenting", on);
  root.classList.remove("blank");
  const button = root.querySelector("[data-action=present]");
  button.textContent = on ? "Leave" : "Present";
  button.setAttribute("aria-label", on ? "Leave presenter view" : "Present: the picture on the whole screen");
}
